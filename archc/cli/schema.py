"""`archc schema`."""

from __future__ import annotations

import click

_EPILOG = """\b
Examples:
  archc schema > archc.schema.json
\b
In a TOML spec, for editors with Taplo ("Even Better TOML"):
  #:schema ./archc.schema.json
In a JSON spec, in the settings of VS Code:
  "json.schemas": [{"fileMatch": ["specs/*.json"], "url": "./archc.schema.json"}]
"""


@click.command("schema", epilog=_EPILOG)
def command() -> None:
    """Print the JSON Schema of the spec language, for editors."""
    import json

    from archc.schema import schema as build

    click.echo(json.dumps(build(), indent=2))
