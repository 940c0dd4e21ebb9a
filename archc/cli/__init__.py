"""The command line.

Start-up counts here: a command is imported when it is asked for, and what it needs when
it runs.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import Any

import click

from archc.emit.wrong import WrongModule
from archc.escaping import visible
from archc.version import __version__

_COMMANDS = (
    "list",
    "new",
    "import",
    "check",
    "summary",
    "compile",
    "draw",
    "diff",
    "report",
    "watch",
    "memory",
    "sweep",
    "solve",
    "speed",
    "verify",
    "smoke",
    "train",
    "lsp",
    "evaluate",
    "predict",
    "look",
    "schema",
    "explain",
    "completion",
)

_EPILOG = """\b
Examples:
  archc list
  archc new my_net --from resnet50
  archc import timm:resnet50d -o specs/resnet50d.toml
  archc check specs/
  archc summary googlenet
  archc compile specs/googlenet.toml
  archc explain merge-mismatch
"""


class _Commands(click.Group):
    """One module per command, called as it is."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command = import_module(f"archc.cli.{module}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WrongModule as error:
            click.echo(_shown(f"Error: {error}"), err=True)
            ctx.exit(3)
        except click.ClickException as error:
            vars(error)["message"] = _shown(error.message)
            raise
        except OSError as error:
            # a reader that went away is no news; click ends quietly
            if error.errno == errno.EPIPE:
                raise
            # what could not be written now must not be tried again on the way out
            sys.stdout = None
            raise _refused(error) from error
        except KeyboardInterrupt:
            click.echo("\nAborted!", err=True)
            ctx.exit(130)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            from archc.diagnostics.suggest import did_you_mean

            ctx.fail(
                f"there is no command {args[0]!r}; {did_you_mean(args[0], _COMMANDS)}"
            )
        return super().resolve_command(ctx, args)


def _refused(error: OSError) -> click.ClickException:
    """A file or a stream that can't be read or written, where no command expects it."""
    from archc.cli.options import Refused
    from archc.cli.specs import reason

    place = f" {_shown(str(error.filename))}:" if error.filename else ""
    return Refused(f"cannot go on:{place} {reason(error)}")


def _shown(message: str) -> str:
    """A message of several lines; paths and names in it may hold anything."""
    return "\n".join(map(visible, message.expandtabs().split("\n")))


@click.group(
    cls=_Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(__version__, prog_name="archc")
def main() -> None:
    """Compile declarative specs of convolutional networks.

    A spec becomes checked shapes and counts, a PyTorch module that reads as if written
    by hand, and a diagram.

    Exit status: 0 all is well, 1 errors in a spec, 2 wrong use of the command line, or
    a file cannot be read or written, 3 archc found itself wrong, and wrote nothing, 130
    stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # a path or a name may hold what the terminal's encoding has no sign for
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
