from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

import archc as package
from archc import catalog
from archc.cli.new import starter
from archc.measure.summary import Summary
from archc.source.layout import split
from archc.source.writing import write_spec

from .conftest import SPECS, TINY, Archc

ROOT = SPECS.parent
NETWORKS = [
    path
    for root in (SPECS, ROOT / "tests" / "family")
    for path in sorted(root.rglob("*.toml"))
    if "blocks" not in path.parts
]


def numbers(summary: Summary) -> dict[str, object]:
    """All but the names."""
    return {**json.loads(summary.to_json()), "name": ""}


def code(network: package.Network) -> str:
    """The generated source without docstrings, and without the case of names."""
    tree = ast.parse(network.source())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef) and ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree).lower()


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_same_network_in_one_file(archc: Archc, tree: Path, path: Path) -> None:
    original = package.load(path, allow_outside=True)
    result = archc("new", original.name, "--from", path, "--allow-outside")
    assert result.exit_code == 0, result.stderr
    assert (result.stdout, result.stderr) == (f"{original.name}.toml\n", "")
    written = Path(f"{original.name}.toml")
    data = tomllib.loads(written.read_text("utf-8"))
    assert not {"extends", "use", "expect"} & data.keys()
    assert archc("check", written).output == "1 file checked: no errors\n"
    copy = package.load(written)
    assert numbers(copy.summary()) == numbers(original.summary())
    assert code(copy) == code(original)


def given(text: str, name: str = "net.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def copied(archc: Archc, path: Path) -> str:
    """The text of `archc new`, which must say what the original says."""
    target = Path("copies/copy.toml")
    target.unlink(missing_ok=True)
    result = archc("new", "copied", "--from", path, "-o", target)
    assert result.exit_code == 0, result.output
    one, other = package.load(path), package.load(target)
    assert numbers(one.summary()) == numbers(other.summary())
    assert list(one.parameters.items()) == list(other.parameters.items())
    return target.read_text("utf-8")


LAYERS = """\
layers = [
  # the first
  { name = "conv", block = "conv",   channels = "width" },  # aligned

  { op = "relu" },
]
"""
BLOCKS = """\
[blocks.unused]
layers = [{ op = "relu" }]

# a remark on the block
[blocks.conv]
params = ["channels"]
# why three
defaults = { kernel = 3 }  # or five
layers = [
  { name = "inner", block = "inner", channels = "channels", kernel = "kernel" },
]
# the end of the block

# before inner
[blocks.inner]
params = ["channels", "kernel"]
layers = [
  { op = "conv2d", name = "conv", out_channels = "channels", kernel_size = "kernel" },
]
"""
BASE = f"""\
# The base of all.
#:schema ../schema.json

archc = 1       # the version
name = "base"
title = "Base"
source = "Author 2001"

[params]
# how wide
width   = 8     # eight
depth = 1       # one

[network]
input = [3, 32, 32]
{LAYERS}
{BLOCKS}
[expect]
# counted by hand
params = 224    # all of them
"""


def test_comments_and_layout_are_kept(archc: Archc, tree: Path) -> None:
    base = BASE.replace("depth = 1       # one\n", "")
    text = copied(archc, given(base))
    head = """\
# The base of all.

archc = 1       # the version
name = "copied"
title = "Copied"
source = "after Base: Author 2001"

[params]
# how wide
width   = 8     # eight

"""
    network = f"[network]\ninput = [3, 32, 32]\n{LAYERS}\n"
    end = """
# What Base has, to compare with:
# [expect]
# counted by hand
# params = 224    # all of them
"""
    used = BLOCKS.partition("\n\n")[2]
    assert text == head + network + used + end


def test_what_extends_gives_anew_stands_in_its_place(archc: Archc, tree: Path) -> None:
    given(BASE.replace('  { op = "relu" }', '  { op = "relu", repeat = "depth" }'))
    derived = """\
archc = 1
extends = "net.toml"
name = "derived"

[params]
depth = 2       # two
offset = 0

[blocks.conv]
defaults = { padding = 1 }
[blocks.inner]
# another one
layers = [{ op = "conv2d", out_channels = "channels", kernel_size = "kernel" }]
"""
    path = given(
        derived.replace("offset = 0\n", "").replace("padding", "offset"),
        "derived.toml",
    )
    changed = path.read_text().replace(
        "[blocks.inner]",
        'layers = [{ block = "inner", name = "inner", channels = "channels + offset",'
        ' kernel = "kernel" }]\n[blocks.inner]',
    )
    path.write_text(changed.replace("{ op", '{ name = "conv", op'))
    text = copied(archc, path)
    assert "width   = 8     # eight\ndepth = 2       # two\n\n[network]" in text
    assert "# why three\ndefaults = { kernel = 3, offset = 1 }\nlayers" in text
    assert "# before inner\n[blocks.inner]\n" in text
    assert "# another one\nlayers = [{ name" in text
    assert "expect" not in text, "claims are not inherited"


def test_blocks_of_other_files_come_last(archc: Archc, tree: Path) -> None:
    given(f"archc = 1\n# blocks\n\n{BLOCKS}", "blocks/lib.toml")
    own = BASE.replace(BLOCKS, "").replace("depth = 1       # one\n", "")
    path = given(own.replace("[params]", 'use = ["blocks/lib.toml"]\n[params]'))
    text = copied(archc, path)
    assert "use" not in text
    assert "unused" not in text
    assert text.index("[network]") < text.index("# a remark on the block\n[blocks.conv")


@pytest.mark.parametrize(
    "text",
    [
        # tables in braces, dotted keys
        """\
archc = 1
name = "odd"
params = { width = 8 }
network.input = [3, 8, 8]
network.layers = [{ name = "a", block = "a_b", "c" = "width" }]
blocks."a_b".params = ["c"]
blocks.a_b.layers = [{ op = "conv2d", out_channels = "c", kernel_size = 1 }]
blocks.unused = { layers = [{ op = "relu" }] }
init.conv2d.weight = { init = "normal_", std = 0.5 }
expect.params = 32
""",
        # arrays of tables, strings of several lines, other ends of lines
        """\
name = '''odd'''
archc = 1
title = \"\"\"
Odd \\
  one\"\"\"
[[network.layers]]
name = "stem"
block = "a"
[network.layers.shape]
[[blocks.a.layers]]
op = "relu" # one
# between
[[blocks.a.layers]]
op = "relu"
[[network.layers]]
op = "relu"
[network]
input = [3, 8, 8]
""".replace("[network.layers.shape]\n", ""),
        f"\ufeff# first\n\n{TINY}\n# last".replace("\n", "\r\n"),
    ],
)
def test_odd_layouts(archc: Archc, tree: Path, text: str) -> None:
    path = tree / "odd.toml"
    path.write_text(text, "utf-8", newline="")
    new = copied(archc, Path("odd.toml"))
    assert "unused" not in new
    assert "\r" not in new
    for comment in re.findall(r"# \w+", text):
        assert comment in new


def test_layers_as_tables_keep_their_nesting(archc: Archc, tree: Path) -> None:
    text = """\
archc = 1
name = "nested"
[network]
input = [3, 8, 8]
[[network.layers]]
skip = "add"
[[network.layers.layers]]
op = "conv2d"
name = "conv"
out_channels = 3
kernel_size = 1
[network.layers.shortcut]
op = "identity"
"""
    assert "[network.layers.shortcut]" in copied(archc, given(text))


def test_json_becomes_toml_with_a_line_for_each_node(archc: Archc, tree: Path) -> None:
    source = (SPECS / "torchvision" / "googlenet.toml").read_text("utf-8")
    data = tomllib.loads(source)
    for name in data.pop("use", []):
        library = tomllib.loads((SPECS / "torchvision" / name).read_text("utf-8"))
        data.setdefault("blocks", {}).update(library["blocks"])
    data["title"] = 'Odd "title"\n\u00e9\x7f'
    path = given(json.dumps(data), "net.json")
    text = copied(archc, path)
    assert '\nlayers = [\n  { name = "conv1", block = ' in text
    assert "\n[[heads]]\n" in text
    assert f"# params = {data['expect']['params']}\n" in text
    assert f"# What {data['name']} has" in text
    assert max(map(len, text.splitlines())) < 300


def test_json_with_blocks_of_toml(archc: Archc, tree: Path) -> None:
    given(f"archc = 1\n{BLOCKS}", "lib.toml")
    data = {
        "archc": 1,
        "name": "mixed",
        "network": {"input": [3, 8, 8], "layers": [{"block": "conv", "channels": 2}]},
    }
    data["network"]["layers"][0]["name"] = "first"  # pyright: ignore
    path = given(json.dumps({**data, "extends": "base.json"}), "net.json")
    given(json.dumps({**data, "use": ["lib.toml"]}), "base.json")
    assert "# why three" in copied(archc, path)


def test_writing_is_what_a_parser_reads() -> None:
    data = {
        "archc": 1,
        "odd key": 'tab\t, quote ", DEL \x7f',
        "numbers": [1, 1e-05, 1e16, True, [0.5]],
        "empty": [],
        "network": {"layers": [{"branches": [[{"op": "relu"}], []], "x": {}}]},
        "heads": [{"name": "aux", "layers": [{"op": "relu"}]}],
        "blocks": {"a.b": {"layers": [], "defaults": {"x": 1}}},
    }
    assert tomllib.loads(write_spec(data)) == data


def test_pieces_are_the_whole_text() -> None:
    text = BASE + "# the end\n"
    tables = split(text)
    found = " ".join(
        (" ".join((*t.lead, t.header, t.comment, *t.tail)))
        + " ".join(" ".join((*p.lead, p.key, p.value, p.comment)) for p in t.pieces)
        for t in tables
    )
    words = sorted(found.split())
    assert words == sorted(text.split())


class TestStarter:
    def test_it_is_correct_and_explains_itself(self, archc: Archc, tree: Path) -> None:
        assert archc("new", "my_first_net").stdout == "my_first_net.toml\n"
        assert archc("check", "my_first_net.toml").output.endswith(": no errors\n")
        network = package.load("my_first_net.toml")
        assert (network.input_shape, network.output_shape) == ((3, 32, 32), (10,))
        assert "class MyFirstNet(" in network.source()
        text = Path("my_first_net.toml").read_text()
        assert "my_network" not in text
        for word in ("block", "skip", "shortcut", "repeat", "shape", "expect"):
            assert word in text

    def test_the_claims_hold_once_they_are_no_comment(
        self, archc: Archc, tree: Path
    ) -> None:
        text = starter("net").replace("# params = PARAMS\n", "")
        text = text.replace("# [expect]\n# output", "[expect]\noutput")
        assert "\n[expect]\noutput = " in text
        assert archc("check", given(text)).exit_code == 0


class TestWhere:
    def test_in_specs_if_there_is_one(self, archc: Archc, tree: Path) -> None:
        Path("specs").mkdir()
        assert archc("new", "net").stdout == "specs/net.toml\n"
        assert archc("check", "net").output == "1 file checked: no errors\n"

    def test_where_it_is_told(self, archc: Archc, tree: Path) -> None:
        assert archc("new", "net", "-o", "a/b/other.toml").exit_code == 0
        assert Path("a/b/other.toml").exists()

    @pytest.mark.parametrize("how", ["file", "link", "directory"])
    def test_never_over_another(self, archc: Archc, tree: Path, how: str) -> None:
        target = Path("net.toml")
        if how == "file":
            target.write_text("mine")
        elif how == "link":
            target.symlink_to("nowhere.toml")
        else:
            target.mkdir()
        result = archc("new", "net", "--from", SPECS / "googlenet.toml")
        assert result.exit_code == 2
        assert "net.toml is" in result.stderr
        assert [path.name for path in tree.iterdir()] == ["net.toml"]
        if how == "file":
            assert target.read_text() == "mine"

    @pytest.mark.parametrize("out", ["net.json", "net", "taken/net.toml"])
    def test_places_that_are_none(self, archc: Archc, tree: Path, out: str) -> None:
        Path("taken").write_text("a file")
        result = archc("new", "net", "-o", out)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert [path.name for path in tree.iterdir()] == ["taken"]


@pytest.mark.parametrize("name", ["1st", "a-b", "class", "", "x.toml", "specs/x.toml"])
def test_names_that_are_none(archc: Archc, tree: Path, name: str) -> None:
    result = archc("new", name)
    assert result.exit_code == 2
    assert "cannot name a network: it is" in result.stderr
    assert ("; x would do" in result.stderr) == name.endswith("x.toml")
    assert not list(tree.iterdir())


def test_originals_that_are_none(archc: Archc, tree: Path) -> None:
    library = given("archc = 1\n[blocks.a]\nlayers = []\n", "lib.toml")
    wrong = given(TINY.replace("relu", "rleu"), "wrong.toml")
    cases = {
        str(library): (2, "only holds blocks"),
        str(wrong): (1, "did you mean `relu`?"),
        "resnet_50": (1, "did you mean the network `resnet50`?"),
        ".": (2, "is a directory"),
    }
    for original, (exit_code, message) in cases.items():
        result = archc("new", "net", "--from", original)
        assert result.exit_code == exit_code
        assert message in result.stderr
        assert not Path("net.toml").exists()


def test_from_a_name(archc: Archc, tree: Path) -> None:
    result = archc("new", "net", "--from", "torchvision/resnet152")
    assert result.exit_code == 0
    entry = catalog.locate(Path("torchvision/resnet152"))
    assert entry is not None
    original = package.load(entry.path)
    assert package.load("net.toml").params == original.params
