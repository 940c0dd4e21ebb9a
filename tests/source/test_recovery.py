"""Several syntax errors are told in one run, and one mistake is told once."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.source.document import parse_document

ROOT = Path(__file__).parent.parent.parent
SPECS = sorted((ROOT / "specs").rglob("*.toml"))
MARKS = '"[]{},=:'


def _faults(text: str, format: str) -> tuple[list[tuple[int, str]], str]:
    """Line and message of each syntax error, and the whole report."""
    sink = Sink()
    parse_document(text, f"net.{format}", format, sink)
    found = [(d.place.span().line, d.message) for d in sink]
    return sorted(found), render_text(sink)


def _texts(format: str) -> list[str]:
    texts = [path.read_text("utf-8") for path in SPECS]
    if format == "toml":
        return texts
    return [json.dumps(tomllib.loads(text), indent=1) for text in texts]


@pytest.mark.parametrize("format", ["toml", "json"])
def test_one_slip_is_told_once(format: str) -> None:
    """One character too many or too few is at most one report, in any spec."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    texts = _texts(format)
    for _ in range(300):
        text = rng.choice(texts)
        at = rng.choice([n for n, c in enumerate(text) if c in MARKS])
        more = rng.choice(['"', "[", "]", "{", "}", ",", "="])
        slip = text[:at] + rng.choice(["" + text[at + 1 :], more + text[at:]])
        found, shown = _faults(slip, format)
        assert len(found) <= 1, shown


@pytest.mark.parametrize("path", SPECS[::6], ids=lambda path: path.stem)
def test_two_slips_are_told_both(path: Path) -> None:
    """A value that lacks its quotes near the beginning, and one near the end."""
    lines = path.read_text("utf-8").split("\n")
    ops = [n for n, line in enumerate(lines) if line.count('op = "') == 1]
    if len(ops) < 2:
        return
    for number in (ops[0], ops[-1]):
        name = lines[number].partition('op = "')[2].partition('"')[0]
        lines[number] = lines[number].replace(f'op = "{name}"', f"op = {name}")
    found, shown = _faults("\n".join(lines), "toml")
    assert [line for line, _ in found] == [ops[0] + 1, ops[-1] + 1], shown


def test_statements_and_lines_and_values_are_covered() -> None:
    text = (
        "archc = 1\ntitle = My net\n\n[network]\ninput = [3, 32, 32\nlayers = [\n"
        '  { op = relu },\n  { op = "conv2d" out_channels = 8 },\n'
        '  { op = "tanh },\n]\n'
    )
    found, _ = _faults(text, "toml")
    assert [line for line, _ in found] == [2, 5, 7, 8, 9]


def test_json() -> None:
    text = (
        '{\n "archc": 1,\n "name": "net"\n "network": {\n  "input": [3, 32, 32],\n'
        '  "layers": [{"op": relu}]\n }\n}\n'
    )
    found, _ = _faults(text, "json")
    assert [line for line, _ in found] == [3, 6]


def test_a_file_of_many_faults_takes_no_longer() -> None:
    found, _ = _faults("a = b c\n" * 20_000, "toml")
    assert 1 <= len(found) <= 20
