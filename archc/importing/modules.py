"""Modules that are known as a whole: what they call is not looked at.

Some show nothing of what they are in evaluation, as what drops whole branches, others
compute on their weights before they use them. Each class is here with the op that does
the same, and what its attributes are called there. Those that begin with `archc.` are
the classes that generated modules define for these ops.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from archc.importing.trace import Param, Sizes
from archc.importing.windows import one

_WINDOW = ("kernel_size", "stride")
_CONV = ("out_channels", *_WINDOW, "dilation", "groups", "bias")
_STD = (*_CONV, "padding", "eps")
_TIMM = "timm.layers"

WHOLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "torchvision.ops.stochastic_depth.StochasticDepth": (
        "stochastic_depth",
        ("p", "mode"),
    ),
    f"{_TIMM}.drop.DropPath": ("stochastic_depth", ("p",)),
    f"{_TIMM}.grn.GlobalResponseNorm": ("global_response_norm", ("eps",)),
    "torchvision.models.convnext.LayerNorm2d": ("layer_norm2d", ("eps",)),
    f"{_TIMM}.norm.LayerNorm2d": ("layer_norm2d", ("eps",)),
    f"{_TIMM}.blur_pool.BlurPool2d": ("blur_pool2d", _WINDOW),
    f"{_TIMM}.conv2d_same.Conv2dSame": ("conv2d_same", _CONV),
    f"{_TIMM}.pool2d_same.MaxPool2dSame": ("max_pool2d_same", _WINDOW),
    f"{_TIMM}.pool2d_same.AvgPool2dSame": ("avg_pool2d_same", _WINDOW),
    f"{_TIMM}.std_conv.StdConv2d": ("std_conv2d", _STD),
    f"{_TIMM}.std_conv.StdConv2dSame": ("std_conv2d", _STD),
    f"{_TIMM}.std_conv.ScaledStdConv2d": ("scaled_std_conv2d", (*_STD, "gamma")),
    f"{_TIMM}.std_conv.ScaledStdConv2dSame": ("scaled_std_conv2d", (*_STD, "gamma")),
    "archc.StochasticDepth": ("stochastic_depth", ("p", "mode")),
    "archc.GlobalResponseNorm": ("global_response_norm", ("eps",)),
    "archc.LayerNorm2d": ("layer_norm2d", ("eps",)),
    "archc.BlurPool2d": ("blur_pool2d", _WINDOW),
    "archc.Conv2dSame": ("conv2d_same", _CONV),
    "archc.MaxPool2dSame": ("max_pool2d_same", _WINDOW),
    "archc.AvgPool2dSame": ("avg_pool2d_same", _WINDOW),
    "archc.StdConv2d": ("std_conv2d", _STD),
    "archc.ScaledStdConv2d": ("scaled_std_conv2d", (*_STD, "gamma")),
}
"""By class: the op, and those of its attributes that the module has."""
_ELSEWHERE = {"p": ("drop_prob",), "kernel_size": ("filt_size", "weights")}
"""What they are called in some modules, of which the last is as long as that."""


def is_whole(function: str, part: object) -> bool:
    """Whether a module of this class is known as a whole: it has what that says, and is
    no other one of the same name."""
    _, names = WHOLE.get(function, ("", None))
    return names is not None and all(
        name in ("bias", "gamma")
        or any(hasattr(part, n) for n in (name, *_ELSEWHERE.get(name, ())))
        for name in names
    )


def whole(
    function: str, settings: Mapping[str, Any], shapes: Mapping[str, Sizes]
) -> tuple[str, dict[str, Any]]:
    """The op that a module is, and its attributes; `shapes` are those of its tensors.

    Raises:
        ValueError: if it is set up as no op is.
    """
    op, names = WHOLE[function]
    if settings.get("pad_mode", "reflect") != "reflect":
        raise ValueError(f"it pads with the mode {settings['pad_mode']!r}")
    found: dict[str, Any] = {}
    for name in names:
        if name == "bias":
            found[name] = isinstance(settings.get("bias"), Param)
        elif name == "gamma":
            found[name] = _gamma(settings["scale"], shapes["weight"])
        else:
            given = next(n for n in (name, *_ELSEWHERE.get(name, ())) if n in settings)
            value = settings[given]
            found[name] = len(value) if given == "weights" else one(value)
    return op, found


def padding_ahead(settings: Mapping[str, Any], sizes: Sizes) -> list[int]:
    """What a module pads a map of these sizes by, left, right, top and bottom, so that
    there are as many windows as its stride says; none, if it does not."""
    if not settings.get("same_pad"):
        return []
    found: list[int] = []
    windows = (settings[n] for n in ("kernel_size", "stride", "dilation"))
    for size, kernel, stride, dilation in zip(sizes, *windows, strict=True):
        reach = (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1
        whole = max(reach - size, 0)
        found = [whole // 2, whole - whole // 2, *found]
    return found if any(found) else []


def _gamma(scale: float, weight: Sizes) -> float:
    """The factor that gives this scale, as few digits of it as do."""
    root = prod(weight[1:]) ** -0.5
    for digits in range(1, 18):
        gamma = float(f"{scale / root:.{digits}g}")
        if gamma * root == scale:
            return gamma
    return scale / root


def drops_branches(function: str) -> bool:
    """Whether a module or function drops whole branches in training."""
    whole = WHOLE.get(function)
    return whole is not None and whole[0] == "stochastic_depth"
