"""DOT text as a picture."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Literal

Format = Literal["svg", "pdf", "png"]

PNG_DPI = 200

_ONE_AT_A_TIME = Lock()
"""Graphviz' libraries keep state in globals, and a process has one stderr."""


class RenderError(Exception):
    """There is no picture; the message says why and how to mend it."""


def render(dot: str, format: Format) -> bytes:
    """The picture of a DOT text.

    With the `dot` of the PATH where there is one that works, else with the libraries
    that come with pygraphviz.

    Raises:
        RenderError: if there is no Graphviz, or if it fails.
    """
    if format == "png":
        head, brace, rest = dot.rpartition("}")
        dot = f'{head}dpi="{PNG_DPI}"\n{brace}{rest}'
    failures: list[str] = []
    if shutil.which("dot") is not None:
        picture = _with_program(dot, format, failures)
        if picture is not None:
            return picture
    try:
        import pygraphviz  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        failures.append(f"pygraphviz cannot be imported ({error})")
        found = "; ".join(failures)
        raise RenderError(
            f"drawing needs Graphviz: {found}, and no working `dot` is on the PATH."
            " Either install Graphviz (https://graphviz.org/download/), or run"
            " `pip install pygraphviz`, which brings its libraries"
        ) from error
    return _with_libraries(pygraphviz, dot, format)


def _with_program(dot: str, format: Format, failures: list[str]) -> bytes | None:
    """The picture that the `dot` of the PATH makes; None, and why, if it fails."""
    import subprocess

    import graphviz  # pyright: ignore[reportMissingTypeStubs]

    try:
        return graphviz.pipe("dot", format, dot.encode(), quiet=True)
    except (
        subprocess.CalledProcessError,
        graphviz.ExecutableNotFound,
        OSError,
    ) as error:
        failures.append(f"`dot` failed ({error})")
        return None


def _with_libraries(pygraphviz: Any, dot: str, format: Format) -> bytes:
    with _ONE_AT_A_TIME, _silenced() as said:
        try:
            picture: bytes | None = pygraphviz.AGraph(string=dot).draw(
                format=format, prog="dot"
            )
        except (ValueError, OSError) as error:
            raise RenderError(f"Graphviz failed: {error}{said()}") from error
        if not picture:
            raise RenderError(f"Graphviz made no {format}{said()}")
        return picture


@contextmanager
def _silenced() -> Generator[Callable[[], str]]:
    """Keeps from the terminal what C libraries write to stderr, such as fontconfig's.

    Yields a function that tells what was written so far.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:

        def said() -> str:
            caught.seek(0)
            lines = caught.read().decode(errors="replace").splitlines()
            told = [x for x in lines if x and not x.startswith("Fontconfig")]
            return f" ({'; '.join(told)})" if told else ""

        try:
            kept = os.dup(2)
        except OSError:  # the process has no stderr, so nothing can leak into it
            yield said
            return
        try:
            os.dup2(caught.fileno(), 2)
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
