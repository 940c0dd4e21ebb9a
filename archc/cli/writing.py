"""The files of a network: written, or compared with those that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from archc.escaping import visible
from archc.source.files import contents

if TYPE_CHECKING:
    from archc.draw.diagram import Diagram
    from archc.emit.digest import State
    from archc.output import Output
    from archc.pipeline import Analysis

Picture = Literal["svg", "pdf", "png"]

LARGEST = 64 * 1024 * 1024
"""How large a generated module may be."""

_SHOWN = 40
"""How many lines of a difference."""


@dataclass(frozen=True, slots=True)
class Target:
    """A network to compile, the directory for its files, and that around them all."""

    spec: Path
    analysis: Analysis
    root: Path
    directory: Path

    def path(self, suffix: str) -> Path:
        return self.directory / f"{self.analysis.network.name}.{suffix}"

    def outputs(self, diagram: Diagram) -> list[Output]:
        """All of its files but the picture."""
        from archc.emit.module import emit
        from archc.measure.summary import summarize
        from archc.output import Output

        network, facts = self.analysis.network, self.analysis.facts
        texts = {
            "py": emit(network),
            "dot": diagram.dot(),
            "json": summarize(network, facts).to_json(),
        }
        return [
            Output(self.path(suffix), text.encode(), self.root)
            for suffix, text in texts.items()
        ]


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a network, and why there is no picture where there is none."""

    outputs: list[Output]
    failure: str | None = None


def outputs_of(targets: list[Target], picture: Picture | None) -> Iterator[Made]:
    """What each network gives, by a process for each processor."""
    from archc.forked import shared

    def make(target: Target) -> Made:
        from archc.draw.diagram import diagram

        drawing = diagram(target.analysis.network, target.analysis.facts)
        outputs = target.outputs(drawing)
        if picture is None:
            return Made(outputs)
        return _drawn(target, outputs, drawing, picture)

    return shared(make, targets)


def _drawn(
    target: Target, outputs: list[Output], diagram: Diagram, picture: Picture
) -> Made:
    """The outputs with the picture of the .dot among them, unless it is there."""
    from archc.draw.render import RenderError
    from archc.output import Output

    try:
        if _is_drawn(outputs, target.path(picture)):
            return Made(outputs)
        content = diagram.picture(picture)
        drawn = Output(target.path(picture), content, target.root)
        return Made([*outputs, drawn])
    except RenderError as error:
        return Made(outputs, str(error))
    except OSError:
        # what cannot be read is told when it is to be written
        return Made(outputs)


def tell_made(directories: Iterable[Path]) -> None:
    """Says which directories were not there before a file was written."""
    for directory in directories:
        click.echo(f"made the directory {visible(str(directory))}", err=True)


class Job:
    """Writes targets, or compares them with what is on disk if `picture` is None.

    A module that was changed by hand is only replaced by `force`. `asked` says that the
    directory was named on the command line.
    """

    def __init__(self, picture: Picture | None, *, force: bool, asked: bool) -> None:
        self._picture: Picture | None = picture
        self._force = force
        self._asked = asked
        self.stale = False
        self.refused = False

    def do(self, target: Target, made: Made, say: Callable[[str], None]) -> None:
        from archc.cli.specs import reason
        from archc.output import behind, write

        try:
            if self._picture is None:
                self._compare(made.outputs, target, say)
                return
            behind(made.outputs[0])  # before what is there is read, and shown
            if not self._force and (
                self._is_anothers(made.outputs[0], target)
                or self._is_edited(made.outputs[0], target)
            ):
                return
            if made.failure is not None:
                self._refuse(target, made.failure)
            new = write(made.outputs)
            tell_made(new if self._asked else ())
            paths = [output.path for output in made.outputs]
            picture = target.path(self._picture)
            if made.failure is None and picture not in paths:
                paths.append(picture)
        except OSError as error:
            place = f" {error.filename}" if error.filename else ""
            what = "read" if self._picture is None else "write"
            self._refuse(target, f"cannot {what}{place}: {reason(error)}")
            return
        for path in paths:
            say(visible(str(path)))

    def _refuse(self, target: Target, message: str) -> None:
        click.echo(visible(f"Error: {target.spec}: {message}"), err=True)
        self.refused = True

    def _is_anothers(self, module: Output, target: Target) -> bool:
        """Whether a module is that of another spec, which is still there, once that
        was said."""
        from archc.emit.digest import other_spec

        other = other_spec(_found(module) or "", target.spec)
        if other is None or not _is_there(other, target.spec):
            return False
        self._refuse(
            target,
            f"{module.path} was compiled from {other}, which calls its network"
            f" {target.analysis.network.name} too; give one of them another name, or"
            " another directory with -o. Nothing was written, and --force replaces it",
        )
        return True

    def _is_edited(self, module: Output, target: Target) -> bool:
        """Whether a module was changed by hand, once that was said and shown."""
        state = _state(module)
        if state is None or not state.startswith("edited"):
            return False
        self._refuse(
            target,
            f"{module.path} was changed by hand since archc wrote it, or was not"
            " written by archc; nothing was written, and --force replaces it",
        )
        click.echo("\n".join(map(visible, _difference(module))), err=True)
        return True

    def _compare(
        self, outputs: list[Output], target: Target, say: Callable[[str], None]
    ) -> None:
        for output in outputs:
            module = output.path.suffix == ".py"
            state = (_state(output) if module else None) or output.state()
            if state is not None and state != "current":
                self.stale = True
                said, mend = _STATES.get(state, (state, "compile {}"))
                mend = mend.format(target.spec)
                say(visible(f"{output.path} {said}: {mend}"))


_BY_HAND = "take the change back, or make it in {}; --force replaces the module"
_STATES = {
    "outdated": ("is outdated", "compile {}"),
    "edited": ("was changed by hand", _BY_HAND),
    "edited and outdated": ("is outdated, and was changed by hand", _BY_HAND),
}
"""What is said of a module, and its mend."""


def _is_there(other: str, spec: Path) -> bool:
    """Whether a spec that a module names lies in or above the directory of another."""
    paths = [folder / other for folder in spec.absolute().parents]
    return any(p.is_file() and not p.samefile(spec) for p in paths)


def _state(module: Output) -> State | None:
    """What became of a module; None where there is none."""
    from archc.emit.digest import state

    found = _found(module)
    return None if found is None else state(found, module.content.decode())


def _found(module: Output) -> str | None:
    """The text of a module on disk; what is no file, writing is to refuse."""
    if not module.path.is_file():
        return None
    return contents(module.path, LARGEST).decode("utf-8", "replace")


def _difference(module: Output) -> list[str]:
    """What was changed by hand, seen from what archc writes today."""
    from difflib import unified_diff

    from archc.emit.digest import unsigned

    ours = unsigned(module.content.decode()).splitlines()
    theirs = unsigned(_found(module) or "").splitlines()
    names = f"{module.path} (as archc writes it)", f"{module.path} (as it is)"
    lines = list(unified_diff(ours, theirs, *names, n=1, lineterm=""))
    more = len(lines) - _SHOWN
    return lines if more <= 0 else [*lines[:_SHOWN], f"... and {more} more lines"]


def _is_drawn(outputs: list[Output], picture: Path) -> bool:
    """Whether a picture is there of the .dot that is there, and that is current.

    Another Graphviz would draw it a little differently for no reason.
    """
    dot = next(o for o in outputs if o.path.suffix == ".dot")
    if dot.state() is not None or not picture.is_file():
        return False
    drawn = picture.stat()
    return drawn.st_size > 0 and drawn.st_mtime_ns >= dot.path.stat().st_mtime_ns
