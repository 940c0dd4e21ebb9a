"""`archc`, also as `python -m archc`."""

from __future__ import annotations

import atexit
import gc
import os


def run() -> None:
    """The command, as a process of its own."""
    # it is short and keeps most of what it makes: look for garbage less often, from the
    # first import on
    gc.set_threshold(1_000_000)
    # nor look through all of it once more when the process ends and its memory goes
    atexit.register(gc.freeze)
    # pydantic would look for plugins in every installed package when the first model is
    # made; archc uses none
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from archc.cli import main

    main(prog_name="archc")


if __name__ == "__main__":
    run()
