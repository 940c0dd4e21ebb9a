"""Makes the mends that diagnostics carry, until none is left to make."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archc.diagnostics.mend import Change, applied
from archc.diagnostics.model import Diagnostic
from archc.output import Output, write
from archc.source.files import contents
from archc.spec.named_files import tree_of

_ROUNDS = 20
"""A mend may bring to light what it hid; more than this nobody hides."""

Check = Callable[[Mapping[Path, str]], Sequence[Diagnostic]]
"""The diagnostics of the specs when the files at these resolved paths have these texts.
"""


_Mend = tuple[Diagnostic, tuple[Change, ...]]


@dataclass(slots=True)
class Mended:
    """What was mended: the diagnostics, and each file's text before and after."""

    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    before: dict[Path, str] = field(default_factory=dict[Path, str])
    after: dict[Path, str] = field(default_factory=dict[Path, str])
    left: Sequence[Diagnostic] = ()
    """What is reported now."""

    def changed(self) -> list[Path]:
        return sorted(p for p, text in self.before.items() if self.after[p] != text)


def mend(check: Check, specs: Iterable[Path]) -> Mended:
    """Makes every mend in the files that stand in the trees of `specs`.

    A mend is kept if its diagnostic is gone with it. Nothing is written.
    """
    trees = {tree_of(Path(os.path.abspath(spec))).resolve() for spec in specs}
    done = Mended()
    done.left = check({})
    useless: set[tuple[str, str]] = set()
    for _ in range(_ROUNDS):
        chosen = [
            (d, fix)
            for d, fix in _apart(d for d in done.left if _key(d) not in useless)
            if all(_ours(change.file, trees, done) for change in fix)
        ]
        if not chosen:
            break
        if _made(check, chosen, done):
            useless.clear()
            continue
        # some are in each other's way: the first that is a mend by itself
        alone = next((one for one in chosen if _made(check, [one], done)), None)
        before = chosen if alone is None else chosen[: chosen.index(alone)]
        useless = {_key(d) for d, _ in before}
    return done


def _made(check: Check, chosen: Sequence[_Mend], done: Mended) -> bool:
    """Makes some mends, if all of them are."""
    texts = _texts(done.after, chosen)
    left = check(texts)
    before, after = Counter(map(_key, done.left)), Counter(map(_key, left))
    if any(after[_key(d)] >= before[_key(d)] for d, _ in chosen):
        return False
    done.diagnostics += [d for d, _ in chosen]
    done.after, done.left = texts, left
    return True


def save(done: Mended) -> None:
    """Writes the files that were mended.

    Raises:
        OSError: if one cannot be read or written, or is not what was read any more.
    """
    outputs: list[Output] = []
    for path in done.changed():
        text, mark = done.before[path], b""
        there = contents(path)
        if there.startswith(b"\xef\xbb\xbf"):
            mark = b"\xef\xbb\xbf"
        if there != mark + text.encode():
            raise OSError(errno.EBUSY, "it was changed meanwhile", str(path))
        outputs.append(Output(path, mark + done.after[path].encode()))
    write(outputs)


def _key(diagnostic: Diagnostic) -> tuple[str, str]:
    return diagnostic.code, diagnostic.message


def _apart(
    diagnostics: Iterable[Diagnostic],
) -> list[_Mend]:
    """Mends that do not touch each other, in the order in which they were found."""
    taken: list[Change] = []
    chosen: list[_Mend] = []
    for diagnostic in diagnostics:
        fix = diagnostic.fix
        if fix is None or any(_touch(a, b) for a in fix for b in taken):
            continue
        taken += fix
        chosen.append((diagnostic, fix))
    return chosen


def _touch(a: Change, b: Change) -> bool:
    return a.file == b.file and a.span[:2] <= b.span[2:] and b.span[:2] <= a.span[2:]


def _ours(name: str, trees: Iterable[Path], done: Mended) -> bool:
    """Whether a file is one that may be changed; it is read then."""
    path = Path(name).resolve()
    if path in done.before:
        return True
    if not any(path.is_relative_to(tree) for tree in trees):
        return False
    try:
        text = contents(path).decode("utf-8-sig")
    except (OSError, ValueError):
        return False
    done.before[path] = done.after[path] = text
    return True


def _texts(texts: Mapping[Path, str], chosen: Iterable[_Mend]) -> dict[Path, str]:
    by_file: dict[Path, list[Change]] = {}
    for _, fix in chosen:
        for change in fix:
            by_file.setdefault(Path(change.file).resolve(), []).append(change)
    made = {path: applied(texts[path], changes) for path, changes in by_file.items()}
    return {**texts, **made}
