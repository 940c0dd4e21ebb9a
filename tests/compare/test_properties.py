"""What holds of every comparison, and of every small edit of a real spec."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from archc.compare.comparison import compare
from archc.compare.model import Comparison, Row
from archc.compare.text import as_text
from tests.compare.support import (
    ROOT,
    SPECS,
    Side,
    Table,
    chain,
    changed,
    conv,
    layers,
    lists,
    made,
    nodes,
    read,
    relu,
    table,
    written_at,
)

BASES = [
    "specs/alexnet",
    "specs/lenet5",
    "specs/nin",
    "specs/googlenet",
    "specs/vgg16",
    "specs/zfnet",
    "specs/d2l/densenet",
    "specs/d2l/googlenet",
    "specs/torchvision/googlenet",
    "specs/torchvision/resnet50",
    "tests/family/convnext_tiny",
    "specs/torchvision/inception_v3",
    "specs/torchvision/mobilenet_v2",
    "specs/torchvision/shufflenet_v2_x1_0",
    "specs/torchvision/squeezenet1_1",
    "tests/family/unet",
]
FAMILY = sorted((ROOT / "tests" / "family").glob("*.toml"))
ALL = {path: found for path in [*SPECS, *FAMILY] if (found := read(path))}


def holds_each_layer_once(found: Comparison) -> bool:
    for mine, network in ("a", found.a.network), ("b", found.b.network):
        rows = [x for row in found.rows if (x := getattr(row, mine)) is not None]
        if len(rows) != len(set(rows)) or set(rows) != set(layers(network)):
            return False
    return True


@pytest.mark.parametrize("path", SPECS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_network_is_equal_to_itself(path: Path) -> None:
    other = read(path)
    assert other is not None
    found = compare(ALL[path], other)
    assert found.equal
    assert not found.differences
    assert holds_each_layer_once(found)
    weights = found.weights
    assert weights.same == weights.a == weights.b
    assert "none computes otherwise" in as_text(found)


_SWAPPED = {"inserted": "removed", "removed": "inserted"}


def _flipped(row: Row) -> tuple[Any, ...]:
    return _SWAPPED.get(row.kind, row.kind), row.b, row.a, row.head is None


def _plain(row: Row) -> tuple[Any, ...]:
    return row.kind, row.a, row.b, row.head is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(ALL)), st.sampled_from(list(ALL)))
@example(ROOT / "specs/alexnet.toml", ROOT / "specs/zfnet.toml")
@example(ROOT / "specs/alexnet.toml", ROOT / "specs/torchvision/resnet50_fpn.toml")
@example(ROOT / "specs/torchvision/googlenet.toml", ROOT / "specs/googlenet.toml")
def test_any_two_networks(one: Path, other: Path) -> None:
    there, back = compare(ALL[one], ALL[other]), compare(ALL[other], ALL[one])
    for found in (there, back):
        assert holds_each_layer_once(found)
        assert json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(map(_plain, there.rows)) == set(map(_flipped, back.rows))
    assert there.equal == back.equal
    # outputs that have names stand in the order of the first network
    assert {(t.name, t.a, t.b) for t in there.totals} == {
        (t.name, t.b, t.a) for t in back.totals
    }
    mirrored = {(*_flipped(row), *_values(row, back=True)) for row in back.rows}
    assert {(*_plain(row), *_values(row)) for row in there.rows} == mirrored


def _values(row: Row, *, back: bool = False) -> list[str]:
    pairs = ((c.attribute, c.before, c.after) for c in row.changes)
    return [str((n, b, a) if back else (n, a, b)) for n, a, b in pairs]


# ---- one edit


@st.composite
def bases(draw: st.DrawFn) -> tuple[Side, Table]:
    """A network, and a table of its spec to edit."""
    name = draw(st.sampled_from(BASES))
    return _base(name), table(name)


@cache
def _base(name: str) -> Side:
    found = made(table(name))
    assert found is not None
    return found


def edited(before: Side, data: Table) -> tuple[Comparison, Side]:
    """The comparison with an edited spec, which has to be one without errors."""
    after = made(data)
    assume(after is not None)
    assert after is not None
    found = compare(before, after)
    assert holds_each_layer_once(found)
    return found, after


def a_node(draw: st.DrawFn, data: Table, *ops: str) -> Any:
    found = [item for item in nodes(data) if item[1].get("op") in ops]
    assume(found)
    return draw(st.sampled_from(found))


EDITS = settings(
    max_examples=12,
    deadline=None,
    # not every edit leaves a spec without errors
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@EDITS
@given(bases(), st.data())
def test_a_changed_attribute(base: tuple[Side, Table], data: st.DataObject) -> None:
    before, spec = base
    convs = [
        item
        for item in nodes(spec)
        if item[1].get("op") == "conv2d" and not isinstance(item[1].get("bias"), str)
    ]
    assume(convs)
    path, node = data.draw(st.sampled_from(convs))
    if node.get("kernel_size") == 3 and node.get("padding") == 1:
        node |= {"kernel_size": 5, "padding": 2}
        wanted = {"kernel_size", "padding"}
    else:
        node["bias"] = not node.get("bias", True)
        wanted = {"bias"}
    found, _ = edited(before, spec)
    assert all(row.kind == "changed" for row in found.differences)
    assert all(set(changed(row)) == wanted for row in found.differences)
    assert {row.a for row in found.differences} == set(written_at(before, path))


_PASSING = ("relu", "dropout", "batch_norm2d", "local_response_norm", "tanh", "relu6")


@EDITS
@given(bases(), st.data())
def test_a_layer_less(base: tuple[Side, Table], data: st.DataObject) -> None:
    before, spec = base
    places = [
        (path, row, i)
        for path, row in lists(spec)
        for i, node in enumerate(row)
        if node.get("op") in _PASSING and len(row) > 1
    ]
    assume(places)
    path, row, i = data.draw(st.sampled_from(places))
    op = row.pop(i)["op"]
    found, _ = edited(before, spec)
    assert {(row.kind, row.layer.op.op) for row in found.differences} <= {
        ("removed", op)
    }
    assert len(found.differences) == len(written_at(before, (*path, i)))


@EDITS
@given(bases(), st.data(), st.sampled_from(["relu", "conv2d"]))
def test_a_layer_more(base: tuple[Side, Table], data: st.DataObject, op: str) -> None:
    before, spec = base
    path, row = data.draw(st.sampled_from(list(lists(spec))))
    i = data.draw(st.integers(0, len(row)))
    node: Table = {"op": op}
    if any("name" in other for other in row) or op == "conv2d":
        node["name"] = "one_more"
    if op == "conv2d":
        node |= {"out_channels": "in_channels", "kernel_size": 1}
    row.insert(i, node)
    found, after = edited(before, spec)
    new = written_at(after, (*path, i))
    assert len(found.differences) == len(new)
    assert all(
        row.kind == "inserted" and row.layer.op.op == op for row in found.differences
    )


@EDITS
@given(bases(), st.data())
def test_other_names(base: tuple[Side, Table], data: st.DataObject) -> None:
    before, spec = base
    named = [node for _, node in nodes(spec) if "{" not in node.get("name", "{")]
    data.draw(st.sampled_from(named))["name"] = "renamed"
    found, _ = edited(before, spec)
    assert found.equal


@EDITS
@given(bases(), st.data(), st.sampled_from(["group", "block"]), st.booleans())
def test_other_groups(
    base: tuple[Side, Table], data: st.DataObject, kind: str, name: bool
) -> None:
    before, spec = base
    _, row = data.draw(st.sampled_from(list(lists(spec))))
    i = data.draw(st.integers(0, len(row) - 1))
    j = data.draw(st.integers(i + 1, len(row)))
    node: Table = {"layers": row[i:j]}
    if kind == "block":
        spec.setdefault("blocks", {})["wrapped"] = {"layers": row[i:j]}
        node = {"block": "wrapped"}
    row[i:j] = [node | ({"name": "wrapped"} if name else {})]
    found, _ = edited(before, spec)
    assert found.equal


@EDITS
@given(bases(), st.data())
def test_branches_in_another_order(
    base: tuple[Side, Table], data: st.DataObject
) -> None:
    before, spec = base
    forks = [item for item in nodes(spec) if len(item[1].get("branches", ())) > 1]
    assume(forks)
    path, node = data.draw(st.sampled_from(forks))
    node["branches"].append(node["branches"].pop(0))
    found, _ = edited(before, spec)
    assert all(
        row.kind == "changed" and set(changed(row)) == {"from"}
        for row in found.differences
    )
    wanted = written_at(before, path) if node["merge"] == "concat" else []
    assert [row.a for row in found.differences] == wanted


# ---- long rows


def _long(kernels: dict[int, int], count: int = 1_600) -> Iterator[Table]:
    for i in range(count):
        yield conv(f"conv{i}", kernel=kernels.get(i, 3))
        yield relu(f"relu{i}")


def test_one_layer_of_thousands_is_found() -> None:
    found = compare(chain(*_long({})), chain(*_long({799: 1})))
    (row,) = found.differences
    assert row.layer.path == "conv799"
    assert changed(row) == {"kernel_size": (3, 1), "padding": (1, 0)}


def test_thousands_of_other_layers_take_no_longer() -> None:
    """Where difflib took minutes."""
    found = compare(chain(*_long({})), chain(*_long({i: 1 for i in range(1_600)})))
    assert [row.kind for row in found.rows] == ["changed", "same"] * 1_600
