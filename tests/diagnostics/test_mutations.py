"""Specs that a hand has spoiled: each mistake is reported, and at its own line.

Every spec of torchvision's networks is edited in one place, in all the ways listed
below, and compiled. A second test puts garbage in the place of each value, a third
makes up whole specs of the language's words.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archc.diagnostics.codes import CODES
from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_json, render_text
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader

SPECS = Path(__file__).parents[2] / "specs" / "torchvision"
FAMILIES = ("alexnet", "densenet", "googlenet", "resne", "vgg", "wide_resnet")
"""Whose lines stand for themselves: where a padding follows from the kernel, or a width
from a list, a spoiled line can be another network that is right."""
PER_SPEC = 70
"""How many of a spec's mutations are tried: some hundreds in all."""


@dataclass(frozen=True)
class Kind:
    """A way to spoil a line: the first group of the pattern is replaced."""

    what: str
    pattern: str
    replacement: str
    only_here: bool = True
    """Whether all errors must stand on the line that was changed; else one must."""
    anywhere: bool = False
    """Whether an error on another line will do."""


_NUMBER = r'(?:out_channels|out_features|planes|ch\w+|pool_proj) = (\d+|"[^"]*")'
KINDS = (
    Kind("misspelled op", r'\bop = "(\w+)"', r"\1x"),
    Kind("op in capitals", r'\bop = "(\w+)"', "Conv3D"),
    Kind("op of the wrong type", r'\bop = ("\w+")', "3"),
    Kind("misspelled block", r'\bblock = "(\w+)"', r"un\1"),
    Kind("misspelled key", r"\b(kernel_size|out_channels|out_features) =", r"\1s"),
    Kind("misspelled argument", r"(?<=, )(planes|ch1x1|growth_rate) = ", "argument"),
    Kind("key that is not known", r"\{ (?=op|block|name)()", "bogus = 1, "),
    Kind("misspelled key for a body", r"\b(op|block) = ", "bdy"),
    Kind(
        "attribute dropped", r"(, (?:kernel_size|out_features) = [^,}]+?)(?=[,} ])", ""
    ),
    Kind("misspelled name", r'= "(planes|stride|depths|num_classes)\b', r"\1_"),
    Kind(
        "name of nothing",
        r'(?<!doc) = "[^"]*\b(in_channels|convs|channels)\b',
        "nothing",
    ),
    Kind("from nowhere", r'\bfrom = "(\w+)"', "nowhere"),
    Kind("kernel too large", r"\bkernel_size = (\d+)", "999", only_here=False),
    Kind("no channels", _NUMBER, "0", only_here=False),
    Kind("negative channels", _NUMBER, "-1", only_here=False),
    Kind("a fraction of a channel", _NUMBER, '"3.5"', only_here=False),
    Kind("a list for a number", r"\bkernel_size = (\d+)", "[1, 2, 3]", only_here=False),
    Kind("a table for a number", r"\bkernel_size = (\d+)", "{}", only_here=False),
    Kind("zero stride", r"\bstride = (\d+)", "0", only_here=False),
    Kind("half a truth", r"\b(?:bias|ceil_mode) = (true|false)", "1"),
    Kind("index out of range", r"depths\[(\d)\]", "9"),
    Kind("broken expression", r'= "(planes \* 4)"', "planes *"),
    Kind("another claim", r"\b(?:shape|params|macs) = (\[?\d+)", r"\g<1>1"),
    Kind("claim of another rank", r"\bshape = \[(\d+, )", ""),
    Kind("bad name", r'\bname = "(\w+)", (?:op|block)', "a..b"),
    Kind("no repetition", r'\brepeat = ("[^"]*")', "-1"),
    Kind("endless repetition", r'\brepeat = ("[^"]*")', "1_000_000_000"),
    Kind("shortcut without its stride", r'kernel_size = 1(, stride = "stride")', ""),
    Kind("branch without padding", r"ch\wx\w\".*(, padding = 1)", ""),
    Kind("shortcut left out", r'when = "(stride != 1 or in_ch[^"]*)"', "stride > 2"),
    Kind("parameter misspelled in its block", r'^params = \["(\w+)"', r"\1x"),
    Kind("parameter of a block lost", r'^params = \[(".*?",) ', ""),
    Kind("parameter with a bad name", r'^params = \["(\w+)"', "a b"),
    Kind("quote lost", r'\bop = ("\w+")', '"relu', anywhere=True),
    Kind("bracket lost", r"^[^\"]*?(\])", "", anywhere=True),
    Kind("brace lost", r"^[^\"]*\"[^{}]*(\})", "", anywhere=True),
    Kind("comma lost", r"^ .*?(,) \w+ =", "", anywhere=True),
    Kind("table misspelled", r"^\[(network|params|expect)\]", "tabel", anywhere=True),
    Kind("input of another rank", r"input = \[(\d+, )", "", anywhere=True),
)


@dataclass(frozen=True)
class Mutation:
    spec: str
    line: int
    kind: Kind
    text: str


def _mutations(path: Path) -> Iterator[Mutation]:
    lines = path.read_text("utf-8").split("\n")
    for number, line in enumerate(lines):
        for kind in KINDS:
            found = re.search(kind.pattern, line)
            if found is None:
                continue
            # a line that reads the name would be wrong too
            reader = rf'\b(?:from|size_of|share) = .*"{re.escape(found[1])}"'
            if kind.what == "bad name" and re.search(reader, path.read_text("utf-8")):
                continue
            new = found.expand(kind.replacement)
            spoiled = line[: found.start(1)] + new + line[found.end(1) :]
            text = "\n".join([*lines[:number], spoiled, *lines[number + 1 :]])
            yield Mutation(path.name, number + 1, kind, text)
    # a line written twice
    for number, line in enumerate(lines):
        if re.fullmatch(r'  +\{ name = "(\w+)".*\},', line):
            text = "\n".join([*lines[: number + 1], *lines[number:]])
            kind = Kind("node written twice", "", "", only_here=False)
            yield Mutation(path.name, number + 2, kind, text)


def _sample() -> list[Mutation]:
    generator = random.Random(20151210)
    chosen: list[Mutation] = []
    for path in sorted(SPECS.glob("*.toml")):
        if not path.name.startswith(FAMILIES):
            continue
        known = list(_mutations(path))
        of_kind: dict[str, list[Mutation]] = {}
        for mutation in known:
            of_kind.setdefault(mutation.kind.what, []).append(mutation)
        # each kind once at least, then as many as fit
        first = [generator.choice(group) for group in of_kind.values()]
        rest = [m for m in known if m not in first]
        generator.shuffle(rest)
        chosen += first + rest[: max(PER_SPEC - len(first), 0)]
    return chosen


SAMPLE = _sample()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree") / "specs"
    for name in (SPECS.name, "blocks"):
        shutil.copytree(SPECS.parent / name, root / name)
    return root / SPECS.name


def _compile(path: Path) -> tuple[Analysis | None, Sink]:
    sink = Sink()
    return analyse(path, Loader(sink), sink), sink


def _check_places(sink: Sink) -> None:
    for diagnostic in sink:
        assert diagnostic.code in CODES
        for place in (diagnostic.place, *(label.place for label in diagnostic.labels)):
            span = place.span()
            lines = place.text.split("\n")
            assert 1 <= span.line <= span.end_line <= len(lines)
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1
            assert (span.line, span.column) <= (span.end_line, span.end_column)
    assert json.loads(render_json(sink)) is not None
    assert render_text(sink) or not len(sink)


def test_every_kind_of_mistake_is_tried() -> None:
    assert {m.kind.what for m in SAMPLE} >= {kind.what for kind in KINDS}
    assert len(SAMPLE) > 200


@pytest.mark.parametrize("spec", sorted({m.spec for m in SAMPLE}))
def test_a_spoiled_line_is_reported(spec: str, tree: Path) -> None:
    failures: list[str] = []
    for mutation in SAMPLE:
        if mutation.spec != spec:
            continue
        path = tree / "spoiled.toml"
        path.write_text(mutation.text, "utf-8")
        _, sink = _compile(path)
        _check_places(sink)
        errors = [d for d in sink if d.severity == "error"]
        here = [
            d
            for d in errors
            if d.place.file == str(path) and d.place.span().line == mutation.line
        ]
        fine = bool(errors) if mutation.kind.anywhere else bool(here)
        if mutation.kind.only_here:
            fine = fine and (mutation.kind.anywhere or len(here) == len(errors))
        if not fine:
            line = mutation.text.split("\n")[mutation.line - 1]
            failures.append(
                f"{mutation.kind.what}, line {mutation.line}: {line}\n"
                f"{render_text(sink)}"
            )
    assert not failures, "\n\n".join(failures)


GARBAGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 10**400, 1.5, -0.0, "", " ", "x", "é", "1 +", "x.y",
    "{", "{i}", "\n", "\0", "\ud83d\ude42", [], [[]], [None], [1, "a", [2]], {},
    {"": {}}, {"a": None}, {"op": "relu"}, [{"op": "relu"}], {"layers": []}, "a" * 2000,
    [[[[[[1]]]]]], {"odd key.with 'quotes\"": 1},
)  # fmt: skip


def _paths(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items: Any = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def _put(data: Any, path: tuple[str | int, ...], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "densenet121", "vgg16"])
def test_garbage_in_the_place_of_a_value(name: str, tmp_path: Path) -> None:
    generator = random.Random(name)
    text = (SPECS / f"{name}.toml").read_text("utf-8")
    paths = list(_paths(tomllib.loads(text)))
    for _ in range(100):
        data = tomllib.loads(text)
        path, value = generator.choice(paths), generator.choice(GARBAGE)
        _put(data, path, value)
        file = tmp_path / "garbage.json"
        file.write_text(json.dumps(data, indent=1), "utf-8")
        analysis, sink = _compile(file)
        _check_places(sink)
        assert (analysis is None) == sink.failed, (path, value)
        if value is None or (value == 10**400 and type(value) is int):
            assert sink.failed, (path, value)


_WORDS = (
    "op", "block", "layers", "branches", "merge", "name", "from", "when", "repeat",
    "index", "skip", "skip_when", "shortcut", "shape", "doc", "out_channels",
    "kernel_size", "stride", "padding", "out_features", "p", "groups", "size",
    "scale_factor", "width", "dims", "start_dim", "normalized_shape", "init", "bogus",
)  # fmt: skip
_TEXTS = (
    "conv2d", "relu", "linear", "flatten", "add", "concat", "mul", "upsample",
    "permute", "layer_norm", "max_pool2d", "softmax", "b", "c", "a", "a.b", "prev",
    "input", "i", "n", "n[0]", "width", "in_channels", "in_channels // 2", "a{i}",
    "b{n}", "same", "1", "2 * n", "l[i]", "n == 3",
)  # fmt: skip


def _value(generator: random.Random, key: str, depth: int) -> Any:
    """A value that may fit the key, most of the time."""
    chance = generator.random()
    if chance < 0.08:
        return generator.choice(GARBAGE)
    if key in ("layers", "branches") and depth > 0:
        return [_node(generator, depth - 1) for _ in range(generator.randrange(4))]
    if key == "shortcut" and depth > 0:
        return _node(generator, depth - 1)
    if key in ("op", "block", "name", "from", "merge", "skip") or chance < 0.3:
        return generator.choice(_TEXTS)
    if key in ("dims", "shape", "normalized_shape") or chance < 0.4:
        return [generator.randrange(4) for _ in range(generator.randrange(5))]
    return generator.choice([True, False, 0, 1, 2, 3, 8, 64, 1.5])


def _node(generator: random.Random, depth: int) -> dict[str, Any]:
    body = generator.choice(["op", "op", "block", "layers", "branches"])
    keys = [body, *generator.sample(_WORDS, generator.randrange(5))]
    if generator.random() < 0.7:
        keys += {"op": ["out_channels", "kernel_size"], "branches": ["merge"]}.get(
            body, []
        )
    return {key: _value(generator, key, depth) for key in keys}


def _made_up(generator: random.Random) -> dict[str, Any]:
    def nodes() -> list[Any]:
        return [_node(generator, 3) for _ in range(generator.randrange(1, 6))]

    data: dict[str, Any] = {
        "archc": 1,
        "name": "net",
        "params": {"n": 3, "l": [1, 2, 3]},
        "network": {"input": [8, 32, 32], "layers": nodes()},
        "blocks": {
            "b": {"params": ["width"], "layers": nodes()},
            "c": {"defaults": {"n": 2, "l": "[n]"}, "layers": nodes()},
        },
        "heads": [{"name": "aux", "from": "a", **_node(generator, 1)}],
        "init": {generator.choice(_TEXTS): _value(generator, "init", 1)},
        "expect": {"output": _value(generator, "shape", 1)},
    }
    if generator.random() < 0.3:
        key = generator.choice(list(data))
        data[key] = generator.choice(GARBAGE)
    return data


@pytest.mark.parametrize("seed", range(8))
def test_specs_made_up_of_the_language(seed: int, tmp_path: Path) -> None:
    generator = random.Random(seed)
    for _ in range(40):
        file = tmp_path / "made_up.json"
        file.write_text(json.dumps(_made_up(generator), indent=1), "utf-8")
        analysis, sink = _compile(file)
        _check_places(sink)
        assert (analysis is None) == sink.failed, file.read_text("utf-8")
