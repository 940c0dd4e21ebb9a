"""`archc import`."""

from __future__ import annotations

from ast import literal_eval
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from archc.cli.options import Inputs, Refused, shapes_option

if TYPE_CHECKING:
    from torch import nn

    from archc.run.importing.session import Result

_EPILOG = """\b
Examples:
  archc import torchvision:resnet152 -o specs/resnet152.toml
  archc import timm:resnet50d
  archc import mylab/model.py:build --args width=2 --input 3,64,64
  archc import timm:botnet26t_256 --opaque
  archc import ResNet-50-deploy.prototxt
  archc import model.onnx -o specs/model.toml --weights model.safetensors
"""

_FILES = (".onnx", ".prototxt")


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
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the network's tensors are written under the spec's keys: .safetensors,"
    " or .pt, which torch.load reads.",
)
@click.option(
    "--opaque",
    is_flag=True,
    help="Let modules that no spec can say stay what they are: ops of the spec's own,"
    " which import their class.",
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
    weights: Path | None,
    opaque: bool,
    form: str,
) -> None:
    """Make a spec of a network, and prove that it is the same.

    SOURCE is torchvision:NAME, timm:NAME, package.module:callable or file.py:callable;
    what is called gives an nn.Module. The network is run once without values. Its
    modules become blocks, what differs between them their parameters, and what comes
    again is repeated. Then the spec is compiled, takes the network's tensors strictly,
    and has to give the same outputs for random weights. Runs the network's code: do not
    use it on one that you do not trust.

    Or it is FILE.onnx, which is read, and run by onnxruntime: the spec's module takes
    its weights and has to give what onnxruntime gives.

    Or it is Caffe's FILE.prototxt, which is read and not run. It has no weights to
    prove anything by, and PyTorch is not needed.

    Exit status: 0 proven, 1 refused or not the same, 2 wrong use.
    """
    from archc.importing.writing.compiled import NotASpec

    if weights is not None:
        _check_ending(weights)
    ending = Path(source).suffix.lower()
    if ending in _FILES and arguments:
        raise Refused("--args is for what builds a network; a file has none")
    if ending in _FILES and opaque:
        raise Refused("--opaque is for modules of Python; a file has none")
    try:
        if ending == ".prototxt":
            from archc.cli.import_file import import_file

            if weights is not None:
                raise Refused("--weights: a prototxt has none")
            context.exit(import_file(source, out, inputs, form))
        result = (
            _of_onnx(source, inputs)
            if ending == ".onnx"
            else _of_module(source, inputs, arguments, opaque)
        )
    except NotASpec as error:
        _fail(context, error)
    from archc.cli.import_result import deliver

    context.exit(deliver(result, out, weights, form))


def _check_ending(weights: Path) -> None:
    """Raises Refused for a file of which nobody knows what it should hold."""
    if weights.suffix not in (".safetensors", ".pt", ".pth"):
        raise Refused(f"--weights: {weights} ends with neither .safetensors nor .pt")
    if weights.suffix == ".safetensors":
        _need("safetensors", "files of that name")


def _need(package: str, what: str) -> None:
    """Raises Refused, with how to get it, where a package is missing."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise Refused(
            f"archc import needs {package} for {what}:"
            " pip install 'archc-compiler[onnx]'"
        )


def _of_onnx(source: str, inputs: Inputs) -> Result:
    """The network of a file."""
    from archc.cli.running import need_torch

    if not Path(source).is_file():
        raise Refused(f"there is no file {source}")
    need_torch("import")
    for package in ("onnx", "onnxruntime"):
        _need(package, "ONNX files")
    from archc.run.importing.onnx import import_onnx

    return import_onnx(Path(source), inputs)


def _of_module(
    source: str, inputs: Inputs, arguments: dict[str, Any], opaque: bool
) -> Result:
    """The network that Python code makes."""
    from archc.cli.running import need_torch

    need_torch("import")
    from archc.run.importing.sources import NoSource, source_of

    try:
        found = source_of(source, arguments)
    except NoSource as error:
        raise Refused(str(error)) from error
    shapes = _shapes(found.module, inputs, found.inputs)
    from archc.run.importing.session import import_network

    return import_network(
        found.module,
        found.name,
        shapes,
        label=source,
        source=found.said,
        opaque=opaque,
    )


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
