"""What the commands that run generated modules share."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from archc.cli.compile import default_directory
from archc.cli.options import Overrides, Refused
from archc.cli.writing import LARGEST
from archc.escaping import visible
from archc.source.files import contents

if TYPE_CHECKING:
    from archc.cli.specs import Found, Run
    from archc.emit.digest import State
    from archc.network.graph import Network
    from archc.pipeline import Analysis
    from archc.run.subject import Subject
    from archc.run.weights.fit import Fitted


def need_torch(command: str) -> None:
    """Raises Refused, with how to get PyTorch, where there is none that loads."""
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise Refused(
            f"archc {command} needs PyTorch: pip install 'archc-compiler[torch]'"
        )
    try:
        with _all_stays():
            import_module("torch")
    except Exception as error:  # a library that it lacks, a build for another system
        raise Refused(
            f"PyTorch cannot be imported ({first_line(error)}):"
            " pip install --force-reinstall torch"
        ) from error


@contextmanager
def _all_stays() -> Generator[None]:
    """Around an import of very much: it is not searched for garbage, now or later."""
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def _missing_packages(network: Network) -> list[str]:
    """A line for each package that an op of the spec's own needs and that is not
    installed: the place, the reason, the mend."""
    from importlib.util import find_spec

    lines: list[str] = []
    for package, op in _packages(network):
        top = package.partition(".")[0]
        try:
            missing = find_spec(top) is None
        except (ImportError, ValueError):
            missing = True
        if missing:
            place = network.spec.origin.at("ops", op, "module")
            start = place.span()
            lines.append(
                f"error: {visible(place.file)}:{start.line}:{start.column}:"
                f" `{top}` is not installed, and [ops.{op}] of {network.name} needs it:"
                " install it in this environment, or leave this spec out"
            )
    return lines


def _packages(network: Network) -> list[tuple[str, str]]:
    """What ops of the spec's own are imported from, each with such an op."""
    needed = {layer.op.imports: layer.op.op for layer in network.all_layers()}
    return sorted((p, op) for p, op in needed.items() if p is not None)


def runnable(spec: Found, run: Run) -> Analysis | None:
    """The network of a spec; None if it has errors, or an op of its own is of a package
    that is not installed."""
    analysis = run.analyse(spec.path)
    if analysis is None:
        return None
    missing = _missing_packages(analysis.network)
    for line in missing:
        run.refuse(line)
    return None if missing else analysis


def first_line(error: Exception) -> str:
    """Why something failed, in a line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def subject(
    spec: Found, run: Run, overrides: Overrides, out: Path | None
) -> Subject | None:
    """The network of a spec with its generated module; None if it cannot run."""
    return subjects([spec], run, overrides, out)[0]


def subjects(
    specs: Sequence[Found], run: Run, overrides: Overrides, out: Path | None
) -> list[Subject | None]:
    """The network of each spec with its generated module; None if it cannot run.

    The module is the file that `archc compile` wrote, where there is one, so that what
    was changed in it by hand is what runs. With --set or --input there is none for
    these numbers, and the code is written anew.
    """
    from archc.forked import shared
    from archc.run.subject import Subject

    analyses = [runnable(spec, run) for spec in specs]
    there = [(s, a) for s, a in zip(specs, analyses, strict=True) if a is not None]
    for _, analysis in there:
        for package, op in _packages(analysis.network):
            click.echo(f"this imports `{package}`, as [ops.{op}] says", err=True)
    modules = iter(shared(lambda one: _module(*one, overrides, out), there))
    return [
        None
        if analysis is None
        else Subject(label_of(spec), analysis.network, analysis.facts, *next(modules))
        for spec, analysis in zip(specs, analyses, strict=True)
    ]


def _module(
    spec: Found, analysis: Analysis, overrides: Overrides, out: Path | None
) -> tuple[str, Path | None, State]:
    """The source of a spec's module, the file it was read from, and what became of
    that."""
    from archc.emit.digest import other_spec, state
    from archc.emit.module import emit, unproven

    network = analysis.network
    directory = out if out is not None else default_directory(spec)
    file = directory / f"{network.name}.py"
    if overrides == Overrides():
        try:
            source = contents(file, LARGEST).decode("utf-8")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"cannot read {file}: {error}") from error
        else:
            if out is not None or other_spec(source, spec.path) is None:
                # what is run is the file; the other only says how old that is
                return source, file, state(source, unproven(network))
    return emit(network), None, "current"


def label_of(spec: Found) -> str:
    """What a spec was asked for as: a name or a path."""
    return visible(spec.entry.key if spec.entry else str(spec.path))


class Dated(Protocol):
    """What may be older than its spec."""

    @property
    def outdated(self) -> str | None: ...


def tell_outdated(modules: Iterable[Dated | None]) -> None:
    """Says which modules are older than their specs."""
    for found in modules:
        if found is not None and found.outdated:
            click.echo(visible(f"warning: {found.outdated}"), err=True)


def need_torchvision(command: str) -> None:
    """Raises Refused where there is no torchvision, or none that fits torch."""
    from importlib import import_module
    from importlib.metadata import version
    from importlib.util import find_spec

    if find_spec("torchvision") is None:
        raise Refused(
            f"archc {command} needs torchvision: pip install 'archc-compiler[torch]'"
        )
    try:
        import_module("torchvision.transforms.v2")
        import_module("torchvision.datasets")
    except Exception as error:  # each pair that does not fit fails in a way of its own
        raise Refused(
            f"torchvision cannot be imported ({first_line(error)}); it must be the one"
            f" that belongs to torch {version('torch')}: pip install -U torch"
            " torchvision"
        ) from error


def need_weights(command: str, weights: str | None) -> None:
    """Raises where what `--weights` names is missing, or PyTorch or torchvision is."""
    if weights is None:
        raise click.UsageError(f"archc {command} needs --weights")
    need_torch(command)
    need_torchvision(command)


def learned(
    context: click.Context,
    spec: Path,
    overrides: Overrides,
    anywhere: bool,
    color: str,
) -> Subject:
    """The one network that a command is about; ends it if the spec has errors.

    Raises:
        Refused: if there is no network in it.
    """
    from archc.cli.specs import Run, find_one

    run = Run(overrides, anywhere=anywhere)
    found = subject(find_one(spec), run, overrides, None)
    run.report(color)
    tell_outdated([found])
    if found is None:
        if not run.failed:
            raise Refused("there is no network here: this file only holds blocks")
        context.exit(1)
    return found


@contextmanager
def using(less: str = "--device cpu") -> Generator[None]:
    """Around what uses a trained network: its failures are told in a line; `less` is
    what to try where memory ran out."""
    from archc.run.device import out_of_memory
    from archc.run.subject import BrokenModule
    from archc.run.train.errors import CannotTrain
    from archc.run.weights.read import BadWeights

    try:
        yield
    except (BadWeights, CannotTrain) as error:
        raise Refused(str(error)) from error
    except BrokenModule as error:
        raise click.ClickException(str(error)) from error
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise click.ClickException(f"memory ran out: try {less}") from error


def with_weights(
    subject: Subject, weights: str | None, *, other_classes: bool = False
) -> Subject:
    """The subject with what `--weights` names; remarks go to stderr.

    With `other_classes` the last layers may be of another number of classes.

    Raises:
        Refused: if they cannot be read, or are not of this network.
    """
    if weights is None:
        return subject
    from dataclasses import replace

    fitted = fitted_weights(
        subject.network, subject.label, weights, other_classes=other_classes
    )
    return replace(subject, weights=fitted)


def fitted_weights(
    network: Network, label: str, weights: str, *, other_classes: bool = False
) -> Fitted:
    """What `--weights` names, held to a network; remarks go to stderr.

    Raises:
        Refused: if they cannot be read, or are not of this network.
    """
    from archc.run.weights.fit import fitted
    from archc.run.weights.given import given
    from archc.run.weights.read import BadWeights

    try:
        found = given(weights, label)
        made = fitted(network, found, label, other_classes=other_classes)
    except BadWeights as error:
        raise Refused(str(error)) from error
    for note in found.notes:
        click.echo(note, err=True)
    return made
