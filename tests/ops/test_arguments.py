"""Every attribute of every op as a parameter of a block, which is used with two values
of it: code says it as an argument, or has a class for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from archc.ops.registry import OPS
from archc.ops.sizes import Shape
from tests.random_networks.judge import judge

from .cases import CASES, shapes_of

VALUES = 2
"""How many others than that of its case an attribute is given, of those that fit."""


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _others(name: str, key: str, value: Any) -> Iterator[Any]:
    field = OPS[name].model_fields[key]
    yield from (_plain(case[0][key]) for case in CASES[name] if key in case[0])
    if not field.is_required():
        yield _plain(field.get_default())
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value * 2, 1)
        case float():
            yield from (value * 2, 0.25, 1)
        case str():
            yield from (word for word in get_args(field.annotation))
        case [one]:
            yield one
        case list():
            yield value[::-1]
        case _:
            pass


def _told(value: Any) -> Any:
    return f"'{value}'" if isinstance(value, str) else value


def _used_twice(x: Shape, node: dict[str, Any], one: Any, other: Any) -> Any:
    layers = [
        {"name": "first", "block": "unit", "p": _told(one)},
        {"name": "second", "block": "unit", "p": _told(other), "from": "input"},
    ]
    network = {
        "inputs": {"x": list(x.dims)},
        "layers": layers,
        "outputs": {"first": "first", "second": "second"},
    }
    unit = {"params": ["p"], "layers": [node]}
    return {"archc": 1, "name": "net", "network": network, "blocks": {"unit": unit}}


def _tried(name: str, case: Any, folder: Path) -> Iterator[str]:
    """What is wrong with one case of an op."""
    (x,) = shapes_of(case)
    for key, field in OPS[name].model_fields.items():
        value = _plain(case[0].get(key, field.get_default()))
        if value is None or (field.is_required() and key not in case[0]):
            continue
        fitting = 0
        for other in _others(name, key, value):
            if other is None or (type(other), other) == (type(value), value):
                continue
            attributes = {k: _plain(v) for k, v in case[0].items()} | {key: "p"}
            node = {"name": "m", "op": name, **attributes}
            verdict = judge(_used_twice(x, node, value, other), folder, thorough=False)
            if verdict.kind is not None:
                yield f"{key} = {value} and {other}: {verdict.kind}\n{verdict.detail}"
            fitting += verdict.accepted
            if fitting == VALUES:
                break


@pytest.mark.filterwarnings("ignore")  # torch's, of odd paddings
@pytest.mark.parametrize("name", [n for n, op in OPS.items() if not op.merges])
def test_attributes_as_arguments_of_a_block(name: str, tmp_path: Path) -> None:
    cases = [case for case in CASES.get(name, ()) if len(shapes_of(case)) == 1]
    assert not [wrong for case in cases for wrong in _tried(name, case, tmp_path)]
