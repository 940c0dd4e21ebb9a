"""`archc verify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.run.verify import Verification

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
    from archc.cli.running import need_torch, subjects, tell_outdated
    from archc.cli.specs import Run, find

    need_torch("verify")
    overrides = Overrides(assignments, inputs)
    run = Run(overrides, anywhere=allow_outside)
    made = subjects(find(specs), run, overrides, out)
    run.report(color)
    tell_outdated(made)
    from archc.run.verify import verify_each

    found = verify_each([each for each in made if each is not None])
    if not found and not run.failed:
        raise Refused("there is no network here: these files only hold blocks")
    click.echo(_table(found), nl=False)
    passed = all(each.passed for each in found)
    context.exit(0 if passed and not run.failed else 1)


def _table(found: Sequence[Verification]) -> str:
    """What was compared, a line for each network, and the first that disagrees."""
    head = ("network", "module", "tensors", "layers", "MACs", "")
    rows = [
        (
            each.subject.label,
            visible(str(each.subject.file or "written anew")),
            f"{each.tensors:,}",
            f"{each.layers:,}",
            f"{each.macs:,}" if each.passed else "",
            "agrees" if each.passed else "DISAGREES",
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
        if not each.passed:
            others = len(each.disagreements) - 1
            more = f" (and {others} more like it)" if others else ""
            said = visible(f"{each.subject.label}: {each.disagreements[0]}")
            lines.append(f"{said}{more}")
    return "\n".join(lines) + "\n"
