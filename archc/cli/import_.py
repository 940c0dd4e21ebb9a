"""`archc import`."""

from __future__ import annotations

import sys
from ast import literal_eval
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from archc.cli.options import Inputs, Refused, shapes_option
from archc.escaping import visible

if TYPE_CHECKING:
    from torch import nn

    from archc.run.importing.session import Result

_EPILOG = """\b
Examples:
  archc import torchvision:resnet152 -o specs/resnet152.toml
  archc import timm:resnet50d
  archc import mylab/model.py:build --args width=2 --input 3,64,64
  archc import ResNet-50-deploy.prototxt
"""


def _arguments(
    context: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Splits every KEY=VALUE; a value that is no literal of Python is text."""
    found: dict[str, Any] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key.strip().isidentifier():
            raise click.BadParameter(f"{value!r} is not KEY=VALUE, as in width=2")
        try:
            found[key.strip()] = literal_eval(text.strip())
        except (ValueError, SyntaxError):
            found[key.strip()] = text
    return found


@click.command("import", epilog=_EPILOG)
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the spec is written; left out, to standard output.",
)
@shapes_option(
    "Shape of the input: channels, height and width; C,L for a sequence, C,D,H,W for a"
    " volume. Repeatable, in the order of `forward`'s arguments or with their names.",
)
@click.option(
    "--args",
    "arguments",
    multiple=True,
    callback=_arguments,
    metavar="KEY=VALUE",
    help="An argument for what builds the network. Repeatable.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text is the spec, and a report on standard error.",
)
@click.pass_context
def command(
    context: click.Context,
    source: str,
    out: Path | None,
    inputs: Inputs,
    arguments: dict[str, Any],
    form: str,
) -> None:
    """Make a spec of a network, and prove that it is the same.

    SOURCE is torchvision:NAME, timm:NAME, package.module:callable or file.py:callable;
    what is called gives an nn.Module. The network is run once without values. Its
    modules become blocks, what differs between them their parameters, and what comes
    again is repeated. Then the spec is compiled, takes the network's tensors strictly,
    and has to give the same outputs for random weights. Runs the network's code: do not
    use it on one that you do not trust.

    Or it is Caffe's FILE.prototxt, which is read and not run. It has no weights to
    prove anything by, and PyTorch is not needed.

    Exit status: 0 proven, 1 refused or not the same, 2 wrong use.
    """
    from archc.importing.writing.compiled import NotASpec

    if source.endswith(".prototxt"):
        from archc.cli.import_file import import_file

        if arguments:
            raise Refused("--args is for what builds a network; a file has none")
        try:
            context.exit(import_file(source, out, inputs, form))
        except NotASpec as error:
            _fail(context, error)
    from archc.cli.running import need_torch

    need_torch("import")
    from archc.run.importing.sources import NoSource, source_of

    try:
        found = source_of(source, arguments)
    except NoSource as error:
        raise Refused(str(error)) from error
    shapes = _shapes(found.module, inputs, found.inputs)
    from archc.run.importing.session import import_network

    try:
        result = import_network(
            found.module, found.name, shapes, label=source, source=found.said
        )
    except NotASpec as error:
        _fail(context, error)
    if form == "json":
        import json

        click.echo(json.dumps(result.to_dict(), indent=1))
    if result.passed and out is not None:
        from archc.output import Output, write

        write([Output(out, result.text.encode())])
    elif result.passed and form == "text":
        click.echo(result.text, nl=False)
    if form == "text":
        sys.stdout.flush()
        click.echo(_report(result, out), err=True)
    context.exit(0 if result.passed else 1)


def _fail(context: click.Context, error: Exception) -> NoReturn:
    """Says that the text that was made has errors."""
    said = f"Error: archc made a spec with errors, and wrote nothing\n\n{error}"
    click.echo(said, err=True)
    context.exit(3)


def _shapes(
    module: nn.Module, given: Inputs, known: dict[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """The shape of each input by its name."""
    from archc.run.importing.tracer import input_names

    names = input_names(module)
    if not given:
        if len(names) > 1 or not known:
            count = f"{len(names)} inputs" if len(names) > 1 else "an input"
            raise Refused(f"the network reads {count}, and nothing says of what shape;"
                          " give --input C,H,W")  # fmt: skip
        return {names[0] if names else "input": next(iter(known.values()))}
    if len(given) != max(len(names), 1) and names:
        raise Refused(f"`forward` reads {', '.join(names)}; give --input for each")
    found: dict[str, tuple[int, ...]] = {}
    rest = [n for n in names or ["input"] if n not in {name for name, _ in given}]
    for name, shape in given:
        if name is not None and name not in names:
            raise Refused(f"`forward` reads {', '.join(names)}, and no {name!r}")
        found[rest.pop(0) if name is None else name] = shape
    return {name: found[name] for name in names or ["input"]}


def _report(result: Result, out: Path | None) -> str:
    """What was made and what was proven, or why nothing was."""
    name = visible(result.source)
    if result.refused:
        head = f"{name}: refused, nothing written"
        return "\n".join([head, *(f"  {visible(str(r))}" for r in result.refused)])
    proof = result.proof
    where = f" -> {visible(str(out))}" if out is not None and result.passed else ""
    lines = [
        f"{name}{where}: {len(result.text.splitlines())} lines, {result.blocks} blocks,"
        f" {result.repeats} repeats, {result.params:,} parameters",
    ]
    if not proof.state_dict:
        lines.append(f"  NOT the same, nothing written: {visible(proof.why)}")
    elif proof.outputs == "equal":
        lines.append(f"  all {result.tensors} tensors equal, outputs equal to the bit")
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
        lines.append(f"  all {result.tensors} tensors equal, {said}: by at most"
                     f" {proof.max_difference:.3g}{first}{why}")  # fmt: skip
    return "\n".join(lines)
