"""`archc completion`."""

from __future__ import annotations

import click

_EPILOG = """\b
Examples:
  archc completion bash > ~/.local/share/bash-completion/completions/archc
  archc completion zsh > ~/.zfunc/_archc
  archc completion fish > ~/.config/fish/completions/archc.fish
"""


@click.command("completion", epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for a shell: commands, options, specs, codes."""
    from click.shell_completion import get_completion_class

    from archc.cli import main

    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(main, {}, "archc", "_ARCHC_COMPLETE").source())
