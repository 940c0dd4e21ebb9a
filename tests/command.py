"""archc's command line, run in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from archc.cli import main


def invoke(*arguments: object) -> Result:
    """What a command prints, and how it ends; nothing but SystemExit may escape."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    escaped = result.exception
    assert escaped is None or isinstance(escaped, SystemExit), escaped
    return result
