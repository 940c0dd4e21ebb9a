"""`archc`, also as `python -m archc`."""

from __future__ import annotations

import gc


def run() -> None:
    """The command, as a process of its own."""
    # it is short and keeps most of what it makes: look for garbage less often, from the
    # first import on
    gc.set_threshold(100_000)
    from archc.cli import main

    main(prog_name="archc")


if __name__ == "__main__":
    run()
