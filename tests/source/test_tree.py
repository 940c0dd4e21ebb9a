"""What of a directory is a spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archc.source.tree import is_spec, specs_below

ROOT = Path(__file__).parents[2]
NETWORK = {"input": [3, 8, 8], "layers": [{"op": "relu"}]}
MINIFIED = json.dumps({"archc": 1, "network": NETWORK}, separators=(",", ":"))

SPECS = {
    "a.toml": "archc = 1\nname = 'a'\n[network]\nlayers = []\n",
    "blocks.toml": '# blocks\n"archc" = 1\n[blocks.b]\nlayers = []\n',
    "broken.toml": "archc = 1\nname = \n[network\n",
    "no_version.toml": "name = 'a'\n[network]\ninput = [3, 8, 8]\nlayers = []\n",
    "marked.toml": "\ufeffarchc = 1\n",
    "old_mac.toml": "name = 'a'\rarchc = 1\r",
    "minified.json": MINIFIED,
    "late.json": json.dumps({"network": NETWORK, "archc": 1}),
    "no_version.json": json.dumps({"network": NETWORK}),
    "broken.json": MINIFIED[:-3],
    "UPPER.TOML": "archc = 1\n",
}
OTHERS = {
    "pyproject.toml": "[project]\nname = 'x'\n[tool.other]\narchc = 1\n",
    "ruff.toml": "line-length = 88\n",
    "wires.toml": "[network]\ndriver = 'bridge'\n",
    "package.json": '{"name": "x", "version": "1", "dependencies": {"archc": "1"}}',
    "tsconfig.json": '{ // a comment\n "compilerOptions": {} }',
    "network.json": '{"network": "host"}',
    "list.json": '[{"archc": 1}]',
    "deep.json": "[" * 100_000,
    "empty.json": "",
    "empty.toml": "",
    "notes.md": "archc = 1\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in (SPECS | OTHERS).items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_only_specs(tree: Path) -> None:
    assert {path.name for path in specs_below(tree)} == SPECS.keys()


@pytest.mark.parametrize(
    "folder", [".hidden", "node_modules", "venv", "a/b/site-packages"]
)
def test_what_others_installed_is_left_out(tmp_path: Path, folder: str) -> None:
    inside = tmp_path / folder / "x"
    inside.mkdir(parents=True)
    (inside / "a.toml").write_text("archc = 1\n")
    (tmp_path / "venv").mkdir(exist_ok=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert specs_below(tmp_path) == []


def test_in_this_repository() -> None:
    """All shipped specs, and nothing that archc wrote."""
    shipped = {p for p in (ROOT / "specs").rglob("*") if p.suffix in (".toml", ".json")}
    assert set(specs_below(ROOT / "specs")) == shipped
    assert specs_below(ROOT / "generated") == []
    assert not is_spec(ROOT / "pyproject.toml")


def test_an_encoding_that_is_wrong_is_a_spec_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("archc = 1\nname = 'é'\n".encode("latin-1"))
    assert is_spec(path)
    path.write_bytes("archc = 1\n".encode("utf-16"))
    assert is_spec(path)


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text("[" + "1," * 4_000_000 + "1]")
    assert not is_spec(path)
