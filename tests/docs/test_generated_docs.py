"""What the documentation shows is what archc does."""

from __future__ import annotations

import doctest
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from archc.cli import main
from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.ops.reference import reference
from archc.ops.registry import OPS
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.command import invoke

from .pages import PAGES, ROOT, Block, anchors, blocks, commands, links

_NO_DIAGNOSTICS = "docs/errors.md"  # its examples are wrong on purpose, and tested so


def _names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_ops_reference_is_current() -> None:
    page = ROOT / "docs" / "ops.md"
    assert page.read_text("utf-8") == reference(), (
        "docs/ops.md is out of date; write archc.ops.reference.reference() to it"
    )


@pytest.mark.parametrize("op", OPS)
def test_ops_reference_tells_of_each_op(op: str) -> None:
    entry = reference().partition(f"\n### {op}\n")[2].partition("\n#")[0]
    assert "- shape: " in entry and "- in code: " in entry
    for attribute in OPS[op].model_fields:
        assert f"| `{attribute}` |" in entry


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Specs compile, commands print what is shown, excerpts are in the files."""
    if _names(page) == _NO_DIAGNOSTICS:
        return
    monkeypatch.chdir(tmp_path)
    for block in blocks(page):
        where = f"{_names(page)}:{block.line}"
        if block.role == "excerpt":
            assert block.name is not None
            assert block.text in Path(block.name).read_text("utf-8"), where
        elif block.language in ("toml", "json"):
            _check_spec(block, where)
        elif block.language == "console":
            _check_console(block, where)
        elif block.language == "pycon":
            _check_session(block, where)


def _check_spec(block: Block, where: str) -> None:
    text = _completed(block.text) if block.language == "toml" else block.text
    path = Path(block.name or f"block.{block.language}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    if block.language == "toml" and not _is_spec(text):
        tomllib.loads(text)
        return
    sink = Sink()
    analyse(path, Loader(sink), sink)
    assert block.mistaken == sink.failed, f"{where}\n{render_text(tuple(sink))}"
    if not block.mistaken:
        assert not list(sink), f"{where}\n{render_text(tuple(sink))}"


def _is_spec(text: str) -> bool:
    return re.search(r"^archc = ", text, re.MULTILINE) is not None


def _completed(text: str) -> str:
    """A part of a spec made whole: a list of layers, or a file without its head."""
    if _is_spec(text):
        return text
    if text.startswith("layers = "):
        text = f"[network]\ninput = [3, 32, 32]\n{text}"
    if "[network]" in text:
        return f'archc = 1\nname = "example"\n{text}'
    return text


def _check_console(block: Block, where: str) -> None:
    """Every `$ command` must print what follows it; a line `...` stands for any."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "archc", f"{where}: cannot run {command}"
        actual = invoke(*arguments).output
        pieces = map(re.escape, expected.strip("\n").split("...\n"))
        pattern = r"(?:.*\n)*?".join(pieces)
        if not re.fullmatch(pattern, actual.strip("\n")):
            pytest.fail(f"{where}: {command} prints\n{actual}")


def _check_session(block: Block, where: str) -> None:
    session = doctest.DocTestParser().get_doctest(block.text, {}, where, where, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    runner.run(session, out=said.append)
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_commands_shown_exist(page: Path) -> None:
    context = click.Context(main)
    for shown in commands(page):
        words = shlex.split(shown)[1:]
        name = next((word for word in words if not word.startswith("-")), None)
        command = main if name is None else main.get_command(context, name)
        assert command is not None, f"{_names(page)}: there is no `{shown}`"
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        known |= {"--help", "-h"}
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= known, f"{_names(page)}: `{shown}` has no {given - known}"


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path)
        assert target.exists(), f"{_names(page)} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{_names(page)} links to {link}"


def test_picture_of_the_tutorial_is_current(tmp_path: Path) -> None:
    spec = tmp_path / "small_resnet.toml"
    whole = [b for b in blocks(ROOT / "docs/tutorial.md") if b.name == spec.name]
    spec.write_text(whole[-1].text, "utf-8")
    out = ["-o", str(tmp_path)]
    assert invoke("compile", str(spec), *out).exit_code == 0
    shown = (ROOT / "docs/images/small_resnet.svg").read_bytes()
    assert shown == (tmp_path / "small_resnet.svg").read_bytes(), (
        "docs/images/small_resnet.svg is out of date; compile the tutorial's last spec"
    )
