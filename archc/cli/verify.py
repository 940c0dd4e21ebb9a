"""`archc verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.cli.specs import Found, Run
    from archc.run.verify import Disagreement

_EPILOG = """\b
Examples:
  archc verify specs/
  archc verify specs/googlenet.toml             # generated/googlenet.py, if it is there
  archc verify resnet50 --set num_classes=10
"""


@click.command("verify", epilog=_EPILOG)
@click.argument("specs", type=SPEC, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where `archc compile` wrote the modules, if it was told.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    out: Path | None,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Hold generated modules to what the compiler inferred.

    The module is the file that `archc compile` wrote, so that changes made by hand are
    seen; where there is none, or with --set or --input, the code is written anew. It is
    built and run without values, in training and in evaluation; where it computes a
    layer in another way, values decide whether it is the same. Compared are all
    parameters and buffers with how they start, what each layer computes and from what,
    the shape of its output, its multiply-adds as torch counts them, and a second build
    with other arguments. Runs the code of that file: do not use it on a module that you
    do not trust.

    Exit status: 0 all agrees, 1 something does not, or errors in a spec, 2 wrong use or
    no PyTorch.
    """
    from archc.cli.running import need_torch, runnable, tell_outdated
    from archc.cli.specs import Run, find

    need_torch("verify")
    overrides = Overrides(assignments, inputs)
    run = Run(overrides, anywhere=allow_outside)
    specs_found = find(specs)
    from archc.run.verify import in_processes

    import_module("archc.emit.module")  # once, and not in each process
    held = in_processes(
        lambda spec: _held(spec, run, overrides, out), specs_found, _ended
    )
    for spec, (said, _) in zip(specs_found, held, strict=True):
        if said:
            runnable(spec, run)  # places of what was said stay in their process
    run.report(color)
    found = [one for _, one in held if one is not None]
    tell_outdated(found)
    if not found and not run.failed:
        raise Refused("there is no network here: these files only hold blocks")
    click.echo(_table(found), nl=False)
    passed = all(not each.disagreements for each in found)
    context.exit(0 if passed and not run.failed else 1)


@dataclass(frozen=True, slots=True)
class _Held:
    """What became of one spec."""

    label: str
    module: str = ""
    """Its file, if it was read; unknown where its process ended."""
    outdated: str | None = None
    tensors: int = 0
    layers: int = 0
    macs: int = 0
    disagreements: Sequence[Disagreement] = ()

    def counted(self, number: int) -> str:
        """How many were compared; nothing where a disagreement came before."""
        return "" if self.disagreements and not number else f"{number:,}"


def _held(
    spec: Found, run: Run, overrides: Overrides, out: Path | None
) -> tuple[bool, _Held | None]:
    """Whether anything is to be said of a spec, and how its module fits; None where it
    has none."""
    from archc.cli.running import subject
    from archc.run.verify import verify

    before = run.said
    made = subject(spec, run, overrides, out)
    said = run.said > before
    if made is None:
        return said, None
    found = verify(made)
    return said, _Held(
        made.label, str(made.file or "written anew"), made.outdated,
        found.tensors, found.layers, found.macs, found.disagreements,
    )  # fmt: skip


def _ended(spec: Found) -> tuple[bool, _Held | None]:
    from archc.cli.running import label_of
    from archc.run.verify import Disagreement

    ended = Disagreement("module", "", "its code ends the process that runs it")
    return True, _Held(label_of(spec), disagreements=[ended])


def _table(found: Sequence[_Held]) -> str:
    """What was compared, a line for each network, and the first that disagrees."""
    head = ("network", "module", "tensors", "layers", "MACs", "")
    rows = [
        (
            each.label,
            visible(each.module),
            *map(each.counted, (each.tensors, each.layers)),
            "" if each.disagreements else f"{each.macs:,}",
            "agrees" if not each.disagreements else "DISAGREES",
        )
        for each in found
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [
        "  ".join(
            f"{cell:<{width}}" if i in (0, 1, 5) else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
    for each in found:
        if each.disagreements:
            others = len(each.disagreements) - 1
            more = f" (and {others} more like it)" if others else ""
            said = visible(f"{each.label}: {each.disagreements[0]}")
            lines.append(f"{said}{more}")
    return "\n".join(lines) + "\n"
