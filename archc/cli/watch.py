"""`archc watch`."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, colored, reading
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.page.follow import Followed
    from archc.page.server import Server

_EPILOG = """\b
Examples:
  archc watch specs/googlenet.toml
  archc watch specs/googlenet.toml --port 9000 --set num_classes=10
"""
_PORT = 8765
_STEP = 10
"""Milliseconds in which what is saved together is taken together."""
_QUIET = 250
"""After how many more without a save there is time for what takes longer."""


@click.command("watch", epilog=_EPILOG)
@click.argument("spec", type=SPEC)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    help="Where to serve it; 0 is any port that is free.",
)
@reading
def command(
    spec: Path,
    port: int,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Show a spec in the browser, and follow it as it is edited.

    The page is that of `archc report`. At each save of the spec, or of a file that it
    builds on, the picture follows, with what is open, chosen and zoomed in as it was; a
    mistake stands over the last good picture, with its place, until it is mended.

    The page is served to this machine alone, on 127.0.0.1. What asks for it under
    another name, or from another page, is refused. Ctrl-C ends it.

    Exit status: 0 it was ended, 2 wrong use, or the port is taken.
    """
    from archc.cli.specs import find_one, no_directory
    from archc.live.workspace import Workspace
    from archc.page.follow import Followed
    from archc.page.server import ADDRESS, Server

    no_directory(spec)
    try:
        import watchfiles  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise Refused(
            "this needs watchfiles: pip install 'archc-compiler[live]'"
        ) from error
    found = find_one(spec)
    if not found.path.exists():
        raise Refused(f"there is no file {spec}, and no network of this name")
    label = str(spec) if found.entry is None else found.entry.key
    overrides = Overrides(assignments, inputs)
    workspace = Workspace(allow_outside, overrides.documents)
    followed = Followed(found.path, label, workspace)
    try:
        server = Server(port)
    except OSError as error:
        message = f"port {port} is taken; give another one with --port"
        raise Refused(message) from error
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        _look(followed, server, color)
        click.echo(f"http://{ADDRESS}:{server.server_port}")
        sys.stdout.flush()
        try:
            _follow(followed, server, color)
        except KeyboardInterrupt:
            click.echo("")


def _follow(followed: Followed, server: Server, color: str) -> None:
    """Looks at the spec after each save, and shows what it is."""
    from watchfiles import watch

    from archc.live.workspace import resolved
    from archc.page.follow import directories

    while True:
        watched = directories(followed.files)
        for changes in watch(
            *watched,
            recursive=False,
            step=_STEP,
            debounce=5 * _STEP,
            rust_timeout=_QUIET,
            yield_on_timeout=True,
        ):
            if any(resolved(Path(path)) in followed.files for _, path in changes):
                _look(followed, server, color)
                if directories(followed.files) != watched:
                    break
            elif not changes and not followed.complete:
                _finish(followed, server)


def _look(followed: Followed, server: Server, color: str) -> None:
    before = followed.problems
    followed.look()
    server.show(followed.page, followed.problems)
    if followed.problems == before:
        return
    paint = colored(color, sys.stderr)
    for problem in followed.problems:
        click.echo(problem.text or problem.message, err=True, color=paint)
    if not followed.problems:
        click.echo("all is well again", err=True)


def _finish(followed: Followed, server: Server) -> None:
    """Shows the module and the memory too, if archc can write the module."""
    from archc.emit.wrong import WrongModule
    from archc.page.model import Problem

    try:
        followed.finish()
    except WrongModule as error:
        problem = Problem("error", visible(str(error)), "", 0, "")
        server.show(followed.page, (*followed.problems, problem))
        return
    server.show(followed.page, followed.problems)
