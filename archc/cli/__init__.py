"""The command line.

Start-up counts here: what a command needs is imported when it runs.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

import click

from archc.cli.check import check
from archc.cli.compile import compile_
from archc.cli.explain import explain
from archc.cli.schema import completion, schema
from archc.cli.summary import summary

_EPILOG = """\b
Examples:
  archc check specs/
  archc summary specs/googlenet.toml
  archc compile specs/googlenet.toml
  archc explain merge-mismatch
"""


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(package_name="archc", prog_name="archc")
def main() -> None:
    """Compile declarative specs of convolutional networks.

    A spec becomes checked shapes and counts, a PyTorch module that reads as if written
    by hand, and a diagram.

    Exit status: 0 all is well, 1 errors in a spec, 2 wrong use of the command line.
    """
    for stream in (sys.stdout, sys.stderr):
        # a path or a name may hold what the terminal's encoding has no sign for
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for _command in (check, summary, compile_, schema, explain, completion):
    main.add_command(_command)
