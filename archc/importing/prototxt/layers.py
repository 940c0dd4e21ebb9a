"""The layers of a Caffe file, and which of them a phase has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archc.importing.prototxt.text import Malformed, Message, Scalar

Phase = Literal["TRAIN", "TEST"]

_OLD = {
    "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "ARGMAX": "ArgMax", "BNLL": "BNLL",
    "CONCAT": "Concat", "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution", "DATA": "Data", "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout", "DUMMY_DATA": "DummyData",
    "EUCLIDEAN_LOSS": "EuclideanLoss", "ELTWISE": "Eltwise", "EXP": "Exp",
    "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss", "IM2COL": "Im2col", "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss", "MVN": "MVN",
    "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU", "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss", "SILENCE": "Silence",
    "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss", "SPLIT": "Split",
    "SLICE": "Slice", "TANH": "TanH", "WINDOW_DATA": "WindowData",
    "THRESHOLD": "Threshold",
}  # fmt: skip
"""What types are called in files with `layers`, and since."""

_IN_FILE = frozenset({"name", "input", "input_shape", "input_dim", "force_backward",
                      "state", "debug_info", "layer", "layers"})  # fmt: skip
_IN_LAYER = frozenset({"name", "type", "bottom", "top", "phase", "loss_weight", "param",
                       "blobs", "blobs_lr", "weight_decay", "blob_share_mode",
                       "propagate_down", "include", "exclude"})  # fmt: skip
"""What stands in a file and in a layer, beside the layer's settings."""
_SETTINGS = frozenset({
    "accuracy", "argmax", "batch_norm", "bias", "clip", "concat", "contrastive_loss",
    "convolution", "crop", "data", "dropout", "dummy_data", "eltwise", "elu", "embed",
    "exp", "flatten", "hdf5_data", "hdf5_output", "hinge_loss", "image_data",
    "infogain_loss", "inner_product", "input", "log", "loss", "lrn", "memory_data",
    "mvn", "parameter", "pooling", "power", "prelu", "python", "recurrent", "reduction",
    "relu", "reshape", "scale", "sigmoid", "slice", "softmax", "spp", "swish", "tanh",
    "threshold", "tile", "transform", "window_data",
})  # fmt: skip
"""What settings of layers are called, before `_param`."""

DATA = frozenset({"Input", "Data", "ImageData", "MemoryData", "DummyData", "HDF5Data",
                  "WindowData", "AnnotatedData"})  # fmt: skip


@dataclass(slots=True, eq=False)
class Layer:
    """One layer."""

    name: str
    type: str
    bottoms: list[str]
    tops: list[str]
    message: Message

    reads: list[int] = field(default_factory=list[int])
    """Its bottoms as values, each blob at that time being one."""
    makes: list[int] = field(default_factory=list[int])
    """Its tops."""
    scale: Layer | None = None
    """Of a BatchNorm: the Scale behind it, which is a part of it."""

    @property
    def line(self) -> int:
        return self.message.line


def layers_of(file: Message, phase: Phase) -> list[Layer]:
    """The layers that a phase has, in their order.

    Raises:
        Malformed: if something is no layer.
    """
    for name, value in file.fields:
        if name not in _IN_FILE:
            raise Malformed(f"nothing is known of `{name}` outside of layers",
                            value.line)  # fmt: skip
    found = _inputs(file)
    for key in ("layer", "layers"):
        for message in file.messages(key):
            if message.has("layer"):
                reason = (
                    "this is the format before 2013, which Caffe's"
                    " `upgrade_net_proto_text` makes newer"
                )
                mend = "give the file to that tool, and import what it writes"
                raise Malformed(reason, message.line, mend)
            if not _is_in(message, phase):
                continue
            kind = message.text("type")
            if not kind:
                raise Malformed("a layer has no `type`", message.line)
            if key == "layers":
                kind = _OLD.get(kind, kind)
            name = message.text("name") or kind.lower()
            tops = message.texts("top")
            found.append(Layer(name, kind, message.texts("bottom"), tops, message))
    return found


def odd_key(layer: Layer) -> str:
    """A key of a layer that Caffe has not; empty, if it has all."""
    for name, _ in layer.message.fields:
        if name not in _IN_LAYER and name.removesuffix("_param") not in _SETTINGS:
            return name
    return ""


def _inputs(file: Message) -> list[Layer]:
    """The inputs that a file says beside its layers, as layers."""
    dims = file.integers("input_dim")
    shapes = [m.integers("dim") for m in file.messages("input_shape")]
    if dims:
        shapes = [dims[n : n + 4] for n in range(0, len(dims), 4)]
    found: list[Layer] = []
    for n, scalar in enumerate(file.scalars("input")):
        message = Message(scalar.line)
        if n < len(shapes):
            shape = Message(scalar.line)
            shape.fields = [("dim", Scalar(str(d), scalar.line)) for d in shapes[n]]
            param = Message(scalar.line, [("shape", shape)])
            message.fields.append(("input_param", param))
        found.append(Layer(scalar.text, "Input", [], [scalar.text], message))
    return found


def _is_in(message: Message, phase: Phase) -> bool:
    """Whether a layer is there in a phase, without stages and at level 0."""
    include, exclude = message.messages("include"), message.messages("exclude")
    if include:
        return any(_holds(rule, phase) for rule in include)
    return not any(_holds(rule, phase) for rule in exclude)


def _holds(rule: Message, phase: Phase) -> bool:
    named = {"TRAIN": "TRAIN", "TEST": "TEST", "0": "TRAIN", "1": "TEST"}
    if rule.has("phase") and named.get(rule.text("phase")) != phase:
        return False
    if rule.integer("min_level", 0) > 0 or rule.integer("max_level", 0) < 0:
        return False
    return not rule.has("stage")


def connect(layers: list[Layer]) -> int:
    """Numbers the values between the layers; how many there are.

    A blob that a layer writes in place is another value from there on.

    Raises:
        Malformed: if a layer reads what no layer before it makes.
    """
    blobs: dict[str, int] = {}
    count = 0
    for layer in layers:
        for bottom in layer.bottoms:
            if bottom not in blobs:
                raise Malformed(f"`{layer.name}` reads `{bottom}`, which nothing before"
                                " it makes", layer.line)  # fmt: skip
        layer.reads = [blobs[bottom] for bottom in layer.bottoms]
        layer.makes = list(range(count, count + len(layer.tops)))
        count += len(layer.tops)
        blobs.update(zip(layer.tops, layer.makes, strict=True))
    return count
