"""`archc lsp`."""

from __future__ import annotations

import click

from archc.cli.options import Refused

_EPILOG = """\b
Example, as an editor starts it:
  archc lsp
"""


@click.command("lsp", epilog=_EPILOG)
@click.option("--stdio", is_flag=True, hidden=True, help="What it does anyway.")
def command(stdio: bool) -> None:
    """Serve an editor: shapes beside the layers, mistakes as you type.

    It speaks the Language Server Protocol over stdin and stdout, and needs pygls: pip
    install 'archc-compiler[live]'. docs/editors says how to set up VS Code, Neovim,
    Helix and Zed.
    """
    try:
        from archc.live.lsp.start import serve
    except ImportError as error:
        raise Refused(
            f"{error.name} is missing: pip install 'archc-compiler[live]'"
        ) from error
    serve()
