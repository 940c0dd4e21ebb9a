"""The register of diagnostics: complete, and true to what the compiler reports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import archc
from archc.diagnostics.codes import CODES, Code
from archc.diagnostics.model import Sink
from archc.diagnostics.reference import reference
from archc.pipeline import analyse
from archc.source.document import parse_document
from archc.spec.load import Loader

PACKAGE = Path(archc.__file__).parent
DOCS = PACKAGE.parent / "docs"
_SLUG = re.compile(r"[a-z]+(?:-[a-z]+)+|expectation")
_COMPILER = ("source", "spec", "ops", "network", "measure")
# a mode of torch.nn.Upsample, and a directory of installed packages
_OTHER_WORDS = {"nearest-exact", "site-packages"}


def _slugs_in_the_source() -> set[str]:
    found: set[str] = set()
    for folder in _COMPILER:
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= {node.value} if _SLUG.fullmatch(node.value) else set()
    return found - _OTHER_WORDS


def test_every_code_in_the_source_is_registered_and_the_other_way_round() -> None:
    assert _slugs_in_the_source() == set(CODES)


@pytest.mark.parametrize("code", CODES.values(), ids=lambda c: c.slug)
def test_texts(code: Code) -> None:
    assert code.severity in ("error", "warning")
    assert code.summary.endswith(".") and "\n" not in code.summary
    assert len(code.summary) <= 88
    for text in (code.explanation, code.mend, code.example):
        assert text.strip()
    for line in (*code.explanation.split("\n"), *code.mend.split("\n")):
        assert len(line) <= 92, line


@pytest.mark.parametrize("code", CODES.values(), ids=lambda c: c.slug)
def test_example_triggers_its_code_and_no_other(code: Code, tmp_path: Path) -> None:
    is_json = code.example.lstrip()[0] in "[{"
    encoding = "latin-1" if code.slug == "bad-encoding" else "utf-8"
    main = tmp_path / ("main.json" if is_json else "main.toml")
    main.write_text(code.example.lstrip(), encoding)
    for name, text in code.files.items():
        (tmp_path / name).write_text(text)
    if code.slug == "file-too-large":
        (tmp_path / "base.toml").write_text("# filled\n" * 1_000_000)
    sink = Sink()
    overlays = ()
    if override := re.search(r"--set (\w+)=(\w+)", code.example):
        text = f"params.{override[1]} = {override[2]}"
        overlay = parse_document(text, override[0], "toml", sink)
        assert overlay is not None
        overlays = (overlay,)
    analyse(main, Loader(sink), sink, overlays)
    assert [(d.code, d.severity) for d in sink] == [(code.slug, code.severity)]


def test_reference_is_current() -> None:
    path = DOCS / "errors.md"
    assert path.read_text("utf-8") == reference(), (
        "docs/errors.md is out of date; write archc.diagnostics.reference.reference()"
        " to it"
    )


def test_importing_the_register_does_not_read_it() -> None:
    program = (
        "import sys; import archc.diagnostics.codes as codes;"
        " assert 'tomllib' not in sys.modules; assert len(codes.CODES) > 50"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
