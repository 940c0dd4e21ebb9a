from __future__ import annotations

import csv
import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import archc as package
from archc import catalog
from archc.cli import listing

from .conftest import SPECS, TINY, Archc


@pytest.fixture
def alone(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No networks but those of the current directory."""
    monkeypatch.setattr(catalog, "shipped", lambda: None)
    return tree


def spec(path: str, name: str = "tiny", more: str = "") -> None:
    target = Path("specs", path)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = TINY.replace('"tiny"\n', f'"{name}"\n{more}', 1)
    target.write_text(text, "utf-8")


def keys(archc: Archc, *args: str) -> list[str]:
    result = archc("list", "--format", "json", *args)
    return [row["key"] for row in json.loads(result.stdout)]


def test_what_comes_with_archc(archc: Archc, tree: Path) -> None:
    rows = json.loads(archc("list", "--format", "json").stdout)
    by_key = {row["key"]: row for row in rows}
    networks = {
        path.relative_to(SPECS).with_suffix("").as_posix()
        for path in SPECS.rglob("*.toml")
        if path.parent != SPECS / "blocks"
    }
    assert by_key.keys() == networks
    assert not any(row["error"] for row in rows)
    network = package.load(SPECS / "googlenet.toml")
    found = by_key["googlenet"]
    assert Path(found.pop("file")).samefile(SPECS / "googlenet.toml")
    assert found == {
        "key": "googlenet",
        "title": "GoogLeNet",
        "edition": "published",
        "year": 2014,
        "input": [3, 224, 224],
        "params": network.params,
        "macs": network.macs,
        "error": None,
    }
    assert by_key["torchvision/resnet50"]["edition"] == "torchvision"


def test_the_checkout_is_listed_once(
    archc: Archc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(SPECS.parent)
    rows = json.loads(archc("list", "--format", "json").stdout)
    assert {row["file"].partition("/")[0] for row in rows} == {"specs"}


def test_a_local_spec_hides_one_that_comes_along(archc: Archc, tree: Path) -> None:
    spec("torchvision/resnet50.toml", more='source = "Somebody 1999"\n')
    rows = json.loads(archc("list", "resnet50", "--format", "json").stdout)
    files = {row["key"]: row["file"] for row in rows}
    assert files["torchvision/resnet50"] == "specs/torchvision/resnet50.toml"
    assert Path(files["resnet50"]).samefile(SPECS / "resnet50.toml")
    assert {row["key"]: row["year"] for row in rows}["torchvision/resnet50"] == 1999


def test_by_edition_by_year_then_by_name(archc: Archc, alone: Path) -> None:
    for name, source in (
        ("net9", "A 2015, arXiv:1512.03385"),
        ("net10", "A 2015"),
        ("e/net9", "see arXiv:1905.02244, version 2020"),
        ("old", "B et al. 1998, 2001"),
        ("none", "arXiv:1905.02244"),
    ):
        spec(f"{name}.toml", name.rpartition("/")[2], f'source = "{source}"\n')
    assert keys(archc) == ["old", "net9", "net10", "none", "e/net9"]
    table = archc("list").stdout.splitlines()
    assert table[-2] == ""
    assert table[0].split()[:4] == ["key", "title", "edition", "year"]
    assert table[2].split() == ["old", "published", "1998", "3×32×32", "314", "48,680"]


def test_text_and_edition(archc: Archc, alone: Path) -> None:
    spec("alpha.toml", "alpha", 'title = "First Letter"\n')
    spec("two/beta.toml", "beta")
    assert keys(archc, "LETTER") == keys(archc, "alp") == ["alpha"]
    assert keys(archc, "--edition", "two") == ["two/beta"]
    assert keys(archc, "--edition", "published") == ["alpha"]
    cases = {
        ("alpa",): "did you mean alpha?",
        ("zzz",): "`archc list` shows all",
        ("--edition", "tow"): "did you mean `two`?",
    }
    for args, message in cases.items():
        result = archc("list", *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_spec_with_errors_does_not_stop_it(archc: Archc, alone: Path) -> None:
    spec("good.toml", "good")
    spec("wrong.toml", "wrong")
    path = Path("specs/wrong.toml")
    path.write_text(path.read_text().replace("relu", "rleu"))
    Path("specs/broken.toml").write_text("archc = [")
    Path("specs/lib.json").write_text('{"archc": 1, "blocks": {}}')
    result = archc("list")
    assert result.exit_code == 1
    assert result.stderr == ""
    lines = result.stdout.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["broken", "good", "wrong"]
    assert "has errors: archc check specs/wrong.toml" in lines[2]
    assert lines[2].endswith("published")
    rows = json.loads(archc("list", "--format", "json").stdout)
    assert [row["params"] for row in rows] == [None, 314, None]
    assert archc("list", "good").exit_code == 0


def test_nothing_to_list(archc: Archc, alone: Path) -> None:
    result = archc("list")
    assert result.exit_code == 2
    assert (
        result.stderr
        == "Error: there is no network here; `archc new NAME` starts one\n"
    )


def test_formats(archc: Archc, alone: Path) -> None:
    spec("a_b.toml", "a_b", 'title = "A | B, 2"\n')
    markdown = archc("list", "--format", "markdown").stdout.splitlines()
    assert markdown[1] == "| :--- | :--- | :--- | ---: | ---: | ---: | ---: |"
    assert markdown[2].startswith(r"| a\_b | A \| B, 2 | published |  | 3×32×32 |")
    table = list(csv.DictReader(StringIO(archc("list", "--format", "csv").stdout)))
    assert table == [
        {
            "key": "a_b",
            "title": "A | B, 2",
            "edition": "published",
            "file": "specs/a_b.toml",
            "year": "",
            "input": "3x32x32",
            "params": "314",
            "macs": "48680",
            "error": "",
        }
    ]


@pytest.mark.parametrize("columns", [200, 90, 60])
def test_on_a_terminal(
    archc: Archc, alone: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    from archc.cli import list as module

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(module, "is_terminal", lambda stream: stream is sys.stdout)
    spec("net.toml", "net", f'title = "{"A title of many words " * 4}"\n')
    shown = archc("list", "--color", "never").stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    assert len([line for line in lines if line.strip()]) == 3, "one line for each"
    assert "48,680" in lines[-2] if not lines[-1].strip() else lines[-1]
    assert ("edition" in shown) == (columns > 60)


@pytest.mark.parametrize("width", [1, 40, 200])
def test_keys_and_numbers_are_whole_on_any_terminal(width: int) -> None:
    names = ("resnet50", "torchvision/resnext101_32x8d")
    numbers = (2015, (3, 224, 224), 25_557_032, 3_857_973_248)
    rows = [
        listing.Row(name, "A title", "published", "x.toml", *numbers) for name in names
    ]
    out = StringIO()
    set_to = listing.set_width(rows, width)
    Console(file=out, width=set_to).print(listing.as_rich(rows, set_to))
    for shown in (*names, " 2015 ", " 25,557,032 ", " 3,857,973,248 "):
        assert shown in out.getvalue()
