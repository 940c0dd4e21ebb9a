"""A server with all that it can do, and its start."""

from __future__ import annotations

import gc

from archc.live.lsp import named, offered, server, shown
from archc.live.lsp.server import Server


def make_server() -> Server:
    """A server with all that it can do."""
    # most of what an analysis makes lives as long as it does: looking for circles in it
    # at each keystroke takes longer than the analysis
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    made = Server()
    for part in (server, shown, named, offered):
        part.register(made)
    return made


def serve() -> None:
    """Serves an editor over stdin and stdout until it hangs up."""
    make_server().start_io()
