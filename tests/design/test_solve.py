"""`archc solve`: questions whose answers are found here by trying everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import archc
from archc.design.conditions import ConditionError, read, read_one
from archc.design.variants import Step
from archc.diagnostics.model import Sink
from archc.emit.execution import execution
from archc.measure.memory import footprint
from archc.pipeline import analyse
from archc.source.document import Document, parse_document
from archc.spec.load import Loader
from tests.command import invoke

NET = """\
archc = 1
name = "net"          # small
title = "A net"

[params]
width = 16            # of the first stage
depth_mult = 1.0
blocks = [1, 2]       # in each stage
dilation = 1

[network]
input = [3, 32, 32]
layers = [
  { name = "stem", block = "conv", width = "width", dilation = 1, shape = [16, 32, 32] },
  { repeat = "len(blocks)", index = "s", layers = [
    { repeat = "ceil(blocks[s] * depth_mult)", layers = [
      { name = "conv{s}_{i}", block = "conv", width = "width * 2 ** s", dilation = "dilation" },
    ] },
    { op = "max_pool2d", kernel_size = 2 },
  ] },
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 10 },
]

# one convolution
[blocks.conv]
params = ["width", "dilation"]
layers = [
  { op = "conv2d", out_channels = "width", kernel_size = 3, padding = "dilation", dilation = "dilation" },
  { op = "batch_norm2d" },
  { op = "relu" },
]

[expect]
params = 17_178
"""  # noqa: E501


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("specs") / "net.toml"
    path.write_text(NET.replace("[expect]\nparams = 17_178\n", ""), "utf-8")
    return path


Numbers = dict[str, Any]
# the ranges, the conditions for archc and for this file, what to make large or small
QUESTIONS: list[
    tuple[dict[str, Any], list[str], Callable[[Numbers], bool], str, bool]
] = [
    (
        {"width": range(4, 65, 4)},
        ["macs <= 40e6"],
        lambda n: n["macs"] <= 40e6,
        "params", True,
    ),
    (
        {"width": range(4, 65, 4), "blocks[1]": range(1, 5)},
        ["macs <= 30M", "receptive_field >= 20"],
        lambda n: n["macs"] <= 30e6 and n["receptive_field"] >= 20,
        "params", True,
    ),
    (
        {"width": range(8, 41, 8), "blocks": [[1, 1], [2, 2], [3, 1], [1, 3]]},
        ["depth == 6 and params >= 20e3"],
        lambda n: n["depth"] == 6 and n["params"] >= 20e3,
        "macs", False,
    ),
    (
        {"width": range(8, 65, 8), "dilation": [1, 2, 3]},
        ['memory(batch=64, optimizer="adam") <= 100MB'],
        lambda n: n["memory adam"] <= 100e6,
        "receptive_field * 1e6 + width", True,
    ),
    (
        {"width": range(8, 65, 8)},
        ["memory(batch = 64) >= 60MiB"],
        lambda n: n["memory sgd"] >= 60 * 2**20,
        "memory(64)", False,
    ),
    (
        {"depth_mult": [0.5, 1.0, 1.5, 2.0, 3.0], "width": [8, 12, 16]},
        ["macs / params <= 1500", "width % 8 == 0"],
        lambda n: n["macs"] / n["params"] <= 1500 and n["width"] % 8 == 0,
        "depth", True,
    ),
    (
        {"width": range(1, 30), "blocks[0]": [1, 2], "blocks[1]": [1, 2]},
        ["15e3 <= params", "params <= 20k", "blocks[0] != blocks[1]"],
        lambda n: 15e3 <= n["params"] <= 20e3 and n["blocks"][0] != n["blocks"][1],
        "macs", False,
    ),
    (
        {"dilation": range(1, 12)},
        ["receptive_field <= 32 or dilation == 7"],
        lambda n: n["receptive_field"] <= 32 or n["dilation"] == 7,
        "receptive_field", True,
    ),
    (
        {"width": range(4, 65, 4), "blocks[1]": range(1, 5)},
        ["macs <= 4e5", "receptive_field >= 20"],
        lambda n: n["macs"] <= 4e5 and n["receptive_field"] >= 20,
        "params", True,
    ),
    (
        {"width": range(4, 33, 4)},
        ['memory(64, optimizer="adam") <= 1KiB', "macs >= 1"],
        lambda n: n["memory adam"] <= 1024,
        "params", True,
    ),
]  # fmt: skip
FORBIDDEN = {
    8: ("macs <= 4e5", "receptive_field >= 20"),
    9: ('memory(64, optimizer="adam") <= 1KiB',),
}


def _numbers(net: Path, values: dict[str, Any]) -> Numbers:
    """What one combination amounts to, the long way."""
    params: dict[str, Any] = {"blocks": [1, 2]}
    for name, value in values.items():
        if "[" in name:
            params["blocks"][int(name[-2])] = value
        else:
            params[name] = value
    sink = Sink()
    document = parse_document(json.dumps({"params": params}), "values", "json", sink)
    assert isinstance(document, Document)
    analysis = analyse(net, Loader(sink), sink, (document,))
    assert analysis is not None
    network, facts = analysis.network, analysis.facts
    runs = execution(network)
    weighted = [x for x in network.layers() if x.op.op in ("conv2d", "linear")]
    return {
        **network.params,
        "params": facts.params,
        "macs": facts.macs,
        "receptive_field": facts.receptive_field,
        "depth": len(weighted),  # they stand in a row
        "memory adam": footprint(network, runs, optimizer="adam").at(64).peak.total,
        "memory sgd": footprint(network, runs).at(64).peak.total,
    }


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_planted_questions(net: Path, number: int) -> None:
    vary, where, holds, goal, maximize = QUESTIONS[number]
    tried = [
        (values, numbers)
        for chosen in product(*vary.values())
        if holds(
            numbers := _numbers(net, values := dict(zip(vary, chosen, strict=True)))
        )
    ]
    way: Any = {"maximize" if maximize else "minimize": goal}
    answer = archc.solve(net, vary=vary, where=where, **way)
    assert answer.certain
    if not tried:
        assert answer.best is None
        assert [f.conditions for f in answer.forbidding] == [FORBIDDEN[number]]
        return
    assert number not in FORBIDDEN

    def worth(numbers: Numbers) -> float:
        if goal == "memory(64)":
            return numbers["memory sgd"]
        if "1e6" in goal:
            return numbers["receptive_field"] * 1e6 + numbers["width"]
        return numbers[goal]

    ordered = sorted((worth(n) for _, n in tried), reverse=maximize)
    assert answer.best is not None
    assert answer.best.goal == ordered[0]
    assert [d.goal for d in answer.runners_up] == ordered[1:4]
    best = [v for v, n in tried if worth(n) == ordered[0]]
    assert answer.best.values in best
    # without what binds there is something better
    for one in answer.binding:
        better = one.goal > ordered[0] if maximize else one.goal < ordered[0]
        assert better and any(one.condition in text for text in where)


@pytest.mark.parametrize(
    ("where", "goal"),
    [
        (["macs <= 1e9"], {"maximize": "params"}),
        (["macs >= 1e8", "macs <= 1e9"], {"minimize": "params"}),
        (['memory(64, optimizer="adam") <= 500MB'], {"maximize": "width"}),
        (["params <= 1e6"], {"minimize": "width"}),
        (["params <= 1"], {"minimize": "width"}),
    ],
)
def test_bisection_finds_what_exhaustion_finds(
    net: Path, where: list[str], goal: dict[str, Any]
) -> None:
    vary = {"width": range(1, 500)}
    quick = archc.solve(net, vary=vary, where=where, limit=80, **goal)
    # memory is asked of few where the widest are far too large
    vary = {"width": range(1, 500) if "memory" not in where[0] else range(200, 260)}
    whole = archc.solve(net, vary=vary, where=where, **goal)
    assert (quick.method, quick.certain, whole.certain) == ("bisection", False, True)
    assert quick.best == whole.best
    assert quick.looked_at <= 80


def test_what_is_not_monotone_is_searched_for(net: Path) -> None:
    vary = {"width": range(1, 3000)}
    answer = archc.solve(
        net, vary=vary, where=["width % 7 == 3", "macs <= 1e9"], maximize="params",
        limit=200,
    )  # fmt: skip
    assert (answer.method, answer.certain) == ("search", False)
    assert "width % 7 == 3 is not monotone in width" in (answer.why_search or "")
    assert answer.best is not None and answer.best.values["width"] % 7 == 3
    assert "there may be better ones" in str(answer)
    wide = archc.solve(
        net,
        vary={
            "width": range(1, 100),
            "blocks[0]": range(1, 9),
            "dilation": range(1, 9),
        },
        where=["macs <= 1e8"],
        maximize="params",
        limit=300,
    )
    assert wide.method == "search" and wide.looked_at == 300
    assert wide.best is not None and wide.best.macs <= 1e8


def test_the_spec_is_written_with_comments_and_layout(tmp_path: Path) -> None:
    path, out = tmp_path / "net.toml", tmp_path / "out.toml"
    path.write_text(NET, "utf-8")
    args = [
        "solve", str(path), "--vary", "width=8:64:8", "--vary", "blocks[1]=1:3",
        "--where", "macs <= 2e8", "--maximize", "params", "-o", str(out),
    ]  # fmt: skip
    result = invoke(*args)
    assert result.exit_code in (0, 1), result.output
    if result.exit_code:
        pytest.fail(result.stderr)
    found = archc.solve(
        path, vary={"width": range(8, 65, 8), "blocks[1]": range(1, 4)},
        where=["macs <= 2e8"], maximize="params",
    ).best  # fmt: skip
    assert found is not None
    width, blocks = found.values["width"], found.values["blocks[1]"]
    expected = NET.partition("[expect]")[0]
    expected = expected.replace("width = 16 ", f"width = {width} ")
    expected = expected.replace("[1, 2]  ", f"[1, {blocks}]  ")
    expected = expected.replace(", shape = [16, 32, 32]", "")
    text = out.read_text("utf-8")
    assert text.partition("# What A net has")[0].rstrip() == expected.rstrip()
    assert archc.load(out).params == found.params
    again = invoke(*args)
    assert again.exit_code == 2 and "nothing is written over" in again.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mac <= 1", "did you mean `macs`"),
        ("macs <= ", "something is missing"),
        ("memory(batch=0) < 1", "a whole number from 1 on"),
        ("memory(batch=x) < 1", "a whole number from 1 on"),
        ("memory(optimizer='lion') < 1", "none, sgd, momentum, adam"),
        ("memory(size=3) < 1", "memory is asked for as in"),
        ("memory(1, 2) < 1", "memory is asked for as in"),
        ("memory(batch=64 < 1", "is not closed"),
        ("latency(3) < 1", "no function `latency`"),
        ("macs = 3", "write `==`"),
        ("macs =< 3", "write `<=`"),
        ("macs ≥ 3", "write `>=`"),
        ("memory <= 8 gb", "`gb` is written GB"),
        ("memory <= 8Gib and macs < 1", "`Gib` is written GiB"),
        ("params < 1M, macs < 1G", "joined by `and`"),
        ("params < 1,000", "a number has no commas"),
        ("macs <= 9999999TB", "more than anything needs"),
        ("__import__('os')", "no function"),
        ("", "is empty"),
    ],
)
def test_what_is_no_condition(text: str, said: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read(text, ["width"])
    assert said in str(caught.value)


def test_units_and_memory_in_a_condition() -> None:
    one = read_one("memory(batch=2k, optimizer=adam) <= 1.5 GiB", ())
    assert list(one.steps.values()) == [Step(2000, "adam")]
    names = ("MB", "KiB", "M", "T", "kB")
    values = (10**6, 1024, 10**6, 10**12, 1000)
    for name, value in zip(names, values, strict=True):
        question = read_one(f"3{name} == {3 * value}", ())
        assert question.answer(archc_variant(), {}) is True
    # text stays as it is, and a parameter's own name comes first
    assert read_one("act == '3GB'", ["act"]).steps == {}
    assert read_one("memory <= 3", ["memory"]).steps == {}
    assert [q.text for q in read("macs <= 1 and params >= 2", ())] == [
        "macs <= 1",
        "params >= 2",
    ]


def archc_variant() -> Any:
    from archc.design.variants import Variant

    return Variant({})


def test_one_goal_is_needed(net: Path) -> None:
    args = ["solve", net, "--vary", "width=1:3"]
    assert invoke(*args).exit_code == 2
    assert invoke(*args, "--maximize", "1", "--minimize", "2").exit_code == 2
    assert invoke(*args, "--maximize", "params").exit_code == 0
    none = invoke(*args, "--maximize", "params", "--where", "macs < 0")
    assert none.exit_code == 1 and "Forbidden by: macs < 0" in none.output
    wrong = invoke(*args[:-1], "width=-3:0", "--maximize", "params")
    assert wrong.exit_code == 1 and "none is a network" in wrong.output


def test_what_has_no_answer_is_told() -> None:
    """A volume's receptive field is a list."""
    path = Path(__file__).parents[2] / "specs/c3d.toml"
    vary = {"num_classes": [2, 3]}
    answer = archc.solve(
        path, vary=vary, where=["receptive_field >= 3"], maximize="params"
    )
    assert answer.best is None and "needs numbers, not a list" in str(answer)
    answer = archc.solve(path, vary=vary, maximize="receptive_field")
    assert answer.best is None and "it is no number" in str(answer)
    answer = archc.solve(
        path, vary=vary, where=["min(receptive_field) >= 3"], maximize="params"
    )
    assert answer.best is not None


def test_a_parameter_that_is_called_like_a_quantity_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke("new", "mine").exit_code == 0
    common = ("solve", "mine.toml", "--vary", "depth=1:3", "--maximize", "params")
    said = "note: depth is the parameter of mine.toml, and not the network's depth\n"
    assert invoke(*common, "--where", "depth <= 20").stderr == said
    assert invoke(*common, "--where", "macs >= 1 * width").stderr == ""
