"""Whether a value that was read has the form of one that was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from archc.source.kinds import is_list, is_table
from archc.spec.expressions import is_tuple

_KINDS = {
    "NoneType": "nothing",
    "bool": "a truth",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "str": "a text",
}


class Wrong(Exception):
    """A part of it that has not; the message names it."""


def like(
    template: Any,
    found: Any,
    place: str = "",
    *,
    but: Sequence[str] = (),
    only: Sequence[str] = (),
) -> None:
    """Compares keys, types, and the shapes of tensors, all the way down.

    Places in `but` are not looked into, beyond being there; `only` names the keys of
    the outermost table that are looked at. An empty table stands for any. The items of
    a list are compared to the template's first, if it has one.

    Raises:
        Wrong: where they differ.
    """
    if place in but:
        return
    if isinstance(template, Tensor):
        _like_tensor(template, found, place)
    elif is_table(template):
        if not is_table(found):
            raise _another(template, found, place)
        missing = [key for key in (only or template) if key not in found]
        if missing:
            raise Wrong(f"`{_below(place, missing[0])}` is missing")
        odd = [key for key in found if key not in template]
        if template and odd and not only:
            raise Wrong(f"`{_below(place, odd[0])}` does not belong there")
        for key in only or template:
            like(template[key], found[key], _below(place, key), but=but)
    elif is_list(template):
        if not is_list(found):
            raise _another(template, found, place)
        for i, item in enumerate(found if template else ()):
            like(template[0], item, f"{place}[{i}]", but=but)
    elif is_tuple(template):
        if not is_tuple(found) or len(found) != len(template):
            raise _another(template, found, place)
        for i, pair in enumerate(zip(template, found, strict=True)):
            like(*pair, f"{place}[{i}]", but=but)
    elif type(found) is not type(template):
        raise _another(template, found, place)


def _like_tensor(template: Tensor, found: Any, place: str) -> None:
    if not isinstance(found, Tensor):
        raise _another(template, found, place)
    if found.shape != template.shape:
        raise Wrong(f"`{place}` is {_size(found)} instead of {_size(template)}")
    if found.dtype != template.dtype:
        raise Wrong(f"`{place}` holds {found.dtype} instead of {template.dtype}")


def finite(found: Any, place: str) -> None:
    """That all numbers in it are finite, of tensors and others.

    Raises:
        Wrong: if one is not.
    """
    if isinstance(found, Tensor | float):
        if not torch.isfinite(torch.as_tensor(found)).all():
            raise Wrong(f"`{place}` has numbers that are not finite")
    elif is_table(found):
        for key, value in found.items():
            finite(value, _below(place, key))
    elif is_list(found):
        for i, value in enumerate(found):
            finite(value, f"{place}[{i}]")


def within(found: int, high: int, place: str) -> None:
    """That a number is one of 0 to `high`.

    Raises:
        Wrong: if it is not.
    """
    if not 0 <= found <= high:
        raise Wrong(f"`{place}` is {found}, and must be 0 to {high}")


def _below(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _another(template: Any, found: Any, place: str) -> Wrong:
    return Wrong(f"`{place}` is {_kind(found)} instead of {_kind(template)}")


def _size(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return "a tensor"
    if is_table(value):
        return "a table"
    if is_tuple(value):
        return "a tuple"
    name = str(type(value).__name__)
    return _KINDS.get(name, f"a {name}")
