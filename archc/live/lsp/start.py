"""A server with all that it can do, and its start."""

from __future__ import annotations

import gc

from archc.live.lsp import named, offered, server, shown
from archc.live.lsp.server import Server


def make_server() -> Server:
    """A server with all that it can do."""
    # what a keystroke has made is of no use at the next, and is full of circles: it is
    # looked for before it fills the processor's cache, as from then on that takes five
    # times as long, and what is older when nobody types (`Server.tell`)
    gc.freeze()
    gc.set_threshold(6_000, 3, 50)
    made = Server()
    for part in (server, shown, named, offered):
        part.register(made)
    return made


def serve() -> None:
    """Serves an editor over stdin and stdout until it hangs up."""
    make_server().start_io()
