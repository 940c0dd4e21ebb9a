"""The pages of the documentation as data: their fenced blocks, headings and links.

A comment in the line before a block says what the block is:

    <!-- file: net.toml -->                  this file, for the commands that follow
    <!-- file: net.toml, with a mistake -->  the same, and `archc check` must reject it
    <!-- excerpt: generated/net.py -->       lines of a file that a command has written
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- (?P<role>file|excerpt): (?P<name>\S+?)"
    r"(?P<wrong>, with a mistake)? -->\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!`)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"\barchc [a-z-][^|#`\n;&)]*")


@dataclass(frozen=True)
class Block:
    """A fenced block; `name` is the file that it is or that it is taken from."""

    language: str
    text: str
    line: int
    role: str | None
    name: str | None
    mistaken: bool


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        indent = len(found["indent"])
        lines = found["text"].splitlines(keepends=True)
        yield Block(
            language=found["language"],
            text="".join(line[indent:] or "\n" for line in lines),
            line=text.count("\n", 0, found.start("language")) + 1,
            role=found["role"],
            name=found["name"],
            mistaken=found["wrong"] is not None,
        )


def commands(page: Path) -> list[str]:
    """Every `archc ...` in code, in the text or in a block of shell commands."""
    prose = _BLOCK.sub("", page.read_text("utf-8"))
    code = _CODE.findall(prose)
    for block in blocks(page):
        if block.language in ("sh", "console"):
            shell = block.language == "sh"
            code += [x for x in block.text.splitlines() if shell or x.startswith("$ ")]
    return [found for text in code for found in _COMMAND.findall(text)]


def links(page: Path) -> list[str]:
    """Where the page's links lead, without those to other sites."""
    prose = _BLOCK.sub("", page.read_text("utf-8"))
    return [x for x in _LINK.findall(prose) if not x.startswith(("http:", "https:"))]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the page's headings."""
    prose = _BLOCK.sub("", page.read_text("utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(prose)
    }
