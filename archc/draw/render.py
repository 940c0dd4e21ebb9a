"""DOT text as a picture."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr
from threading import Lock
from typing import Any, Literal

Format = Literal["svg", "pdf", "png", "plain"]

_ONE_AT_A_TIME = Lock()
"""Graphviz' libraries keep state in globals, and a process has one stderr."""


class RenderError(Exception):
    """There is no picture; the message says why and how to mend it."""


def render(
    dot: str,
    format: Format,
    *,
    dpi: int = 200,
    placed: bool = False,
    warn: Callable[[str], None] | None = None,
) -> bytes:
    """The picture of a DOT text.

    With the `dot` of the PATH where there is one that works, else with the libraries
    that come with pygraphviz. `dpi` is for png; where all has been `placed`, Graphviz
    only draws. `warn` is told what Graphviz warns of, line by line.

    Raises:
        RenderError: if there is no Graphviz, or if it fails.
    """
    if format == "png":
        head, brace, rest = dot.rpartition("}")
        dot = f'{head}dpi="{dpi}"\n{brace}{rest}'
    failures: list[str] = []
    picture, said = None, ""
    if shutil.which("dot") is not None:
        picture, said = _with_program(dot, format, failures, placed=placed)
    if picture is None:
        picture, said = _with_libraries(dot, format, failures, placed=placed)
    if warn is not None:
        for line in _told(said):
            warn(line)
    return picture


def _told(said: str) -> list[str]:
    """What Graphviz itself says, without what fontconfig does, and each line once."""
    lines = dict.fromkeys(said.splitlines())
    # texts that were placed may be larger than the room that is stated for them
    aside = ("Fontconfig", "size too small for label")
    return [line for line in lines if line and not any(a in line for a in aside)]


def _with_program(
    dot: str, format: Format, failures: list[str], *, placed: bool
) -> tuple[bytes | None, str]:
    """The picture that the `dot` of the PATH makes, and what it says; None if it fails,
    and why."""
    import subprocess

    import graphviz  # pyright: ignore[reportMissingTypeStubs]

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            picture = graphviz.pipe(
                "neato" if placed else "dot",
                format,
                dot.encode(),
                neato_no_op=2 if placed else None,
            )
    except (
        subprocess.CalledProcessError,
        graphviz.ExecutableNotFound,
        OSError,
    ) as error:
        reason = "; ".join(_told(said.getvalue())) or str(error)
        failures.append(f"`dot` failed ({reason})")
        return None, ""
    return picture or None, said.getvalue()


def _with_libraries(
    dot: str, format: Format, failures: list[str], *, placed: bool
) -> tuple[bytes, str]:
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
    library: Any = pygraphviz
    with _ONE_AT_A_TIME, _silenced() as said:
        try:
            graph = library.AGraph(string=dot)
            program = "nop2" if placed else "dot"
            picture: bytes | None = graph.draw(format=format, prog=program)
        except (ValueError, OSError) as error:
            raise RenderError(f"Graphviz failed: {error}{_aside(said())}") from error
        if not picture:
            raise RenderError(f"Graphviz made no {format}{_aside(said())}")
        return picture, said()


def _aside(said: str) -> str:
    told = _told(said)
    return f" ({'; '.join(told)})" if told else ""


@contextmanager
def _silenced() -> Generator[Callable[[], str]]:
    """Keeps from the terminal what C libraries write to stderr, such as fontconfig's.

    Yields a function that tells what was written so far.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:

        def said() -> str:
            caught.seek(0)
            return caught.read().decode(errors="replace")

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
