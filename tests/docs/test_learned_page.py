"""The commands of the page from a spec to what it sees are run, in their order."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PIL import Image

from tests.command import invoke

from .pages import ROOT, blocks


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(ROOT / "docs/learned.md"):
        if block.role == "file":
            assert block.name is not None
            Path(block.name).write_text(block.text)
        if block.language == "pycon":
            exec("".join(line[4:] for line in block.text.splitlines(keepends=True)), {})
        if block.language != "sh":
            continue
        for line in block.text.splitlines():
            program, *words = shlex.split(line)
            if program == "pip":
                continue
            done = invoke(*words)
            assert done.exit_code == 0, f"{line}\n{done.output}"
            if words[0] == "evaluate":
                top1 = next(x for x in done.stdout.splitlines() if "top-1" in x)
                # four epochs of an easy data set, on any machine
                assert float(top1.split()[1]) > 80, top1
            if words[0] == "predict":
                assert done.stdout.splitlines()[1].endswith(" 0"), done.stdout
    for name in ("confusion.svg", "kernels.svg", "digits-look.html"):
        assert Path(name).stat().st_size > 2000, name
    for name in ("units.png", "why.png"):
        with Image.open(name) as picture:
            assert min(picture.size) > 300, name
