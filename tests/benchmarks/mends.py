"""Spoils shipped specs by one keystroke at a time and makes each mend that is offered.

    python tests/benchmarks/mends.py [SECONDS] [SEED]

A mend whose diagnostic is still reported with it is printed, and the exit status is 1.
The counts say how often there was a mend, how often it gave the text back, and how
often it brought something else to light: a second mistake, or a claim that does not
hold with what was mended.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archc.diagnostics.mend import Change, applied
from archc.diagnostics.model import Diagnostic, Sink
from archc.pipeline import analyse
from archc.spec.load import Loader

SPECS = Path(__file__).parent.parent.parent / "specs"
LONGEST = 6000
"""How long the specs are that are spoiled: others take longer and say nothing else."""
_KEYS = 'abcdefgh,=[]{}"012. \n'


@dataclass(slots=True)
class Tally:
    """What came of the mends."""

    spoiled: int = 0
    mends: int = 0
    restored: int = 0
    clean: int = 0
    further: int = 0
    useless: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return (
            f"{self.spoiled} spoiled, {self.mends} mends: {self.restored} give the text"
            f" back, {self.clean} leave nothing to report, {self.further} bring"
            f" something else to light, {len(self.useless)} are none"
        )


def spoil(text: str, rng: random.Random) -> str:
    """A text with one character less, more, other or swapped with the next."""
    at, key = rng.randrange(len(text)), rng.choice(_KEYS)
    before, behind = text[:at], text[at + 1 :]
    swapped = before + behind[:1] + text[at] + behind[1:]
    more = before + key + text[at:]
    return rng.choice((before + behind, before + key + behind, more, swapped))


def try_one(rng: random.Random, specs: list[Path], tally: Tally) -> None:
    """Spoils one spec and makes each mend by itself."""
    path = rng.choice(specs)
    text = path.read_text("utf-8")
    spoiled = spoil(text, rng)
    found = _check(path, {path: spoiled})
    tally.spoiled += bool(found)
    before = Counter((d.code, d.message) for d in found)
    for diagnostic in found:
        if diagnostic.fix is None:
            continue
        tally.mends += 1
        texts = _mended(diagnostic.fix, {path: spoiled})
        after = Counter((d.code, d.message) for d in _check(path, texts))
        key = (diagnostic.code, diagnostic.message)
        if after[key] >= before[key]:
            tally.useless.append(f"{path.name}: {key}: {diagnostic.fix}")
        tally.restored += texts[path] == text
        tally.clean += not after
        tally.further += bool(after - before)


def _check(path: Path, texts: Mapping[Path, str]) -> list[Diagnostic]:
    sink = Sink()
    analyse(path, Loader(sink, texts=texts), sink)
    return list(sink)


def _mended(fix: tuple[Change, ...], texts: Mapping[Path, str]) -> dict[Path, str]:
    by_file: dict[Path, list[Change]] = {}
    for change in fix:
        by_file.setdefault(Path(change.file).resolve(), []).append(change)
    made = dict(texts)
    for file, changes in by_file.items():
        text = made[file] if file in made else file.read_text("utf-8")
        made[file] = applied(text, changes)
    return made


def short_specs() -> list[Path]:
    """The specs to spoil."""
    found = sorted(path.resolve() for path in SPECS.glob("*.toml"))
    return [path for path in found if path.stat().st_size < LONGEST]


def main() -> int:
    seconds = float(sys.argv[1]) if sys.argv[1:] else 60.0
    seed = int(sys.argv[2]) if sys.argv[2:] else random.randrange(2**32)
    print(f"seed {seed}")
    rng, tally, specs = random.Random(seed), Tally(), short_specs()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try_one(rng, specs, tally)
    print("\n".join([*tally.useless, str(tally)]))
    return 1 if tally.useless else 0


if __name__ == "__main__":
    sys.exit(main())
