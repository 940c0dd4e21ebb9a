"""`archc import` of a file that is no code: Caffe's prototxt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.import_result import counted, refusal
from archc.cli.options import Inputs, Refused
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.importing.writing.caffe import CaffeResult

_MOST_BYTES = 16_000_000
_SHOWN = 3
"""So many renamed layers are shown; JSON has them all."""


def import_file(source: str, out: Path | None, inputs: Inputs, form: str) -> int:
    """Writes the spec of a file's network, and reports on it; the exit status.

    Raises:
        NotASpec: if the text that was made has errors.
    """
    from archc.importing.writing.caffe import import_caffe

    result = import_caffe(_text(source), source, inputs)
    if form == "json":
        import json

        click.echo(json.dumps(result.to_dict(), indent=1))
    if result.passed and out is not None:
        from archc.cli.writing import tell_made
        from archc.output import Output, write

        tell_made(write([Output(out, result.text.encode())]))
    elif result.passed and form == "text":
        click.echo(result.text, nl=False)
    if form == "text":
        sys.stdout.flush()
        click.echo(_report(result, out), err=True)
    return 0 if result.passed else 1


def _text(source: str) -> str:
    path = Path(source)
    if not path.is_file():
        raise Refused(f"there is no file {source}")
    if path.stat().st_size > _MOST_BYTES:
        raise Refused(f"{source} is larger than {_MOST_BYTES // 10**6} MB")
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{source} cannot be read as text: {error}") from error


def _report(result: CaffeResult, out: Path | None) -> str:
    """What was made, what it is called otherwise and left out, or why nothing was."""
    name = visible(result.source)
    if not result.passed:
        return refusal(name, result.refused)
    where = f" -> {visible(str(out))}" if out is not None else ""
    lines = [
        f"{name}{where}: {counted(len(result.text.splitlines()), 'line')},"
        f" {counted(result.blocks, 'block')}, {counted(result.repeats, 'repeat')},"
        f" {result.params:,} parameters, {result.macs:,}"
        " multiply-adds",
        "  shapes and numbers are those of Caffe's rules; the file has no weights to"
        " prove more by",
    ]
    if result.names:
        pairs = [f"{a} is {b}" for a, b in list(result.names.items())[:_SHOWN]]
        more = ", …" if len(result.names) > _SHOWN else ""
        lines.append(f"  {len(result.names)} layers with weights are called otherwise:"
                     f" {visible(', '.join(pairs))}{more}")  # fmt: skip
    return "\n".join([*lines, *(f"  {visible(remark)}" for remark in result.remarks)])
