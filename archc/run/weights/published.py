"""The weights that torchvision publishes for its editions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

from archc.run.weights.read import BadWeights, Weights, from_state_dict

_EDITION = re.compile(r"(?:.*/)?torchvision/(\w+)(?:\.toml)?")


def published(label: str) -> Weights:
    """torchvision's own weights, downloaded or from the cache of torch.hub.

    `label` is the network's key, such as `torchvision/resnet50`, or the path of its
    spec. They are taken from torchvision's own module, which renames what older files
    call otherwise.

    Raises:
        BadWeights: if it is none of its editions, or the download failed.
    """
    edition = _EDITION.fullmatch(label)
    if edition is None:
        raise BadWeights(
            f"--weights torchvision is for the editions of torchvision, and not for"
            f" {label}: archc list torchvision shows them"
        )
    name = edition[1]
    from torchvision import models  # pyright: ignore[reportMissingTypeStubs]

    known: Any = models
    try:
        best: Any = known.get_model_weights(name).DEFAULT
    except ValueError as error:
        raise BadWeights(f"torchvision publishes no weights for {name}") from error
    try:
        model: Any = known.get_model(name, weights=best)
    # a server, a file system and a damaged file each fail in their own ways
    except Exception as error:
        raise BadWeights(
            f"the weights of {name} could not be downloaded: {error}"
        ) from error
    found = from_state_dict(model.state_dict(), f"{best}")
    return replace(
        found,
        classes=tuple(map(str, best.meta.get("categories", ()))),
        preprocessing=_preprocessing(best.transforms(), bool(_transforms(model))),
    )


def _transforms(model: Any) -> Any:
    """Whether the module itself changes from ImageNet's deviations to 0.5."""
    return getattr(model, "transform_input", False)


def _preprocessing(preset: Any, halves: bool) -> dict[str, Any] | None:
    """torchvision's preset as `Preprocessing.as_dict` has it."""
    if not hasattr(preset, "crop_size"):
        return None
    crop = cast("list[int]", preset.crop_size)
    crop = [crop[0], crop[-1]]
    return {
        "mode": "RGB",
        "shorter_side": preset.resize_size[0],
        "center_crop": crop,
        "grey": False,
        "size": crop,
        "interpolation": f"{preset.interpolation.value}, antialiased",
        "scale": 1 / 255,
        "mean": [0.5] * 3 if halves else list(preset.mean),
        "std": [0.5] * 3 if halves else list(preset.std),
        "channels": 3,
    }
