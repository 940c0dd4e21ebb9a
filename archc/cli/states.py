"""A file of weights held to a network, for `archc diff`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archc.cli.options import Refused
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.compare.model import Side
    from archc.measure.fit import Fit

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
_HEADER = 100_000_000
"""How long the header of a safetensors file may be, as its format says."""
_SHOWN = 8
"""How many keys of a kind are shown."""


def compare_state(side: Side, file: Path, form: str, remap: Path | None) -> None:
    """Says whether the weights in a file fit a network.

    Raises:
        Refused: if the file cannot be read, or the renames not be written.
    """
    from archc.measure.fit import fit
    from archc.measure.state import state_of

    shapes = _shapes(file)
    wanted = {key: held.shape for key, held in state_of(side.network).items()}
    if not any(key.endswith(_COUNTER) for key in shapes):
        # files without these counters are taken too: torch starts them at 0
        wanted = {k: s for k, s in wanted.items() if not k.endswith(_COUNTER)}
    found = fit(wanted, shapes)
    if form == "json":
        about = {"spec": side.label, "file": str(file)}
        click.echo(json.dumps(about | found.to_dict(), indent=1))
    else:
        text = "\n".join(map(visible, _told(found, side, file)))
        click.echo(f"```text\n{text}\n```" if form == "markdown" else text)
    if remap is not None:
        _write(found.renames, remap)


_COUNTER = ".num_batches_tracked"


def _told(found: Fit, side: Side, file: Path) -> Iterator[str]:
    """In short, and then key by key."""
    count = f"{found.tensors} tensors"
    if found.strict:
        yield f"{file} fits {side.label}: {count} of the same names and shapes."
        return
    if found.renamed:
        yield (
            f"{file} fits {side.label} once {len(found.renames)} of {count} are"
            " renamed; --remap FILE writes the names."
        )
    else:
        yield f"{file} does not fit {side.label}."
    for what, keys in (
        ("missing in the file", found.missing),
        ("only in the file", found.unexpected),
        ("of another shape", [_reshaped(*each) for each in found.reshaped]),
        ("to rename", [f"{a} → {b}" for a, b in found.renames.items()]),
    ):
        if keys:
            yield f"{len(keys)} {what}:"
            yield from (f"  {key}" for key in keys[:_SHOWN])
        if len(keys) > _SHOWN:
            yield f"  … and {len(keys) - _SHOWN} more"


def _reshaped(key: str, ours: tuple[int, ...], theirs: tuple[int, ...]) -> str:
    sizes = ("×".join(map(str, dims)) or "a number" for dims in (ours, theirs))
    return "{}: {} in the network, {} in the file".format(key, *sizes)


def _write(renames: dict[str, str], path: Path) -> None:
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.output import Output, write

    try:
        tell_made(
            write([Output(path, (json.dumps(renames, indent=1) + "\n").encode())])
        )
    except OSError as error:
        raise Refused(f"cannot write {path}: {reason(error)}") from error
    click.echo(visible(str(path)), err=True)


# ---- files


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    from archc.cli.specs import reason

    try:
        if file.suffix.lower() == ".safetensors":
            return _in_safetensors(file)
        from archc.cli.running import need_torch

        need_torch("diff")
        from archc.run.states import NoState, shapes_in

        try:
            return shapes_in(file)
        except NoState as error:
            raise Refused(f"{file} {error}") from error
    except OSError as error:
        raise Refused(f"cannot read {file}: {reason(error)}") from error


def _in_safetensors(file: Path) -> dict[str, tuple[int, ...]]:
    """From the header, which is JSON behind its length: no tensor is read."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = opened.read(length) if length <= _HEADER else b""
    try:
        found: Any = json.loads(header)
        return {
            key: tuple(map(int, about["shape"]))
            for key, about in found.items()
            if key != "__metadata__"
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(f"{file} is no safetensors file, or not all of one") from error
