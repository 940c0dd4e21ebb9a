from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import SPECS, TINY, Archc

KEYS = [
    "code",
    "severity",
    "message",
    "file",
    "line",
    "column",
    "end_line",
    "end_column",
]
PLACE = KEYS[3:]


def write(path: str, text: str) -> Path:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return target


def codes(archc: Archc, *args: object) -> list[tuple[str, str, int]]:
    found = json.loads(archc("check", "--format", "json", *args).stdout)
    return [(d["code"], d["file"], d["line"]) for d in found]


def test_the_project_s_specs_are_clean(archc: Archc) -> None:
    result = archc("check", SPECS)
    assert result.exit_code == 0, result.output
    files = [f for f in SPECS.rglob("*") if f.suffix in (".toml", ".json")]
    assert f"{len(files)} files checked: no errors" in result.stdout


def test_an_error_is_shown_at_its_line_and_exits_1(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace('op = "relu"', 'op = "rleu"'))
    result = archc("check", tiny)
    assert result.exit_code == 1
    assert "error[unknown-op]" in result.stdout
    assert "specs/tiny.toml:12:" in result.stdout
    assert "1 file checked: 1 error" in result.stdout


def test_json_has_exactly_the_agreed_keys(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace('op = "relu"', 'op = "relu", name = "conv"'))
    (found,) = json.loads(archc("check", tiny, "--format", "json").stdout)
    assert list(found) == [*KEYS, "labels", "help", "fix"]
    assert (found["code"], found["file"], found["line"]) == (
        "duplicate-name",
        "specs/tiny.toml",
        12,
    )
    assert [list(label) for label in found["labels"]] == [["message", *PLACE]]
    assert found["labels"][0]["line"] == 11


def test_json_of_clean_specs_is_an_empty_array(archc: Archc, tiny: Path) -> None:
    result = archc("check", tiny, "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_github_annotations(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace("params = 314", "params = 1"))
    result = archc("check", tiny, "--format", "github")
    assert result.exit_code == 1
    assert result.stdout.startswith("::error file=specs/tiny.toml,line=19,")
    assert result.stdout.count("\n") == 1


def test_a_warning_is_not_an_error(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace("[params]", "[params]\nunused = 1"))
    result = archc("check", tiny)
    assert result.exit_code == 0
    assert "warning[unused-param]" in result.stdout
    assert "1 warning" in result.stdout


def test_a_directory_means_the_specs_below_it(archc: Archc, tree: Path) -> None:
    broken = TINY.replace("archc = 1\n", "")
    for path in ("s/b.toml", "s/a/z.toml", "s/.hidden/x.toml", "s/.y.toml", "s/c.txt"):
        write(path, broken)
    write("s/a.JSON", '{"archc": 1')
    write("s/package.json", "{}")
    found = codes(archc, "s")
    assert [file for _, file, _ in found] == ["s/a.JSON", "s/a/z.toml", "s/b.toml"]
    # each once, however often it is named
    assert codes(archc, "s", "s/b.toml", tree / "s") == found


def test_of_a_library_the_blocks_are_checked(archc: Archc, tree: Path) -> None:
    block = '[blocks.b]\nlayers = [{ op = "relu" }]\n'
    library = write("blocks.toml", f"archc = 1\n{block}")
    result = archc("check", library)
    assert (result.exit_code, result.stdout) == (0, "1 file checked: no errors\n")
    write("blocks.toml", f"archc = 1\n{block.replace('relu', 'rleu')}")
    assert codes(archc, library) == [("unknown-op", "blocks.toml", 3)]
    # nothing of it can be overridden, and the command is about other specs too
    assert codes(archc, library, "--set", "width=3") == codes(archc, library)


def test_a_mistake_in_a_shared_file_is_said_once(archc: Archc, tree: Path) -> None:
    for name in ("one", "two"):
        text = TINY.replace('"tiny"', f'"{name}"')
        write(f"specs/nets/{name}.toml", f'use = ["../blocks/b.toml"]\n{text}')
    library = '[blocks.b]\nlayers = [{ op = "rleu" }]\n'
    write("specs/blocks/b.toml", f"archc = 1\n{library}")
    assert codes(archc, "specs") == [("unknown-op", "specs/blocks/b.toml", 3)]
    write("specs/blocks/b.toml", "archc = = 1\n")
    assert [file for _, file, _ in codes(archc, "specs")] == ["specs/blocks/b.toml"]


def test_a_missing_shared_file_is_said_where_it_is_named(
    archc: Archc, tree: Path
) -> None:
    for name in ("one", "two"):
        text = TINY.replace('"tiny"', f'"{name}"')
        write(f"specs/{name}.toml", f'use = ["none.toml"]\n{text}')
    assert codes(archc, "specs") == [
        ("file-not-found", "specs/one.toml", 1),
        ("file-not-found", "specs/two.toml", 1),
    ]


def test_one_broken_spec_does_not_hide_another(archc: Archc, tree: Path) -> None:
    write("specs/a.toml", TINY.replace("rel", "lre"))
    write("specs/b.toml", TINY.replace("params = 314", "params = 315"))
    assert [c for c, _, _ in codes(archc, "specs")] == ["unknown-op", "expectation"]


def test_missing_spec_is_a_diagnostic(archc: Archc, tiny: Path) -> None:
    result = archc("check", "specs/tin.toml")
    assert result.exit_code == 1
    assert "file-not-found" in result.stdout
    assert "tiny.toml" in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        ("check",),
        ("check", "specs/tiny.toml", "--format", "xml"),
        ("check", "specs/tiny.toml", "--set", "width"),
        ("check", "specs/tiny.toml", "--set", "a.b=1"),
        ("check", "specs/tiny.toml", "--set", "=1"),
        ("check", "specs/tiny.toml", "--set", "width=8,classes=3"),
        ("check", "specs/tiny.toml", "--set", "width[0]=8"),
        ("check", "specs/tiny.toml", "--input", "3x32x32"),
        ("check", "specs/tiny.toml", "--input", ""),
        ("check", "specs/tiny.toml", "--input", "3,-1,2"),
        ("check", "empty"),
        ("chekc", "specs/tiny.toml"),
    ],
)
def test_wrong_use_exits_2(archc: Archc, tiny: Path, args: tuple[str, ...]) -> None:
    Path("empty").mkdir()
    result = archc(*args)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_set_and_input_replace_and_lift_the_claims(archc: Archc, tiny: Path) -> None:
    for option in (("--set", "width=16"), ("--input", "1,64,64")):
        assert archc("check", tiny, *option).exit_code == 0
    tiny.write_text(TINY.replace('"relu"', '"relu", shape = [8, 15, 15]'))
    assert archc("check", tiny).exit_code == 0
    assert archc("check", tiny, "--set", "width=16").exit_code == 0


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("widht=3", "unknown-param"),
        ("width=3 +", "expression-syntax"),
        ("width=", "expression-syntax"),
        ("width={ a = 1 }", "wrong-type"),
        ("width=2020-01-01", "wrong-type"),
        ("width=[8, x]", "syntax-error"),
        ("width=[8", "syntax-error"),
        ("width={op = relu}", "syntax-error"),
        ("width=" + "9" * 5000, "expression-too-large"),
        ("width=" + "[" * 5000, "nested-too-deeply"),
        ("width=1\n[network]\ninput = [9]", "expression-syntax"),
    ],
)
def test_mistakes_in_set_are_diagnostics(
    archc: Archc, tiny: Path, setting: str, code: str
) -> None:
    result = archc("check", tiny, "--format", "json", "--set", setting)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [d["code"] for d in found] == [code]
    assert found[0]["file"].startswith("--set width=" if code[0] != "u" else "--set w")


def test_an_unknown_parameter_gets_a_suggestion(archc: Archc, tiny: Path) -> None:
    result = archc("check", tiny, "--set", "widht=3")
    assert "did you mean `width`?" in result.stdout
    assert "1 | params.widht = 3" in result.stdout


def test_colour_is_for_terminals(archc: Archc, tiny: Path) -> None:
    tiny.write_text(TINY.replace("relu", "rleu"))
    assert "\x1b[" not in archc("check", tiny).stdout
    assert "\x1b[" in archc("check", tiny, "--color", "always").stdout


def test_allow_outside(archc: Archc, tiny: Path) -> None:
    write("elsewhere.toml", "archc = 1\n[blocks.b]\nlayers = [{ op = 'relu' }]\n")
    tiny.write_text(f'use = ["../elsewhere.toml"]\n{TINY}')
    assert codes(archc, tiny) == [("outside-tree", "specs/tiny.toml", 1)]
    assert archc("check", tiny, "--allow-outside").exit_code == 0


def test_mends_are_told_in_the_order_of_the_file(archc: Archc, tree: Path) -> None:
    text = """\
archc = 1
name = "net"
[network]
input = [3, 8, 8]
layers = [{ name = "first", op = "conv2d", out_chanels = 4, kernel_size = 1 },
  { name = "unit", block = "unit" }]
[blocks.unit]
layers = [{ name = "conv", op = "conv2d", out_chanels = 4, kernel_size = 1 }]
"""
    done = archc("check", "--fix", write("net.toml", text))
    told = [line for line in done.stdout.splitlines() if line.startswith("fixed")]
    lines = [int(line.split(":")[1]) for line in told]
    assert len(lines) == 2 and lines == sorted(lines)


def test_a_mend_that_cannot_be_written_is_no_mistake_of_a_spec(
    archc: Archc, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "net.toml")

    monkeypatch.setattr("archc.mending.save", refused)
    spec = write("net.toml", TINY.replace('op = "relu"', 'op = "rleu"'))
    done = archc("check", "--fix", spec)
    said = "Error: cannot write net.toml: permission denied\n"
    assert (done.exit_code, done.stderr) == (2, said)
