"""What becomes of layers: moved, rewired, in heads, in training."""

from __future__ import annotations

from typing import Any

import pytest

from archc.compare.comparison import compare
from archc.compare.model import Comparison
from archc.compare.stretches import stretches
from archc.compare.text import as_text
from tests.compare.support import Side, Table, chain, changed, conv, layers, relu


def kinds(found: Comparison) -> list[tuple[str, str]]:
    return [(row.kind, row.layer.path) for row in found.differences]


def test_layers_that_change_places_have_moved() -> None:
    pool: Table = {"name": "pool", "op": "max_pool2d", "kernel_size": 2}
    norm: Table = {"name": "norm", "op": "local_response_norm", "size": 5}
    found = compare(
        chain(conv("a"), relu("r"), norm, pool, conv("b")),
        chain(conv("a"), relu("r"), pool, norm, conv("b")),
    )
    assert kinds(found) == [("moved", "norm")]


def test_of_equal_layers_the_name_says_which_is_missing() -> None:
    rows = [conv("a", 3), relu("ra"), conv("b", 3), relu("rb"), conv("c", 3)]
    found = compare(chain(*rows), chain(*rows[:2], *rows[4:]))
    assert kinds(found) == [("removed", "b"), ("removed", "rb")]


def test_paths_that_are_written_otherwise_are_no_difference() -> None:
    paths: list[Table] = [conv("left"), conv("right", kernel=5)]
    joined = chain(conv("stem"), {"merge": "concat", "branches": paths}, relu("r"))
    listed = chain(
        conv("stem"),
        conv("right", kernel=5),
        conv("left") | {"from": "stem"},
        {"op": "concat", "from": ["left", "right"]},
        relu("r"),
    )
    assert not kinds(compare(joined, listed))
    swapped = chain(
        conv("stem"),
        conv("left"),
        conv("right", kernel=5) | {"from": "stem"},
        {"name": "both", "op": "concat", "from": ["right", "left"]},
        relu("r"),
    )
    assert kinds(compare(listed, swapped))


def test_parts_that_are_taken_otherwise_are_no_difference() -> None:
    def halves(*parts: Table, reads: list[str]) -> Side:
        return chain(conv("stem"), *parts, {"op": "sub", "from": reads})

    chunks: Table = {"name": "x", "op": "chunk", "chunks": 2}
    first: Table = {"name": "a", "op": "channel_slice", "stop": 4}
    second: Table = {
        "name": "b", "from": "stem", "op": "channel_slice", "start": 4, "stop": 8,
    }  # fmt: skip
    slices = halves(first, second, reads=["a", "b"])
    assert not kinds(compare(halves(chunks, reads=["x.0", "x.1"]), slices))
    assert kinds(compare(halves(chunks, reads=["x.1", "x.0"]), slices))


def test_layers_that_only_their_readers_tell_apart() -> None:
    rows = [conv("one"), conv("two"), conv("other") | {"from": "one"}]
    twice, each = (
        chain(*rows, {"name": "sum", "op": "add", "from": reads})
        for reads in (["two", "two"], ["two", "other"])
    )
    assert kinds(compare(twice, each)) == [("changed", "sum")]


def _u_net(first: str, second: str) -> Side:
    return chain(
        conv("one"),
        relu("r1"),
        conv("two"),
        relu("r2"),
        conv("three"),
        {"name": "join1", "op": "concat", "from": ["prev", first]},
        conv("four"),
        {"name": "join2", "op": "concat", "from": ["prev", second]},
    )


def test_two_skips_that_were_swapped() -> None:
    found = compare(_u_net("r2", "r1"), _u_net("r1", "r2"))
    assert kinds(found) == [("changed", "join1"), ("changed", "join2")]
    assert changed(found.differences[0]) == {"from": ("three, r2", "three, r1")}


def test_a_layer_that_reads_another() -> None:
    rows = [conv("one"), conv("two", kernel=1), relu("three")]
    found = compare(chain(*rows), chain(*rows[:2], rows[2] | {"from": "one"}))
    assert kinds(found) == [("changed", "three")]
    assert changed(found.differences[0]) == {"from": ("two", "one")}


def test_the_order_of_what_is_added_does_not_matter() -> None:
    def network(*order: str) -> Side:
        add: Table = {"name": "add", "op": "add", "from": list(order)}
        return chain(conv("one"), conv("two"), add)

    assert compare(network("one", "two"), network("two", "one")).equal


@pytest.mark.parametrize(
    ("attribute", "value"), [("eps", 0.001), ("momentum", 0.01), ("affine", False)]
)
def test_an_attribute_that_is_not_in_the_shape(attribute: str, value: Any) -> None:
    norm: Table = {"name": "norm", "op": "batch_norm2d"}
    found = compare(chain(norm), chain(norm | {attribute: value}))
    (row,) = found.differences
    assert list(changed(row)) == [attribute]
    assert changed(row)[attribute][1] == value
    assert not found.equal


def test_a_repetition_of_nothing() -> None:
    def network(count: int) -> Side:
        return chain(
            {"name": "block", "repeat": count, "block": "b"},
            relu("relu"),
            blocks={"b": {"layers": [conv("conv", 3)]}},
        )

    assert kinds(compare(network(0), network(1))) == [("inserted", "block.0.conv")]
    assert kinds(compare(network(2), network(0))) == [
        ("removed", "block.0.conv"),
        ("removed", "block.1.conv"),
    ]


# ---- heads and training


def _headed(*names: str, weight: float = 0.3, reads: str = "one") -> Side:
    heads = [
        {
            "name": name,
            "from": reads,
            "loss_weight": weight,
            "layers": [{"name": "flat", "op": "flatten"}],
        }
        for name in names
    ]
    return chain(conv("one"), conv("two"), heads=heads)


def test_heads_are_what_they_do_not_what_they_are_called() -> None:
    assert compare(_headed("aux"), _headed("other")).equal


def test_a_head_that_only_one_has() -> None:
    found = compare(_headed("aux1", "aux2"), _headed("aux2"))
    assert kinds(found) == [("removed", "aux1.flat")]
    assert found.differences[0].head == "aux1"
    assert {len(found.rows)} == {len(layers(found.a.network))}


def test_a_head_elsewhere() -> None:
    found = compare(_headed("aux"), _headed("aux", reads="two"))
    assert changed(found.differences[0]) == {"from": ("one", "two")}


def test_the_weight_of_a_loss() -> None:
    found = compare(_headed("aux"), _headed("aux", weight=0.5))
    assert [(t.name, t.a, t.b) for t in found.training] == [("loss × aux", 0.3, 0.5)]
    assert found.to_dict()["training"] == {"loss × aux": [0.3, 0.5]}
    assert not found.equal
    assert "loss × aux" in as_text(found)


def test_initialisers() -> None:
    a = chain(conv("one"), init={"conv2d": {"weight": "kaiming_normal_"}})
    b = chain(conv("one"), init={"conv2d": {"weight": "ones_", "bias": 0}})
    found = compare(a, b)
    assert {t.name: (t.a, t.b) for t in found.training} == {
        "init conv2d.weight": ("kaiming_normal_()", "ones_()"),
        "init conv2d.bias": (None, "zeros_()"),
    }
    assert not found.equal
    assert not found.differences


def test_what_rounding_makes_of_a_number_is_no_difference() -> None:
    def network(momentum: float) -> Side:
        norm = {"name": "bn", "op": "batch_norm2d", "momentum": momentum}
        return chain(conv("one"), norm)

    assert compare(network(0.0003), network(1 - 0.9997)).equal
    assert not compare(network(0.0003), network(0.00031)).equal


# ---- stretches


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        ("", "", ""),
        ("abc", "", ""),
        ("abc", "abc", "abc"),
        ("abcd", "abxcd", "abcd"),
        ("abcabba", "cbabac", "4"),  # the example of Myers' paper: four agree
        ("a" * 400, "b" * 400, ""),
        ("a" * 400 + "c" * 9, "b" * 400 + "c" * 9, None),
    ],
)
def test_stretches_agree_and_are_in_order(a: str, b: str, wanted: str | None) -> None:
    found = list(stretches(list(map(ord, a)), list(map(ord, b))))
    agreed = ""
    at = (0, 0)
    for i, j, size in found:
        assert i >= at[0] and j >= at[1] and size > 0
        assert a[i : i + size] == b[j : j + size]
        agreed += a[i : i + size]
        at = (i + size, j + size)
    if wanted is not None:
        assert agreed == wanted or (wanted.isdigit() and len(agreed) == int(wanted))
