"""Generated modules and the tools that their readers would run over them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.module import emit
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader
from tests import strict

ROOT = Path(__file__).parents[2]


def compiled(path: Path) -> tuple[Analysis, str]:
    """The analysed spec and its generated source; the spec must be free of errors."""
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, render_text(sink)
    return analysis, emit(analysis.network)


def ruff(*arguments: str) -> str:
    """What Ruff says, with the project's own settings; empty if nothing."""
    ruff = Path(sys.executable).with_name("ruff")
    config = ROOT / "pyproject.toml"
    command = [str(ruff), *arguments, "--config", str(config), "--no-cache", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def pyright(folder: Path, **settings: Any) -> str:
    """What pyright says in strict mode, or with these settings; empty if nothing."""
    (folder / "pyrightconfig.json").write_text(strict.settings(**settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "-p", str(folder)], capture_output=True, text=True, check=False
    )
    found = [line.strip() for line in done.stdout.splitlines() if "error" in line]
    return "" if done.returncode == 0 else "\n".join(found) or done.stdout
