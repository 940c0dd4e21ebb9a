"""Networks that people have, by where they are: their code is run to get them."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from archc.run.importing.constructing import watching


class NoSource(Exception):
    """What is asked for cannot be had; why, in a sentence."""


@dataclass(slots=True)
class Source:
    """A live network, and what it says of itself."""

    module: nn.Module
    name: str
    said: str
    """Where it is published, for the spec's `source`."""
    inputs: dict[str, tuple[int, ...]] = field(
        default_factory=dict[str, tuple[int, ...]]
    )
    """The shapes that it is made for, where it says so."""


def source_of(text: str, arguments: Mapping[str, Any]) -> Source:
    """The network of `torchvision:NAME`, `timm:NAME`, `package.module:callable` or
    `file.py:callable`.

    Raises:
        NoSource: if there is none.
    """
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise NoSource(
            f"{text!r} is no source; it is torchvision:NAME, timm:NAME,"
            " package.module:callable, file.py:callable, FILE.onnx or FILE.prototxt"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if place == "torchvision":
            return _torchvision(name, arguments)
        if place == "timm":
            return _timm(name, arguments)
        return _own(place, name, arguments)


def _torchvision(name: str, arguments: Mapping[str, Any]) -> Source:
    models = _imported("torchvision.models")
    try:
        build = models.get_model_builder(name)
    except ValueError:
        raise NoSource(_unknown(name, "torchvision", models.list_models())) from None
    given = dict(arguments)
    accepted = inspect.signature(build).parameters
    given |= {k: None for k in ("weights", "weights_backbone") if k in accepted}
    module = _built(build, given)
    frames = (16,) if ".video." in build.__module__ else ()
    shape = (3, *frames, *(_crop(models, name),) * 2)
    said = _published(inspect.unwrap(build), f"torchvision.models.{name}")
    return Source(module, name, said, {"": shape})


def _crop(models: Any, name: str) -> int:
    """How large its images are, by the weights that torchvision has."""
    try:
        transforms = models.get_model_weights(name).DEFAULT.transforms()
        crop: Any = transforms.crop_size
        return int(crop[-1])
    except (AttributeError, TypeError, ValueError, IndexError):
        return 224


def _timm(name: str, arguments: Mapping[str, Any]) -> Source:
    timm = _imported("timm")
    if not timm.is_model(name):
        raise NoSource(_unknown(name, "timm", timm.list_models()))
    module = _built(
        timm.create_model, {"model_name": name, "pretrained": False, **arguments}
    )
    size = getattr(module, "default_cfg", {}).get("input_size")
    inputs = {"": tuple(size)} if size else {}
    module_name = type(module).__module__
    doc = importlib.import_module(module_name).__doc__ or ""
    return Source(module, name, _paper(doc, f"timm's {name}"), inputs)


def _own(place: str, name: str, arguments: Mapping[str, Any]) -> Source:
    found: Any = _file(place) if place.endswith(".py") else _imported(place)
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise NoSource(f"there is no `{name}` in {place}")
    if isinstance(found, nn.Module):
        module = found
    elif callable(found):
        module = _built(found, dict(arguments))
    else:
        raise NoSource(
            f"`{name}` in {place} is {type(found).__name__}, and no nn.Module"
        )
    return Source(module, name.rpartition(".")[2], f"{place}:{name}")


def _file(place: str) -> ModuleType:
    path = Path(place)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise NoSource(f"there is no file {place}")
    module = importlib.util.module_from_spec(spec)
    # as where the directory is on Python's path, so that other code finds its classes
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise NoSource(
            f"{place} does not run: {type(error).__name__}: {error}"
        ) from error
    return module


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NoSource(f"{name} cannot be imported: {error}") from None


def _built(build: Callable[..., Any], arguments: dict[str, Any]) -> nn.Module:
    try:
        with watching():
            module = build(**arguments)
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NoSource(f"it cannot be built: {type(error).__name__}: {said}") from error
    if not isinstance(module, nn.Module):
        raise NoSource(f"it gives {type(module).__name__}, and no nn.Module")
    return module


def _unknown(name: str, package: str, names: list[str]) -> str:
    from archc.diagnostics.suggest import did_you_mean

    near = did_you_mean(name, names)
    return f"{package} has no model {name!r}" + (f"; {near}" if near else "")


def _published(build: Callable[..., Any], place: str) -> str:
    return _paper(build.__doc__ or "", place)


def _paper(text: str, place: str) -> str:
    """The paper that a docstring names, and where the code is."""
    found = re.search(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", text, re.IGNORECASE)
    return f"arXiv:{found[1]}; {place}" if found else place
