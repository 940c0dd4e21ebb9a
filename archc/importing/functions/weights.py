"""Functions with weights."""

from __future__ import annotations

from typing import Any

from archc.importing.reader import Reader, Refused, rule
from archc.spec.expressions import is_sequence


def _window(settings: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names if settings.get(name) is not None}


@rule("torch.conv1d", "torch.conv2d", "torch.conv3d")
def _conv(call: Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight", bias="bias")
    assert weight is not None
    out, _, *kernel = call.tensors[weight.key].shape
    attributes = {
        "out_channels": out,
        "kernel_size": kernel,
        **_window(call.settings, "stride", "padding", "dilation", "groups"),
        "bias": call.settings.get("bias") is not None,
    }
    call.make(call.call.function.removeprefix("torch."), attributes, key=path)


@rule("torch.conv_transpose1d", "torch.conv_transpose2d", "torch.conv_transpose3d")
def _conv_transpose(call: Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight", bias="bias")
    assert weight is not None
    _, out, *kernel = call.tensors[weight.key].shape
    groups = call.settings.get("groups", 1)
    attributes = {
        "out_channels": out * groups,
        "kernel_size": kernel,
        **_window(call.settings, "stride", "padding", "output_padding", "dilation"),
        "groups": groups,
        "bias": call.settings.get("bias") is not None,
    }
    call.make(call.call.function.removeprefix("torch."), attributes, key=path)


@rule("torch.nn.functional.linear")
def _linear(call: Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight", bias="bias")
    assert weight is not None
    out, features = call.tensors[weight.key].shape
    shape = call.shape_of(call.input)
    attributes: dict[str, Any] = {"out_features": out}
    if shape.channel_axis != len(shape.dims) - 1:
        attributes["in_features"] = features
    attributes["bias"] = call.settings.get("bias") is not None
    call.make("linear", attributes, key=path)


def _is_affine(call: Reader) -> bool:
    """Whether a normalisation has weight and bias.

    Raises:
        Refused: if it has one of them.
    """
    given = [call.settings.get(name) is not None for name in ("weight", "bias")]
    if any(given) and not all(given):
        held = "weight and no bias" if given[0] else "bias and no weight"
        raise Refused(f"`{call.call.function}` with a {held}, which no op has")
    return all(given)


@rule("torch.nn.functional.batch_norm")
def _batch_norm(call: Reader) -> None:
    names = {"weight": "weight", "bias": "bias", "running_mean": "running_mean",
             "running_var": "running_var"}  # fmt: skip
    tracked = call.settings.get("running_mean") is not None
    affine = _is_affine(call)
    path = call.owner(**names) if tracked or affine else None
    axes = max(call.rank - 2, 1)
    attributes = {
        "eps": call.settings["eps"],
        "momentum": call.settings["momentum"],
        "affine": affine,
        "track_running_stats": tracked,
    }
    call.make(f"batch_norm{axes}d", attributes, key=path)


@rule("torch.nn.functional.instance_norm")
def _instance_norm(call: Reader) -> None:
    affine = _is_affine(call)
    tracked = call.settings.get("running_mean") is not None
    names = {"weight": "weight", "bias": "bias", "running_mean": "running_mean",
             "running_var": "running_var"}  # fmt: skip
    path = call.owner(**names) if affine or tracked else None
    attributes = {
        "eps": call.settings["eps"],
        "affine": affine,
        "track_running_stats": tracked,
    }
    if tracked:
        attributes["momentum"] = call.settings["momentum"]
    call.make(f"instance_norm{call.rank - 2}d", attributes, key=path)


@rule("torch.nn.functional.layer_norm", "torch.layer_norm")
def _layer_norm(call: Reader) -> None:
    affine = call.settings.get("weight") is not None
    path = call.owner(weight="weight", bias="bias") if affine else None
    over = call.settings["normalized_shape"]
    made = call.call.makes[0]
    sizes = call.graph.trace.shapes[made]
    if affine:
        weight = call.param("weight")
        assert weight is not None
        count = len(call.tensors[weight.key].shape)
    else:
        count = len(over) if is_sequence(over) else 1
    attributes: dict[str, Any] = {"eps": call.settings["eps"]}
    if count > 1:
        attributes["normalized_shape"] = sizes[-count:]
    if not affine:
        attributes["elementwise_affine"] = False
    elif call.settings.get("bias") is None:
        attributes["bias"] = False
    call.make("layer_norm", attributes, key=path)


@rule("torch.nn.functional.rms_norm", "torch.rms_norm")
def _rms_norm(call: Reader) -> None:
    weight = call.param("weight") if call.settings.get("weight") is not None else None
    path = None if weight is None else call.owner(weight="weight")
    over = call.settings["normalized_shape"]
    attributes: dict[str, Any] = {"eps": call.settings.get("eps")}
    if is_sequence(over) and len(over) > 1:
        attributes["normalized_shape"] = over
    if weight is None:
        attributes["elementwise_affine"] = False
    call.make("rms_norm", attributes, key=path)


@rule("torch.nn.functional.group_norm", "torch.group_norm")
def _group_norm(call: Reader) -> None:
    affine = _is_affine(call)
    path = call.owner(weight="weight", bias="bias") if affine else None
    attributes = {
        "num_groups": call.settings["num_groups"],
        "eps": call.settings["eps"],
        "affine": affine,
    }
    call.make("group_norm", attributes, key=path)


@rule("torch.nn.functional.prelu", "torch.prelu")
def _prelu(call: Reader) -> None:
    weight = call.param("weight")
    path = call.owner(weight="weight")
    assert weight is not None
    tensor = call.tensors[weight.key]
    attributes: dict[str, Any] = {"num_parameters": tensor.shape[0]}
    if tensor.fill is not None:
        attributes["init"] = round(tensor.fill, 7)
    call.make("prelu", attributes, key=path)
