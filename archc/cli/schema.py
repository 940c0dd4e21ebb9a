"""`archc schema` and `archc completion`: what editors and shells want to know."""

from __future__ import annotations

import click

_SCHEMA_EPILOG = """\b
Examples:
  archc schema > archc.schema.json
\b
In a TOML spec, for editors with Taplo ("Even Better TOML"):
  #:schema ./archc.schema.json
In a JSON spec, in the settings of VS Code:
  "json.schemas": [{"fileMatch": ["specs/*.json"], "url": "./archc.schema.json"}]
"""


@click.command(epilog=_SCHEMA_EPILOG)
def schema() -> None:
    """Print the JSON Schema of the spec language, for editors."""
    import json

    from archc.schema import schema as build

    click.echo(json.dumps(build(), indent=2))


_COMPLETION_EPILOG = """\b
Examples:
  archc completion bash > ~/.local/share/bash-completion/completions/archc
  archc completion zsh > ~/.zfunc/_archc
  archc completion fish > ~/.config/fish/completions/archc.fish
"""


@click.command(epilog=_COMPLETION_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell: commands, options, specs, codes."""
    from click.shell_completion import get_completion_class

    from archc.cli import main

    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(main, {}, "archc", "_ARCHC_COMPLETE").source())
