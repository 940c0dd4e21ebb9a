# ruff: noqa: E501 - lines of generated code stand as they are
"""Hand edits of generated modules: some compute the same, some do not."""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """What is done to a module by hand, the first place of each text."""

    spec: str
    """Below the root, without its suffix."""
    changes: list[tuple[str, str]]
    said: str = ""
    """What the report holds, of a module that is broken."""


LENET = "specs/lenet5"
ALEXNET = "specs/alexnet"
RESNET18 = "specs/torchvision/resnet18"
RESNET20 = "specs/cifar/resnet20"
GOOGLENET = "specs/googlenet"
DENSENET = "specs/densenet121"
NIN = "specs/nin"
VGG = "specs/vgg16"
MOBILENET = "specs/torchvision/mobilenet_v3_small"
SHUFFLENET = "specs/torchvision/shufflenet_v2_x1_0"
SLICED = "tests/run/halves_by_slices"
CONVNEXT = "tests/family/convnext_tiny"
UNET = "tests/family/unet"
SQUEEZENET = "specs/torchvision/squeezenet1_1"

TO_HEAD = ("import torch\n", "import math\n\nimport torch\n")
CHECKPOINT = (
    "import torch\n",
    "import torch\nfrom torch.utils.checkpoint import checkpoint\n",
)
FUNCTIONAL = ("import torch\n", "import torch\nimport torch.nn.functional as F\n")
ADD = "x = x + self.downsample(identity)"
RELU = "x = F.relu(x, inplace=True)"
FLATTEN = "x = torch.flatten(x, 1)"
LAST_RELU = "return F.relu(x, inplace=True)"
STAGE1 = "x = self.layer1(x)"
NORM = """        x = x.permute(0, 2, 3, 1)
        x = self.norm(x)
        return x.permute(0, 3, 1, 2)
"""
LINEAR = "x = self.f6(x)"
HALVES = "[x[:, :half], self.branch2(x[:, half:])]"
CHUNK = "x1, x2 = x.chunk(2, dim=1)"
AUX2 = "aux2 = self.aux2(x) if self.training else None"
OUTPUTS = "GoogLeNetOutputs(x, aux1, aux2)"

SAME = {
    "view for flatten": Edit(RESNET18, [(FLATTEN, "x = x.view(x.size(0), -1)")]),
    "reshape for flatten": Edit(ALEXNET, [(FLATTEN, "x = x.reshape(x.shape[0], -1)")]),
    "squeeze for flatten": Edit(DENSENET, [(FLATTEN, "x = x.squeeze(-1).squeeze(-1)")]),
    "an index for flatten": Edit(LENET, [(FLATTEN, "x = x[:, :, 0, 0]")]),
    "mean for a global pooling": Edit(RESNET18, [("x = self.avgpool(x)", "x = x.mean((2, 3), keepdim=True)")]),
    "mean for a pooling and flatten": Edit(
        DENSENET, [("x = F.adaptive_avg_pool2d(x, 1)", "x = x.mean(dim=(-2, -1))"), (FLATTEN, "")]
    ),
    "an average of the whole map": Edit(RESNET20, [("F.adaptive_avg_pool2d(x, 1)", "F.avg_pool2d(x, x.shape[2:])")]),
    "relu_": Edit(RESNET18, [(RELU, "x.relu_()"), (LAST_RELU, "return x.relu_()")]),
    "torch.relu_": Edit(ALEXNET, [(RELU, "torch.relu_(x)")]),
    "relu as clamp": Edit(RESNET20, [(RELU, "x = x.clamp(min=0)")]),
    "a skip in place": Edit(RESNET18, [(ADD, "x += self.downsample(identity)")]),
    "a skip as a function": Edit(RESNET18, [(ADD, "x = torch.add(self.downsample(identity), x)")]),
    "a norm through another layout": Edit(CONVNEXT, [(NORM, NORM.replace("0, 2, 3, 1", "0, 3, 2, 1").replace("0, 3, 1, 2", "0, 3, 2, 1"))]),
    "a skip as a sum": Edit(RESNET18, [(ADD, "x = torch.stack([x, self.downsample(identity)]).sum(0)")]),
    "contiguous": Edit(SLICED, [("x[:, half:]", "x[:, half:].contiguous()")]),
    "channels last": Edit(RESNET18, [("x = self.conv1(x)  # 64", "x = x.to(memory_format=torch.channels_last)\n        x = self.conv1(x)  # 64")]),
    "chunk for slices": Edit(
        SLICED,
        [("half = x.shape[1] // 2", "x1, x2 = x.chunk(2, dim=1)"), (HALVES, "[x1, self.branch2(x2)]")],
    ),
    "split for slices": Edit(
        SLICED,
        [("half = x.shape[1] // 2", "x1, x2 = torch.split(x, x.shape[1] // 2, dim=1)"), (HALVES, "[x1, self.branch2(x2)]")],
    ),
    "slices for a chunk": Edit(SHUFFLENET, [(CHUNK, "half = x.shape[1] // 2\n        x1, x2 = x[:, :half], x[:, half:]")]),
    "split for a chunk": Edit(SHUFFLENET, [(CHUNK, "x1, x2 = x.split(x.shape[1] // 2, dim=1)")]),
    "contiguous parts": Edit(SHUFFLENET, [(CHUNK, "x1, x2 = (part.contiguous() for part in x.chunk(2, dim=1))")]),
    "narrow for a slice": Edit(SLICED, [("x[:, :half]", "x.narrow(1, 0, half)")]),
    "a shuffle by hand": Edit(
        SHUFFLENET,
        [("return F.channel_shuffle(x, 2)",
          "n, c, h, w = x.shape\n        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)")],
    ),
    "movedim for permute": Edit(CONVNEXT, [("x = x.permute(0, 2, 3, 1)", "x = x.movedim(1, -1)"), ("return x.permute(0, 3, 1, 2)", "return x.movedim(-1, 1)")]),
    "transposes for permute": Edit(CONVNEXT, [("x = x.permute(0, 2, 3, 1)", "x = x.transpose(1, 2).transpose(2, 3)")]),
    "layer norm by hand": Edit(
        CONVNEXT,
        [(NORM,
          "        mean = x.mean(1, keepdim=True)\n"
          "        var = (x - mean).pow(2).mean(1, keepdim=True)\n"
          "        x = (x - mean) / torch.sqrt(var + self.norm.eps)\n"
          "        return self.norm.weight[:, None, None] * x + self.norm.bias[:, None, None]\n")],
    ),
    "layer norm as a function": Edit(
        CONVNEXT, [("x = self.norm(x)", "x = nn.functional.layer_norm(x, self.norm.normalized_shape, self.norm.weight, self.norm.bias, self.norm.eps)")]
    ),
    "brackets of a product": Edit(CONVNEXT, [("x = x * self.layer_scale", "x = self.layer_scale * 1.0 * x")]),
    "a gate by einsum": Edit(MOBILENET, [("return x * scale", 'return torch.einsum("nchw,nc->nchw", x, scale[:, :, 0, 0])')]),
    "hard sigmoid by hand": Edit(MOBILENET, [("scale = self.scale_activation(scale)", "scale = (scale + 3).clamp(0, 6) / 6")]),
    "a squeeze by linear": Edit(
        MOBILENET,
        [("scale = self.avgpool(x)\n        scale = self.fc1(scale)",
          "scale = x.mean((2, 3))\n        scale = nn.functional.linear(scale, self.fc1.weight.flatten(1), self.fc1.bias)[:, :, None, None]")],
    ),
    "checkpointed stages": Edit(RESNET18, [CHECKPOINT, (STAGE1, "x = checkpoint(self.layer1, x, use_reentrant=False)")]),
    "checkpointed in the old way": Edit(RESNET18, [CHECKPOINT, (STAGE1, "x = checkpoint(self.layer1, x, use_reentrant=True)")]),
    "checkpointed in training": Edit(
        DENSENET, [CHECKPOINT, ("layer(x)]", "(checkpoint(layer, x, use_reentrant=False) if self.training else layer(x))]")]
    ),
    "a list that is joined once": Edit(
        DENSENET,
        [("        for layer in self.values():\n            x = torch.cat([x, layer(x)], dim=1)\n        return x\n",
          "        parts = [x]\n        for layer in self.values():\n            parts.append(layer(torch.cat(parts, 1)))\n        return torch.cat(parts, 1)\n")],
    ),
    "padding before the convolution": Edit(
        RESNET20, [("self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)", "self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, bias=False)"),
                   ("x = self.conv2(x)", "x = self.conv2(F.pad(x, (1, 1, 1, 1)))")]
    ),
    "a 1x1 convolution as a product": Edit(
        NIN, [("x = self.cccp1(x)", "x = F.linear(x.permute(0, 2, 3, 1), self.cccp1.weight[:, :, 0, 0], self.cccp1.bias).permute(0, 3, 1, 2)")]
    ),
    "addmm for a linear layer": Edit(LENET, [(LINEAR, "x = torch.addmm(self.f6.bias, x, self.f6.weight.t())")]),
    "tanh by its definition": Edit(LENET, [("x = torch.tanh(x)", "x = 2 * torch.sigmoid(2 * x) - 1")]),
    "dropout as a module": Edit(ALEXNET, [("x = F.dropout(x, p=self.dropout, training=self.training)", "x = nn.Dropout(self.dropout).train(self.training)(x)")]),
    "dropout only in training": Edit(NIN, [("x = F.dropout(x, p=0.5, training=self.training)", "if self.training:\n            x = F.dropout(x, p=0.5)")]),
    "dropout in place": Edit(ALEXNET, [("x = F.dropout(x, p=self.dropout, training=self.training)", "F.dropout(x, self.dropout, self.training, inplace=True)")]),
    "an upsampling in two steps": Edit(UNET, [("x = torch.cat([down4, x], dim=1)", "x = torch.concat((down4, x), 1)")]),
    "max pooling as an unfolding": Edit(UNET, [("x = F.max_pool2d(down4, kernel_size=2)", "x = down4.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))")]),
    "a fire module with torch.split": Edit(
        SQUEEZENET, [("expand1x1 = self.expand1x1_activation(expand1x1)", "expand1x1 = expand1x1.relu()")]
    ),
    "relu after concat": Edit(
        SQUEEZENET,
        [("        expand1x1 = self.expand1x1_activation(expand1x1)\n", ""),
         ("        expand3x3 = self.expand3x3_activation(expand3x3)\n", ""),
         ("return torch.cat([expand1x1, expand3x3], dim=1)", "return self.expand3x3_activation(torch.cat([expand1x1, expand3x3], dim=1))")],
    ),
    "heads in another order": Edit(
        GOOGLENET,
        [("aux1 = self.aux1(x) if self.training else None", "inception4a = x"),
         (AUX2, f"{AUX2}\n        aux1 = self.aux1(inception4a) if self.training else None"),
         (OUTPUTS, "GoogLeNetOutputs(x, aux2=aux2, aux1=aux1)")],
    ),
    "an assertion": Edit(RESNET18, [("x = self.conv1(x)  # 64", "assert x.ndim == 4 and x.shape[1] == 3\n        x = self.conv1(x)  # 64")]),
    "a hand-written batch norm in evaluation": Edit(
        RESNET20,
        [("x = self.bn2(x)",
          "x = self.bn2(x) if self.training else (x - self.bn2.running_mean[:, None, None]) * (self.bn2.weight / (self.bn2.running_var + self.bn2.eps).sqrt())[:, None, None] + self.bn2.bias[:, None, None]")],
    ),
    "initialised otherwise to the same": Edit(
        RESNET18,
        [('nn.init.kaiming_normal_(\n                    module.weight, mode="fan_out", nonlinearity="relu"\n                )',
          "fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels\n                module.weight.data.normal_(0, (2 / fan) ** 0.5)")],
    ),
    "zeros by a constant": Edit(ALEXNET, [("nn.init.zeros_(module.bias)", "nn.init.constant_(module.bias, 0)")]),
    "an argument without a default value": Edit(LENET, [("num_classes: int = 10", "num_classes: int | None = None"), ("super().__init__()", "super().__init__()\n        num_classes = 10 if num_classes is None else num_classes")]),
}  # fmt: skip

DROPOUT = "x = F.dropout(x, p=self.dropout, training=self.training)"
INIT = """            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
"""
C3 = "self.c3 = nn.Conv2d(6, 16, kernel_size=5)"
POOL = "self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)"
CONV2 = "self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)"
BN2 = "self.bn2 = nn.BatchNorm2d(planes)"
ADDED = "x = x + identity"

BROKEN = {
    # settings of convolutions
    "stride": Edit(RESNET20, [("32, n, stride=2", "32, n, stride=1")], "stage2.0.conv1: conv2d has stride 1 instead of 2"),
    "padding of another kind": Edit(RESNET20, [(CONV2, CONV2.replace("padding=1", "padding=1, padding_mode='reflect'"))], "stage1.0.conv2"),
    "dilation": Edit(RESNET20, [(CONV2, CONV2.replace("padding=1", "padding=2, dilation=2"))], "stage1.0.conv2: conv2d has dilation 2 instead of 1, padding 2 instead of 1"),
    "bias": Edit(RESNET18, [("padding=3, bias=False", "padding=3")], "conv1.bias: the network has no such tensor"),
    "no bias": Edit(LENET, [(C3, C3.replace("=5)", "=5, bias=False)"))], "c3.bias: the module has no such tensor"),
    "groups": Edit(MOBILENET, [("groups=expanded", "groups=1")], "features.1.block.0.0.weight"),
    "a stride in one axis": Edit(UNET, [("kernel_size=3, padding=1", "kernel_size=3, padding=(1, 2)")], "down1.0: conv2d has padding (1, 2) instead of 1"),
    "a kernel of another size": Edit(ALEXNET, [("kernel_size=5, padding=2", "kernel_size=3, padding=1")], "conv2.weight: is 256x48x3x3 instead of 256x48x5x5"),
    "a convolution for a transposed one": Edit(UNET, [("x = self.up4(x)", "x = F.interpolate(x, scale_factor=2)[:, ::2]")], "up4: conv_transpose2d is never called with its parameters"),
    # normalisation
    "eps": Edit(DENSENET, [("self.norm2 = nn.BatchNorm2d(inter_channels)", "self.norm2 = nn.BatchNorm2d(inter_channels, eps=1e-3)")], "features.denseblock1.denselayer1.norm2: batch_norm has eps 0.001 instead of 1e-05"),
    "momentum": Edit(MOBILENET, [("momentum=0.01", "momentum=0.1")], "features.0.1: batch_norm has momentum 0.1 instead of 0.01"),
    "eps of a layer norm": Edit(CONVNEXT, [("eps=1e-6", "eps=1e-5")], "features.0.1.norm: layer_norm has eps 1e-05 instead of 1e-06"),
    "no running statistics": Edit(RESNET18, [(BN2, BN2.replace("planes)", "planes, track_running_stats=False)"))], "layer1.0.bn2.running_mean: the module has no such tensor"),
    "no scale": Edit(RESNET18, [(BN2, BN2.replace("planes)", "planes, affine=False)"))], "layer1.0.bn2.weight: the module has no such tensor"),
    "a norm over other axes": Edit(CONVNEXT, [(NORM, "        x = nn.functional.layer_norm(x, x.shape[1:], eps=1e-6)\n        return x * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]\n")], "features.0.1.permute"),
    "a norm that is always trained": Edit(RESNET20, [("x = self.bn2(x)", "x = self.bn2.train()(x)")], "stage1.0.bn2: in evaluation, batch_norm has training True instead of False"),
    "a norm that is never trained": Edit(RESNET20, [("x = self.bn2(x)", "x = self.bn2.eval()(x)")], "stage1.0.bn2: batch_norm has training False instead of True"),
    "normalisation left out": Edit(DENSENET, [("        x = self.norm2(x)\n", "")], "features.denseblock1.denselayer1.norm2: batch_norm is never called with its parameters"),
    "statistics that are reset": Edit(RESNET18, [("x = self.maxpool(x)", "self.bn1.running_mean.zero_()\n        x = self.maxpool(x)")], "bn1.running_mean: is updated otherwise"),
    "a size of local responses": Edit(GOOGLENET, [("F.local_response_norm(x, size=5)", "F.local_response_norm(x, size=3)")], "size 3 instead of 5"),
    # order
    "activation before normalisation": Edit(DENSENET, [("        x = self.norm1(x)\n        x = self.relu1(x)\n", "        x = self.relu1(x)\n        x = self.norm1(x)\n")], "features.denseblock1.denselayer1.norm1"),
    "pooling before the convolution": Edit(LENET, [("        x = self.c3(x)  # 16 x 10 x 10\n        x = torch.tanh(x)\n        x = self.s4(x)", "        x = self.s4(x)\n        x = self.c3(x)\n        x = torch.tanh(x)")], "c3"),
    "branches in another order": Edit(SQUEEZENET, [("torch.cat([expand1x1, expand3x3], dim=1)", "torch.cat([expand3x3, expand1x1], dim=1)")], "features.3.concat"),
    "the skip behind what comes": Edit(UNET, [("torch.cat([down2, x], dim=1)", "torch.cat([x, down2], dim=1)")], "concat"),
    "new maps before the old": Edit(DENSENET, [("torch.cat([x, layer(x)], dim=1)", "torch.cat([layer(x), x], dim=1)")], "features.denseblock1.concat"),
    "shuffled before the join": Edit(SHUFFLENET, [("return F.channel_shuffle(x, 2)", "return x")], "channel_shuffle"),
    # skips
    "no skip": Edit(MOBILENET, [(ADDED, "x = x + 0")], "features.3.add"),
    "a skip without its projection": Edit(RESNET18, [(ADD, "x = x + (identity if x.shape == identity.shape else self.downsample[0](identity))")], "layer2.0.downsample.1"),
    "the skip leaves behind the first convolution": Edit(RESNET20, [("        identity = x\n        x = self.conv1(x)\n        x = self.bn1(x)", "        x = self.conv1(x)\n        identity = x\n        x = self.bn1(x)")], "stage1.0"),
    "the skip is overwritten": Edit(RESNET20, [("        identity = x\n        x = self.conv1(x)", "        identity = x\n        x.mul_(2)\n        x = self.conv1(x)")], "stage1.0.add: add reads stage1.0.bn2 and another value instead of stage1.0.bn2 and relu"),
    "an activation in place of what the skip needs": Edit(DENSENET, [("x = self.norm1(x)", "x = self.norm1(F.relu(x, inplace=True))")], "features.denseblock1.denselayer1.norm1"),
    "subtracted": Edit(CONVNEXT, [("return x + identity", "return x - identity")], "features.1.0.add"),
    "half of the skip": Edit(RESNET18, [(ADD, "x = x + 0.5 * self.downsample(identity)")], "layer1.0.add"),
    "a decoder that reads the wrong level": Edit(UNET, [("torch.cat([down3, x], dim=1)", "torch.cat([x, x], dim=1)")], "concat"),
    # activations
    "relu left out": Edit(NIN, [("        x = F.relu(x, inplace=True)\n        x = self.cccp2(x)", "        x = self.cccp2(x)")], "mlpconv1"),
    "leaky relu": Edit(VGG, [("nn.ReLU(inplace=True)", "nn.LeakyReLU(0.01, inplace=True)")], "features.relu1_1"),
    "gelu by tanh": Edit(CONVNEXT, [("nn.GELU()", 'nn.GELU("tanh")')], "features.1.0.block.4: gelu has approximate tanh instead of none"),
    "relu6 for relu": Edit(SQUEEZENET, [("self.squeeze_activation = nn.ReLU(inplace=True)", "self.squeeze_activation = nn.ReLU6(inplace=True)")], "features.3.squeeze_activation"),
    "a sigmoid for a hard one": Edit(MOBILENET, [("nn.Hardsigmoid(inplace=True)", "nn.Sigmoid()")], "features.1.block.1.scale_activation"),
    "relu twice, once too early": Edit(RESNET18, [(ADD, "x = F.relu(x) + self.downsample(identity)")], "layer1.0.add"),
    # pooling
    "ceil_mode": Edit(NIN, [("stride=2, ceil_mode=True", "stride=2")], "max_pool2d has ceil_mode False instead of True"),
    "an average for a maximum": Edit(RESNET18, [(POOL, POOL.replace("MaxPool", "AvgPool"))], "maxpool: max_pool2d"),
    "a maximum for an average": Edit(LENET, [("self.s4 = nn.AvgPool2d", "self.s4 = nn.MaxPool2d")], "s4: avg_pool2d"),
    "a pooling of another stride": Edit(GOOGLENET, [("self.avgpool = nn.AvgPool2d(kernel_size=5, stride=3)", "self.avgpool = nn.AvgPool2d(kernel_size=5, stride=3, count_include_pad=False, divisor_override=24)")], "aux1.avgpool: avg_pool2d has count_include_pad False instead of True, divisor_override 24 instead of none"),
    "the largest for the mean": Edit(SHUFFLENET, [("F.adaptive_avg_pool2d(x, 1)", "F.adaptive_max_pool2d(x, 1)")], "adaptive_avg_pool2d"),
    # dropout
    "dropout's p": Edit(NIN, [("p=0.5", "p=0.4")], "dropout has p 0.4 instead of 0.5"),
    "dropout always on": Edit(ALEXNET, [(DROPOUT, "x = F.dropout(x, p=self.dropout)")], "in evaluation"),
    "dropout never on": Edit(ALEXNET, [(DROPOUT, "x = F.dropout(x, p=self.dropout, training=False)")], "dropout"),
    "dropout of whole channels": Edit(GOOGLENET, [("self.dropout = nn.Dropout(p=0.4)", "self.dropout = nn.Dropout1d(p=0.4)")], "dropout"),
    "dropped paths of the batch": Edit(CONVNEXT, [("StochasticDepth(drop_path)", 'StochasticDepth(drop_path, "batch")')], "stochastic_depth"),
    "dropped paths that are not made up for": Edit(CONVNEXT, [("mask = mask / survival", "pass")], "stochastic_depth"),
    # slices and permutations
    "the other half": Edit(SLICED, [("x[:, half:]", "x[:, :half]")], "stage2.1.channel_slice_1"),
    "parts exchanged": Edit(SHUFFLENET, [("x1, x2 =", "x2, x1 =")], "stage2.1"),
    "one channel on": Edit(SLICED, [("x[:, :half]", "x[:, 1 : half + 1]")], "stage2.1"),
    "shuffled in other groups": Edit(SHUFFLENET, [("F.channel_shuffle(x, 2)", "F.channel_shuffle(x, 4)")], "channel_shuffle has groups 4 instead of 2"),
    "the wrong way back": Edit(CONVNEXT, [("Permute((0, 3, 1, 2))", "Permute((0, 3, 2, 1))")], "features.1.0.block.6"),
    "flattened from another layout": Edit(VGG, [(FLATTEN, "x = torch.flatten(x.transpose(1, 3), 1)")], "flatten"),
    # evaluation
    "only in evaluation": Edit(RESNET20, [(ADDED, "x = x + identity if self.training else x")], "stage1.0.add: in evaluation"),
    "another activation in evaluation": Edit(LENET, [("x = torch.tanh(x)", "x = torch.tanh(x) if self.training else torch.sigmoid(x)")], "in evaluation"),
    "probabilities in evaluation": Edit(LENET, [("return self.output(x)", "x = self.output(x)\n        return x if self.training else x.softmax(1)")], "in evaluation"),
    "scores and features in evaluation": Edit(RESNET18, [("return self.fc(x)", "return self.fc(x) if self.training else (self.fc(x), x)")], "evaluation gives 2 outputs instead of 1"),
    "heads in evaluation": Edit(GOOGLENET, [(" if self.training else None", "")] * 2, "evaluation gives 3 outputs instead of 1"),
    # heads and losses
    "a head without gradients": Edit(GOOGLENET, [("self.aux2(x)", "self.aux2(x.detach())")], "aux2.avgpool"),
    "a head under no_grad": Edit(GOOGLENET, [(AUX2, f"with torch.no_grad():\n            copy = x * 1\n        {AUX2.replace('(x)', '(copy)')}")], "aux2.avgpool"),
    "heads that change places": Edit(GOOGLENET, [(OUTPUTS, "GoogLeNetOutputs(x, aux2, aux1)")], "head aux1 is not what aux1.fc2 gives"),
    "the weight of a loss": Edit(GOOGLENET, [('"aux1": 0.3', '"aux1": 0.5')], "loss_weights is"),
    "a body without gradients": Edit(DENSENET, [("        x = self.features(x)", "        with torch.no_grad():\n            x = self.features(x)")], "features.conv: no gradient goes back through conv2d"),
    # arguments
    "an argument that is ignored": Edit(RESNET18, [("self.fc = nn.Linear(512, num_classes)", "self.fc = nn.Linear(512, 1000)")], "with the argument num_classes = 3, fc.weight: is 1000x512 instead of 3x512"),
    "a depth that is ignored": Edit(RESNET20, [("64, n, stride=2", "64, 3, stride=2")], "with the argument n = 1, stage3.1.conv1.weight"),
    "a rate that is ignored": Edit(ALEXNET, [("self.dropout = dropout", "self.dropout = 0.5")], "with the argument dropout = 0.25"),
    "widths that are ignored": Edit(UNET, [("self.head = nn.Conv2d(width,", "self.head = nn.Conv2d(64,")], "with the argument width = 3"),
    "a switch that is ignored": Edit(GOOGLENET, [("self.lrn = lrn", "self.lrn = True")], "with the argument lrn = False"),
    "another default": Edit(LENET, [("num_classes: int = 10", "num_classes: int = 12")], "the argument num_classes defaults to 12 instead of 10"),
    "an argument that is gone": Edit(ALEXNET, [(", groups: int = 2", ""), ("self.dropout = dropout", "self.dropout = dropout\n        groups = 2")], "the argument groups is missing"),
    "growth that is counted wrong": Edit(DENSENET, [("in_channels += num_layers * growth_rate", "in_channels += num_layers * 32")], "with the argument growth_rate = 3"),
    # initialisation
    "no initialisation": Edit(RESNET18, [("        self._initialize_weights()\n", "")], "conv1.weight: starts with uniform_("),
    "another fan": Edit(RESNET18, [('mode="fan_out"', 'mode="fan_in"')], "conv1.weight: starts with normal_(0, "),
    "another deviation": Edit(ALEXNET, [("nn.init.normal_(module.weight, std=0.01)", "nn.init.normal_(module.weight, std=0.02)")], "conv1.weight: starts with normal_(0, 0.02) instead of normal_(0, 0.01)"),
    "biases left as they are": Edit(ALEXNET, [("                nn.init.zeros_(module.bias)\n", "                pass\n")], ".bias: starts with uniform_("),
    "a norm that starts at zero": Edit(RESNET18, [(BN2, BN2 + "\n        nn.init.zeros_(self.bn2.weight)")], "layer1.0.bn2.weight: starts with fill_(0) instead of fill_(1)"),
    "a scale that starts otherwise": Edit(CONVNEXT, [("1, 1), 1e-6)", "1, 1), 1e-5)")], "features.1.0.layer_scale: starts with fill_(1e-05) instead of fill_(1e-06)"),
    # tensors
    "weights that are tied": Edit(NIN, [("    def forward", "        self.cccp2.weight = self.cccp1.weight\n\n    def forward")], "mlpconv1.cccp2.weight: is the same tensor as mlpconv1.cccp1.weight"),
    "a frozen layer": Edit(RESNET18, [("self.maxpool = ", "self.conv1.weight.requires_grad = False\n        self.maxpool = ")], "conv1.weight: is not trained: requires_grad is False"),
    "half precision": Edit(LENET, [("self.output = nn.Linear(84, num_classes)", "self.output = nn.Linear(84, num_classes).half()")], "output.weight: is float16 instead of float32"),
    "a buffer that is not saved": Edit(RESNET18, [("self.maxpool = ", 'self.bn1.register_buffer("running_var", torch.ones(64), persistent=False)\n        self.maxpool = ')], "bn1.running_var: is not in the state_dict"),
    "a module that is used twice": Edit(SQUEEZENET, [("expand3x3 = self.expand3x3(x)", "expand3x3 = self.expand1x1(x)")], "features.3.expand3x3: conv2d is never called with its parameters"),
    "one block for two": Edit(VGG, [("drop6=nn.Dropout(p=dropout)", "drop6=nn.Sequential(nn.Dropout(p=dropout), nn.Linear(4096, 4096))")], "classifier.drop6.1"),
    # what a file may raise
    "an exit": Edit(LENET, [("x = self.s4(x)", "raise SystemExit(3)")], "s4: forward fails: SystemExit: 3"),
    "endless recursion": Edit(LENET, [("return self.output(x)", "return self.forward(x)")], "forward fails"),
    "a division by zero when it is built": Edit(LENET, [("super().__init__()", "super().__init__()\n        1 / 0")], "ZeroDivisionError"),
}  # fmt: skip
