"""Every mend that a diagnostic carries, made on the specs with mistakes."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from archc.diagnostics.mend import applied
from archc.diagnostics.model import Diagnostic, Sink
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.benchmarks import mends
from tests.command import invoke

ROOT = Path(__file__).parent.parent / "bad_specs"
SPECS = sorted(p for p in ROOT.rglob("*") if p.suffix in (".toml", ".json"))

UNCOVERED = {
    ("axes_padded_and_rolled.toml", "unknown-op"): "unknown-attribute",
    ("base.toml", "unknown-op"): "expectation",
    ("keys_types.toml", "wrong-type"): "file-not-found",
    ("modifier_of_a_group_misspelled.toml", "unknown-key"): "needs-flatten",
    ("path_with_backslash.toml", "file-not-found"): "file-not-found",
    ("path_with_escape.toml", "syntax-error"): "file-not-found",
    ("several_syntax_errors_in_json.json", "syntax-error"): "syntax-error",
    ("node_body.toml", "node-body"): "missing-attribute",
    ("op_unknown.toml", "unknown-op"): "missing-attribute",
    ("own_ops.toml", "unknown-op"): "missing-attribute",
}
"""Where the place has a second mistake, which the first one hides: a name of an op that
is not there, and below it attributes that the op lacks."""


def _found(path: Path, texts: Mapping[Path, str]) -> list[Diagnostic]:
    sink = Sink()
    analyse(path, Loader(sink, texts=texts), sink)
    return list(sink)


def _keys(diagnostics: Sequence[Diagnostic]) -> Counter[tuple[str, str]]:
    return Counter((d.code, d.message) for d in diagnostics)


def test_each_fix_removes_its_diagnostic_and_adds_none() -> None:
    made: Counter[str] = Counter()
    for path in SPECS:
        before = _found(path, {})
        for diagnostic in before:
            if diagnostic.fix is None:
                continue
            made[diagnostic.code] += 1
            texts: dict[Path, str] = {}
            for name in {change.file for change in diagnostic.fix}:
                file = Path(name).resolve()
                text = file.read_bytes().decode("utf-8-sig")
                ours = [c for c in diagnostic.fix if c.file == name]
                texts[file] = applied(text, ours)
            after = _found(path, texts)
            key = (diagnostic.code, diagnostic.message)
            where = f"{path}: {key}"
            assert _keys(after)[key] < _keys(before)[key], where
            new = {code for code, _ in _keys(after) - _keys(before)}
            allowed = UNCOVERED.get((path.name, diagnostic.code))
            assert allowed in new if allowed and new else not new, f"{where}: {new}"
    assert len(made) > 20
    assert made.total() > 130, made


def test_fixing_all_leaves_nothing_to_fix_and_keeps_comments(tmp_path: Path) -> None:
    copied = tmp_path / "specs"
    shutil.copytree(ROOT, copied)
    fixable = sorted(copied.glob("*.toml"))
    for path in fixable:
        before = path.read_bytes()
        invoke("check", "--fix", path)
        after = path.read_bytes()
        assert after.count(b"#") >= before.count(b"#"), path
        again = invoke("check", "--fix", path)
        assert "nothing to fix" in again.output, again.output
        assert path.read_bytes() == after


SPEC = """\
# a network \u2026 \U0001f600
name = "net"  # of its own
[params]
width = 8
[network]
input = [3, 32, 32]
layers = [
  { name = "a", op = "conv2d", out_chanels = "widht", in_channels = 3 kernel_size = 3, \
shape = [8, 32, 32] }, # \U0001f600 \U0001f600 first
  {   op = 'ReLU' },
]
[expect]
params = 3"""
MENDED = """\
archc = 1
# a network \u2026 \U0001f600
name = "net"  # of its own
[params]
width = 8
[network]
input = [3, 32, 32]
layers = [
  { name = "a", op = "conv2d", out_channels = "width", kernel_size = 3, \
shape = [8, 30, 30] }, # \U0001f600 \U0001f600 first
  {   op = 'relu' },
]
[expect]
params = 224"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_several_mends_in_one_file(tmp_path: Path, newline: str, mark: str) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes((mark + SPEC.replace("\n", newline)).encode())
    result = invoke("check", "--fix", str(path))
    assert result.exit_code == 0, result.output
    lines = path.read_bytes().decode().removeprefix(mark).split("\n")
    assert [line.rstrip("\r") for line in lines] == MENDED.split("\n")
    assert path.read_bytes().decode().startswith(mark)
    assert "fixed[unknown-op]" in result.output
    assert "+params = 224" in result.output


RIGHT = """\
archc = 1
name = "net"
title = "A net"
[params]
rows = [
  [1, 8],
  [2, 16],
]
[network]
input = [3, 32, 32]
layers = [
  { merge = "concat", branches = [
    { name = "conv", op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1 },
    [{ name = "unit", block = "unit", repeat = "rows[0][0]", shape = [8, 32, 32] }],
  ] },
  { name = "bn", op = "batch_norm2d" },
]
[blocks.unit]
defaults = { width = 8 }
layers = [{ name = "conv", op = "conv2d", out_channels = "width", kernel_size = 1 }]
[init]
conv2d = { weight = { init = "kaiming_normal_", mode = "fan_out" }, bias = 0 }
"""


@pytest.mark.parametrize(
    ("written", "slip"),
    [
        ("[blocks.unit]", "[bloks.unit]"),
        ("input = [3", "inptu = [3"),
        ('{ name = "bn"', '{ nae = "bn"'),
        ("branches = [", "brrnches = ["),
        ('"concat"', '"cat"'),
        ("kernel_size = 3", 'kernel_size = "3x3"'),
        ('mode = "fan_out"', 'mode = "fn_out"'),
        ("bias = 0", "bais = 0"),
        ('title = "A net"', 'title = "A net'),
        ("  [1, 8],", "  [1, 8,"),
        ("  [2, 16],", "  [2, 16,"),
        ("shape = [8, 32, 32] }],", "shape = [8, 32, 32 }],"),
        ("shape = [8, 32, 32] }],", "shape = [8, 32, 32] },"),
    ],
)
def test_a_slip_is_taken_back(written: str, slip: str) -> None:
    path = ROOT / "slip.toml"
    assert RIGHT.count(written) == 1
    assert not _found(path, {path: RIGHT})
    spoiled = RIGHT.replace(written, slip)
    fixes = [d.fix for d in _found(path, {path: spoiled}) if d.fix is not None]
    mended = {applied(spoiled, fix) for fix in fixes}
    assert mended == {RIGHT}, slip


def test_of_names_that_are_as_near_none_is_taken() -> None:
    path = ROOT / "slip.toml"
    text = RIGHT.replace('op = "batch_norm2d"', 'op = "batch_normd"')
    (found,) = _found(path, {path: text})
    assert found.fix is None
    assert found.help == (
        "did you mean `batch_norm1d`, `batch_norm2d` or `batch_norm3d`?"
    )


def test_a_json_spec_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(
        '{"archc": 1, "name": "net", "network": {"input": [64, 8, 8], "layers": [\n'
        ' {"skip": "add", "layers": [{"name": "c", "op": "Conv2d", "out_channels": 128,'
        ' "kernel_size": 3, "stride": 2, "padding": 1.0,}]}]}}'
    )
    result = invoke("check", "--fix", str(path))
    assert result.exit_code == 0, result.output
    node = json.loads(path.read_text())["network"]["layers"][0]
    assert node["layers"][0]["op"] == "conv2d"
    assert node["shortcut"]["stride"] == 2


def test_what_lies_outside_of_the_tree_is_left_alone(tmp_path: Path) -> None:
    blocks = tmp_path / "blocks.toml"
    text = '[blocks.unit]\nlayers = [{ op = "rellu" }]\n'
    blocks.write_text(text)
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "net.toml"
    path.write_text(
        'archc = 1\nname = "net"\nuse = ["../blocks.toml"]\n[network]\n'
        'input = [3, 8, 8]\nlayers = [{ name = "u", block = "unit" }]\n'
    )
    result = invoke("check", "--fix", "--allow-outside", str(path))
    assert result.exit_code == 1
    assert "nothing to fix" in result.output
    assert blocks.read_text() == text


def test_a_mend_is_in_the_json_form(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        'archc = 1\nname = "net"\n[network]\ninput = [3, 8, 8]\n'
        'layers = [{ op = "rellu" }]\n'
    )
    result = invoke("check", "--format", "json", str(path))
    (found,) = json.loads(result.output)
    span = {"line": 5, "column": 18, "end_line": 5, "end_column": 25}
    assert found["fix"] == [{"file": str(path), **span, "text": '"relu"'}]


def test_overrides_are_not_mended(tmp_path: Path) -> None:
    result = invoke("check", "--fix", "resnet50", "--set", "a=1")
    assert result.exit_code == 2
    assert "--fix" in result.output


def test_mends_of_specs_spoiled_by_one_keystroke() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng, tally, specs = random.Random(seed), mends.Tally(), mends.short_specs()
    for _ in range(60):
        mends.try_one(rng, specs, tally)
    assert not tally.useless, tally


def test_sizes_of_an_op_of_its_own_are_guessed_too() -> None:
    found = _found(Path(__file__).parents[1] / "bad_specs" / "own_ops.toml", {})
    helps = [d.help for d in found if "`heigth`" in d.message]
    assert helps == ["did you mean `height`?"]
