"""What methods of `archc look` find, held to ones written out."""

from __future__ import annotations

import re
import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree

import pytest
import torch
from click.testing import Result
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional

import archc
from archc.network.graph import Network
from archc.run.look import attribution
from archc.run.look.kernels import kernels
from archc.run.look.layered import Layered, Part
from archc.run.look.projection import form_for, project
from archc.run.look.strongest import search
from archc.run.look.units import Unit
from tests.command import invoke
from tests.run import plain_deconvnet as plain
from tests.run.training import PLAIN


def made(name: str, **params: Any) -> tuple[Network, dict[str, Tensor]]:
    """A network of the catalogue and weights of which most activations are open."""
    network = archc.load(name, **params)
    torch.manual_seed(7)
    state = network.module().state_dict()
    for key, tensor in state.items():
        if tensor.dim() == 4:
            torch.nn.init.kaiming_normal_(tensor)
        elif key.endswith(".bias"):
            tensor.normal_(0, 0.1)
    return network._network, state  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("name", ["lenet5", "caffe/lenet", "alexnet", "vgg11"])
def test_deconvolution_is_a_plain_one(name: str) -> None:
    network, state = made(name, num_classes=2)
    convolutions = [
        layer for layer in network.layers() if layer.op.category == "convolution"
    ]
    steps = {
        "lenet5": plain.LENET,
        "caffe/lenet": plain.CAFFE_LENET,
        "alexnet": plain.ALEXNET,
        "vgg11": plain.vgg([layer.path for layer in convolutions]),
    }[name]
    whole = Layered(network, state)
    assert network.input.shape is not None
    x = torch.randn(1, *network.input.shape.sizes)
    last = convolutions[-1]
    for channel in (0, 17):
        unit = Unit(last, channel)
        assert form_for(whole, unit) == "deconvolution"
        most, found = project(whole, unit, x)
        wanted = plain.project(steps, state, x, channel)
        assert most > 0 and found.abs().max() > 0
        # relative to the largest: the same sums of float32 numbers
        torch.testing.assert_close(
            found / wanted.abs().max(), wanted / wanted.abs().max(), rtol=0, atol=1e-6
        )


def test_a_unit_of_a_vector() -> None:
    network = archc.loads(PLAIN)
    state = network.module().state_dict()
    whole = Layered(network._network, state)  # pyright: ignore[reportPrivateUsage]
    x = torch.randn(3, 1, 8, 8)
    layer = next(part.layer for part in whole.parts if part.layer.path == "fc")
    most, found = project(whole, Unit(layer, 4), x)
    logits = archc.loads(PLAIN).module(weights=state)(x)[:, 4]
    torch.testing.assert_close(most, logits.detach(), rtol=1e-5, atol=1e-6)
    back = most.clamp_min(0)[:, None] * state["fc.weight"][4]
    back = back.view(3, 8, 6, 6).clamp_min(0)
    wanted = torch.nn.functional.conv_transpose2d(back, state["conv.weight"])
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-7)


SEES = """\
archc = 1
name = "sees"
title = "<b>Sees & hides</b>"

[network]
input = [1, 24, 24]
layers = [
  { name = "conv1", op = "conv2d", out_channels = 6, kernel_size = 5, padding = 2 },
  { op = "relu" },
  { name = "pool1", op = "max_pool2d", kernel_size = 2 },
  { name = "conv2", op = "conv2d", out_channels = 8, kernel_size = 5, padding = 2 },
  { op = "relu" },
  { name = "pool2", op = "adaptive_max_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 2 },
]
"""
SQUARE = (13, 4)
"""Top and left of the square of 6 x 6 in the image that is looked at."""


def images(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise, and in every other image a bright square in some place."""
    x = 0.5 * torch.rand(count, 1, 24, 24, generator=generator)
    labels = torch.arange(count) % 2
    places: list[list[int]] = torch.randint(
        18, (count, 2), generator=generator
    ).tolist()
    for i, (top, left) in enumerate(places):
        if labels[i]:
            x[i, :, top : top + 6, left : left + 6] += 0.5
    return x, labels


@pytest.fixture(scope="module")
def sees(tmp_path_factory: Any) -> Path:
    """A network that was trained to see the square, and an image with one."""
    folder: Path = tmp_path_factory.mktemp("sees")
    (folder / "sees.toml").write_text(SEES)
    torch.manual_seed(3)
    model = archc.load(folder / "sees.toml").module()
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    generator = torch.Generator().manual_seed(3)
    for _ in range(120):
        x, labels = images(32, generator)
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1, loss
    torch.save(model.state_dict(), folder / "sees.pt")
    x, _ = images(2, generator)
    (top, left), seen = SQUARE, x[0, 0]
    seen[top : top + 6, left : left + 6] += 0.5
    Image.fromarray((seen * 255).byte().numpy()).save(folder / "square.png")
    for name, own in (("with", x[0]), ("without", x[1, :, :6].repeat(1, 4, 1))):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(5):
            shifted = (own[0].roll(i, 1) * 255).byte().numpy()
            Image.fromarray(shifted).save(folder / "photos" / name / f"{i}.png")
    return folder


def look(folder: Path, *arguments: object, exit_code: int = 0) -> Result:
    words = ["look", folder / "sees.toml", "--weights", folder / "sees.pt", *arguments]
    done = invoke(*words)
    assert done.exit_code == exit_code, done.output
    return done


def loaded(folder: Path) -> tuple[Layered, Tensor]:
    network = archc.load(folder / "sees.toml")
    state = torch.load(folder / "sees.pt", weights_only=True)
    pixels = functional.pil_to_tensor(Image.open(folder / "square.png"))
    x: Tensor = pixels[None] / 255
    return Layered(network._network, state), x  # pyright: ignore[reportPrivateUsage]


def within(values: Tensor) -> bool:
    """Whether the largest is in the square, or less than half a window from it."""
    row, column = divmod(int(values.argmax()), values.shape[1])
    top, left = SQUARE
    return top - 2 <= row < top + 8 and left - 2 <= column < left + 8


def test_occlusion_finds_the_square(sees: Path) -> None:
    whole, x = loaded(sees)
    found = attribution.occlusion(attribution.Scored(whole, 1), x)
    assert found.shape == (24, 24) and within(found)
    top, left = SQUARE
    inside = found[top : top + 6, left : left + 6].mean()
    outside = found.clone()
    outside[top - 4 : top + 10, :][:, max(left - 4, 0) : left + 10] = 0
    assert inside > 0 and inside > 5 * outside.abs().max()
    gradient = attribution.gradient(attribution.Scored(whole, 1), x)
    assert within(gradient)
    layer = attribution.camera(whole)
    assert layer is not None and layer.path == "relu_1"
    cam = attribution.gradcam(whole, layer, 1, x)
    assert cam.shape == (24, 24) and cam.min() >= 0 and within(cam)


def test_gradient_is_that_of_autograd(sees: Path) -> None:
    whole, x = loaded(sees)
    own = x.clone().requires_grad_()
    model = archc.load(sees / "sees.toml").module(weights=sees / "sees.pt").eval()
    (wanted,) = torch.autograd.grad(model(own)[0, 1], own)
    found = attribution.gradient(attribution.Scored(whole, 1), x)
    # one network's sums, once by its module and once layer by layer
    torch.testing.assert_close(found, wanted[0, 0].abs(), rtol=1e-5, atol=1e-7)


def test_strongest_images_are_those_of_a_full_sort(sees: Path) -> None:
    whole, _ = loaded(sees)
    x, _ = images(50, torch.Generator().manual_seed(5))
    layers = [part.layer for part in whole.parts if part.layer.path == "conv2"]
    parts = torch.arange(50).split(7)
    found = search(whole, layers, ((list(map(int, i)), x[i]) for i in parts))
    with torch.no_grad():
        made = whole.values(x, [layers[0].output])[layers[0].output]
    values, order = made.amax((2, 3)).sort(0, descending=True)
    best = found[layers[0]]
    torch.testing.assert_close(best.values, values[:9].t(), rtol=1e-6, atol=1e-7)
    assert torch.equal(best.images, order[:9].t())


def test_skips_take_the_guided_form() -> None:
    network, state = made("cifar/resnet20")
    whole = Layered(network, state)
    by_path = {part.layer.path: part.layer for part in whole.parts}
    assert form_for(whole, Unit(by_path["conv1"], 0)) == "deconvolution"
    unit = Unit(by_path["stage1.1.conv1"], 2)
    assert form_for(whole, unit) == "guided backpropagation"
    x = torch.randn(2, 3, 32, 32)
    _, found = project(whole, unit, x)
    assert torch.equal(found, project(whole, unit, x)[1])
    # guided backpropagation written out: gradients that are negative, or of what was
    # shut, end at each activation
    torch.testing.assert_close(found, guided(state, x, 2), rtol=1e-4, atol=1e-6)


def guided(state: dict[str, Tensor], x: Tensor, channel: int) -> Tensor:
    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.clamp_min(0)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return gradients[0].clamp_min(0) * (x > 0)

    def relu(x: Tensor) -> Tensor:
        return Guided.apply(x)  # pyright: ignore

    def convolved(x: Tensor, name: str) -> Tensor:
        return torch.nn.functional.conv2d(x, state[f"{name}.weight"], padding=1)

    def normalised(x: Tensor, name: str) -> Tensor:
        own = [state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight")]
        return torch.nn.functional.batch_norm(x, *own, state[f"{name}.bias"])

    own = x.clone().requires_grad_()
    y = relu(normalised(convolved(own, "conv1"), "bn1"))
    inner = relu(normalised(convolved(y, "stage1.0.conv1"), "stage1.0.bn1"))
    inner = normalised(convolved(inner, "stage1.0.conv2"), "stage1.0.bn2")
    y = convolved(relu(inner + y), "stage1.1.conv1")[:, channel].flatten(1)
    most = y.max(1).values
    (found,) = torch.autograd.grad((most * most.detach()).sum(), own)
    return found


def test_page_and_sheets(sees: Path, tmp_path: Path) -> None:
    photos = ("--data", f"folder:{sees / 'photos'}")
    image = ("--image", sees / "square.png")
    page = tmp_path / "sees.html"
    said = look(sees, *photos, *image, "-o", page)
    assert "the weights do not say" not in said.stderr
    text = page.read_text()
    assert "<b>Sees" not in text and "&lt;b&gt;Sees &amp; hides" in text
    for words in ("kernels of conv2", "feature maps of pool1", "answers to",
                  "by deconvolution", "Grad-CAM", "occlusion"):  # fmt: skip
        assert words in text, words
    svg = tmp_path / "sees.svg"
    look(sees, *image, "-o", svg, "--method", "kernels", "--method", "maps")
    drawn = ElementTree.parse(svg).getroot()
    pictures = [e for e in drawn.iter() if e.tag.endswith("image")]
    # kernels of conv1, maps of its size and of conv2's
    assert len(pictures) == 6 + 6 + 8
    # 5 x 5 numbers are squares of their own, which nothing that enlarges them smooths
    first = pictures[0]
    source = b64decode(first.attrib["href"].partition(",")[2])
    with Image.open(BytesIO(source)) as opened:
        side = opened.width
        assert opened.height == side >= 1.5 * int(first.attrib["width"])
        blocks = functional.pil_to_tensor(opened).unfold(1, side // 5, side // 5)
    assert (blocks.amax(3) == blocks.amin(3)).all()
    png = tmp_path / "sees.png"
    unit = ("--unit", "conv2:3", "--method", "strongest", "--method", "deconv")
    look(sees, *photos, *unit, "-o", png)
    with Image.open(png) as opened:
        assert opened.format == "PNG" and 200 < opened.size[0] <= 1880


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--method", "maps"), "--method maps needs an --image"),
        (("--method", "strongest"), "--method strongest needs --data"),
        (("--unit", "conv9:1"), "has no layer conv9: did you mean"),
        (("--unit", "conv2:8"), "the channels of conv2 are 0 to 7"),
        (("--unit", "conv2:-1"), "the channels of conv2 are 0 to 7"),
        (("--unit", ":1"), "no layer without a name"),
        (("--method", "kernels", "--unit", "pool1"), "pool1 has no kernels to show"),
        (("--image", "sees.toml"), "it is no image"),
        (("-o", "x.jpg"), ".html, .png or .svg"),
        (("-o", "mine.html"), "is no page of archc's"),
    ],
)
def test_what_cannot_be_looked_at_is_told_in_a_line(
    sees: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, words: str
) -> None:
    monkeypatch.chdir(sees)
    (sees / "mine.html").write_text("mine")
    done = look(sees, *arguments, exit_code=2)
    assert words in done.stderr.splitlines()[-1], done.stderr


def test_three_channels_are_colours_of_an_image_alone() -> None:
    network = archc.loads(
        SEES.replace("input = [1", "input = [3").replace("channels = 6", "channels = 3")
    )
    state = network.module().state_dict()
    whole = Layered(network._network, state)  # pyright: ignore[reportPrivateUsage]
    first, second = (
        kernels(part.layer, whole)
        for part in whole.parts
        if isinstance(part, Part) and part.layer.op.category == "convolution"
    )
    assert "in the colours of the image" in first.note and len(first.tiles) == 3
    assert "a column a channel that it reads, all 3" in second.note
    assert len(second.tiles) == 8 * 3


TOWERS = """\
archc = 1
name = "towers"

[network]
input = [3, 12, 12]
layers = [
  { name = "frame", op = "zero_pad2d", padding = 1 },
  { branches = [
    [
      { name = "left", op = "conv2d", out_channels = 4, kernel_size = 3 },
      { op = "relu" },
    ],
    [{ name = "right", op = "conv2d", out_channels = 2, kernel_size = 3 }],
  ], merge = "concat" },
  { name = "top", op = "conv2d", out_channels = 2, kernel_size = 3 },
]
"""


def test_towers_are_shown_both_and_the_image_is_no_map(tmp_path: Path) -> None:
    (tmp_path / "towers.toml").write_text(TOWERS)
    torch.save(archc.loads(TOWERS).module().state_dict(), tmp_path / "towers.pt")
    Image.new("RGB", (12, 12), (200, 20, 90)).save(tmp_path / "red.png")
    for ending, kernels_of, maps_of in (
        ("svg", ["left", "right"], ["concat", "top"]),
        ("html", ["left", "right", "top"], ["relu", "right", "concat", "top"]),
    ):
        out = tmp_path / f"towers.{ending}"
        done = invoke(
            "look", tmp_path / "towers.toml", "--weights", tmp_path / "towers.pt",
            "--image", tmp_path / "red.png", "--method", "kernels", "--method", "maps",
            "-o", out,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        shown = re.findall(r"(kernels|feature maps) of ([\w.]+)<", out.read_text())
        assert [path for of, path in shown if of == "kernels"] == kernels_of
        assert [path for of, path in shown if of != "kernels"] == maps_of


def test_why_there_is_nothing_to_show(tmp_path: Path) -> None:
    maps_only = TOWERS.replace("towers", "maps_only")
    vector = """\
archc = 1
name = "vector"

[network]
input = [3, 12, 12]
layers = [{ op = "flatten" }, { name = "fc", op = "linear", out_features = 4 }]
"""
    image = tmp_path / "red.png"
    Image.new("RGB", (12, 12), (200, 20, 90)).save(image)
    for text, method, words in (
        (maps_only, "gradcam", "has no classes that occlusion, gradient and Grad-CAM"),
        (vector, "gradcam", "no convolution gives maps to a class"),
        (vector, "maps", "has nothing to show by maps"),
    ):
        spec, weights = tmp_path / "net.toml", tmp_path / "net.pt"
        spec.write_text(text)
        torch.save(archc.loads(text).module().state_dict(), weights)
        common = ("look", spec, "--weights", weights, "--image", image)
        done = invoke(*common, "--method", method, "-o", tmp_path / "x.svg")
        assert done.exit_code == 2
        assert words in done.stderr.splitlines()[-1], done.stderr


def test_captum_may_be_absent(sees: Path, tmp_path: Path) -> None:
    image, out = ("--image", sees / "square.png"), ("-o", tmp_path / "x.svg")
    with patch("archc.run.look.session.find_spec", lambda name: None):
        done = look(sees, *image, *out)
        assert "note: without captum there is no deconv" in done.stderr
        done = look(sees, *image, *out, "--method", "gradcam", exit_code=2)
    assert done.stderr == (
        "Error: --method gradcam needs captum: pip install 'archc-compiler[look]'\n"
    )


def test_a_module_that_computes_something_else_is_refused(
    sees: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sees)
    invoke("compile", "sees.toml")
    module = sees / "generated/sees.py"
    module.write_text(module.read_text().replace("F.relu(x", "F.gelu(x", 1).replace(
        ", inplace=True", "", 1))  # fmt: skip
    done = look(sees, "--image", "square.png", exit_code=2)
    assert "was changed by hand" in done.stderr.splitlines()[-1], done.stderr
    done = look(sees, "--data", "folder:photos", exit_code=2)
    assert "was changed by hand" in done.stderr.splitlines()[-1], done.stderr
    shutil.rmtree(sees / "generated")
