"""What `archc import` writes and says of a network that could be run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.escaping import visible
from archc.importing.trace import told_once

if TYPE_CHECKING:
    from archc.importing.trace import Refusal
    from archc.run.importing.session import Result


_TRAINING = {
    "equal": "in a step of training too, and the gradients are close",
    "close": "in a step of training outputs and gradients are close",
    "statistics": "in a step of training too, but for running statistics, which the"
    " network updates more than once, as checkpoints do",
}


def counted(number: int, what: str) -> str:
    """`1 block`, `2 blocks`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def deliver(result: Result, out: Path | None, weights: Path | None, form: str) -> int:
    """Writes the spec and the weights, and reports on them; the exit status."""
    if form == "json":
        import json

        click.echo(json.dumps(result.to_dict(), indent=1))
    if result.passed:
        _write(result, out, weights)
        if out is None and form == "text":
            click.echo(result.text, nl=False)
    if form == "text":
        sys.stdout.flush()
        click.echo(_report(result, out, weights), err=True)
    return 0 if result.passed else 1


def _write(result: Result, out: Path | None, weights: Path | None) -> None:
    from archc.cli.writing import tell_made
    from archc.output import Output, write

    outputs: list[Output] = []
    if out is not None:
        outputs.append(Output(out, result.text.encode()))
    if weights is not None:
        from archc.run.importing.weights import weights_file

        outputs.append(Output(weights, weights_file(result.state, weights)))
    tell_made(write(outputs))


def refusal(name: str, refused: list[Refusal]) -> str:
    """Why there is no spec, and what to do about it."""
    said = told_once(refused)
    said += [f"help: {mend}" for mend in dict.fromkeys(r.mend for r in refused) if mend]
    head = f"{name}: refused, nothing written"
    return "\n".join([head, *(f"  {visible(line)}" for line in said)])


def _report(result: Result, out: Path | None, weights: Path | None) -> str:
    """What was made and what was proven, or why nothing was."""
    name = visible(result.source)
    if result.refused:
        return refusal(name, result.refused)
    proof = result.proof
    where = f" -> {visible(str(out))}" if out is not None and result.passed else ""
    lines = [
        f"{name}{where}: {counted(len(result.text.splitlines()), 'line')},"
        f" {counted(result.blocks, 'block')}, {counted(result.repeats, 'repeat')},"
        f" {result.params:,} parameters",
    ]
    if not proof.state_dict:
        lines.append(f"  NOT the same, nothing written: {visible(proof.why)}")
    elif proof.outputs == "equal":
        lines.append(f"  all {result.tensors} tensors equal, outputs equal to the bit")
        if proof.training != "not run":
            lines.append(f"  {_TRAINING[proof.training]}")
    elif proof.outputs == "not run":
        lines.append(
            f"  all {result.tensors} tensors equal; outputs not compared: {proof.why}"
        )
    else:
        first = f", first at {visible(proof.first)}" if proof.first else ""
        said = (
            "outputs close"
            if proof.outputs == "close"
            else "outputs DIFFER, nothing written"
        )
        why = f" ({proof.why})" if proof.why else ""
        lines.append(
            f"  all {result.tensors} tensors equal, {said}: by at most"
            f" {proof.max_difference:.2g} of the largest{first}{why}"
        )
    lines += [f"  {visible(remark)}" for remark in result.remarks]
    if weights is not None and result.passed:
        lines.append(f"  {len(result.state)} tensors -> {visible(str(weights))}")
    return "\n".join(lines)
