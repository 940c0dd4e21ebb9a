from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import SPECS, TINY, Archc


def test_json_has_exactly_the_agreed_shape(archc: Archc, tiny: Path) -> None:
    result = archc("summary", tiny, "--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    layers = found.pop("layers")
    assert found == {
        "name": "tiny",
        "input": [3, 32, 32],
        "output": [10],
        "params": 314,
        "params_with_heads": 314,
        "buffers": 0,
        "macs": 15 * 15 * 8 * 27 + 80,
        "receptive_field": 3,
        "heads": [],
    }
    assert layers[0] == {
        "path": "conv",
        "op": "conv2d",
        "input": [[3, 32, 32]],
        "output": [8, 15, 15],
        "params": 224,
        "macs": 15 * 15 * 8 * 27,
        "receptive_field": 3,
    }
    assert [layer["op"] for layer in layers] == [
        "conv2d",
        "relu",
        "adaptive_avg_pool2d",
        "flatten",
        "linear",
    ]
    assert [layer["receptive_field"] for layer in layers] == [3, 3, None, None, None]


def test_heads_stand_apart(archc: Archc) -> None:
    spec = SPECS / "torchvision" / "googlenet.toml"
    found = json.loads(archc("summary", spec, "--format", "json").stdout)
    first, second = found["heads"]
    assert list(first) == [
        "name", "from", "loss_weight", "params", "macs", "output", "layers",
    ]  # fmt: skip
    assert (first["name"], first["from"], first["loss_weight"]) == (
        "aux1",
        "inception4a",
        0.3,
    )
    assert found["params"] + first["params"] + second["params"] == 13_004_888
    assert found["params_with_heads"] == 13_004_888
    assert first["params"] == sum(layer["params"] for layer in first["layers"])
    assert not any(layer["path"].startswith("aux") for layer in found["layers"])
    concat = next(x for x in found["layers"] if x["path"] == "inception3a.concat")
    assert [dims[0] for dims in concat["input"]] == [64, 128, 32, 32]


def test_overrides(archc: Archc, tiny: Path) -> None:
    args = ("--set", "width=2*8", "--set", "classes=5", "--input", "1,64,48")
    found = json.loads(archc("summary", tiny, "--format", "json", *args).stdout)
    assert found["input"] == [1, 64, 48]
    assert found["output"] == [5]
    assert found["layers"][0]["output"] == [16, 31, 23]


def test_text_is_plain_where_it_is_piped(archc: Archc, tiny: Path) -> None:
    lines = archc("summary", tiny).stdout.splitlines()
    assert lines[0] == "tiny"
    header = next(i for i, line in enumerate(lines) if line.startswith("path"))
    assert lines[header + 2].split("  ")[0] == "conv"
    assert "conv2d 3x3 /2, 8" in lines[header + 2]
    # numbers end in one column
    ends = [lines[header].index("MACs") + 4, lines[header + 2].index("48,600") + 6]
    assert ends[0] == ends[1]
    assert "FLOPs (2 x MACs)   97,360" in lines
    assert not any("\x1b" in line or "─" in line for line in lines)


@pytest.mark.parametrize("form", ["text", "json", "csv", "markdown", "latex"])
def test_every_format_shows_every_layer(archc: Archc, form: str) -> None:
    spec = SPECS / "torchvision" / "densenet121.toml"
    result = archc("summary", spec, "--format", form)
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if "denselayer16" in line]
    paths = json.loads(archc("summary", spec, "--format", "json").stdout)["layers"]
    assert len(rows) == sum("denselayer16" in layer["path"] for layer in paths) > 0


def test_errors_go_to_stderr(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace("relu", "rleu"))
    result = archc("summary", tiny, "--format", "json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error[unknown-op]" in result.stderr


def test_a_warning_does_not_stain_the_output(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace("[params]", "[params]\nunused = 1"))
    result = archc("summary", tiny, "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["params"] == 314
    assert "warning[unused-param]" in result.stderr


def test_what_is_no_network_is_refused(archc: Archc, tree: Path) -> None:
    library = Path("b.toml")
    library.write_text("archc = 1\n[blocks.b]\nlayers = [{ op = 'relu' }]\n")
    for path in (library, tree):
        result = archc("summary", path)
        assert result.exit_code == 2
        assert "Error: " in result.stderr
