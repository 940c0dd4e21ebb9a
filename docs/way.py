"""Writes docs/from-lenet-to-densenet.md, the way of the field in pictures.

    python docs/way.py            # write the page and its pictures
    python docs/way.py --check    # exit 1 if something is not current

What papers say stands in docs/way.toml; everything else is inferred from the specs.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from archc.compare.comparison import compare
from archc.compare.groups import groups
from archc.compare.model import Side
from archc.compare.picture import diagram
from archc.compare.text import as_line, headline
from archc.diagnostics.model import Sink
from archc.emit.execution import execution
from archc.measure.depth import depth
from archc.measure.memory import footprint
from archc.measure.tables import markdown, pipes, seen_as_text
from archc.pipeline import analyse
from archc.spec.load import Loader

DOCS = Path(__file__).parent
ROOT = DOCS.parent
WAY = DOCS / "from-lenet-to-densenet.md"
PICTURES = DOCS / "images"
STEPS: list[dict[str, Any]] = tomllib.loads((DOCS / "way.toml").read_text("utf-8"))[
    "step"
]
BATCH = 32
SHOWN = 6
"""How many differences are listed."""

INTRO = """\
# From LeNet to DenseNet

Seven networks, each drawn beside the one that it came after, stage by stage. Boxes with
a colour are what changed: `~` another size, `−` only in the older network, `+` only in
the newer one, `>` at another place.

All numbers but the errors are what archc infers. MACs are multiply-adds for one image;
the receptive field is that of the last layer that still has one, in pixels of the
input; memory is what a training step holds on a GPU with 32 images, fp32 and plain SGD.
The errors are those of the papers, most of them of several networks together and of
many crops of each image. So they do not compare architectures alone, and beside each
stands what else was done otherwise.

This page and its pictures are made by `python docs/way.py` from the specs and from
[way.toml](way.toml). `archc diff alexnet zfnet --diagram` draws any two networks so,
block by block, and `archc report alexnet zfnet` lays one over the other on a page.
"""


@cache
def side(key: str) -> Side:
    """A network of specs/ with its facts."""
    sink = Sink()
    analysis = analyse(ROOT / "specs" / f"{key}.toml", Loader(sink), sink)
    assert analysis is not None, key
    return Side(analysis.network, analysis.facts, key)


def files() -> dict[Path, bytes]:
    """All that this script writes."""
    made = {WAY: page().encode()}
    keys = [step["key"] for step in STEPS]
    for a, b in pairwise(keys):
        found = diagram(compare(side(a), side(b)), "stage")
        made[_picture(a, b)] = found.picture("svg")
    return made


def _picture(a: str, b: str) -> Path:
    return PICTURES / f"{a}-{b}.svg"


# ---- the way


def page() -> str:
    """The whole page."""
    lines = [INTRO, "## The numbers", "", *_table(), ""]
    for before, step in zip([None, *STEPS], STEPS, strict=False):
        title = markdown(side(step["key"]).network.spec.title or step["key"])
        lines += [f"## {title}, {step['year']}", "", step["idea"], ""]
        lines += [*_difference(before["key"], step["key"])] if before else []
        lines += [f"**Published error:** {step['error']}.", f"*{step['source']}.*", ""]
        lines += [f"**What else was done:** {step['else']}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table() -> Iterator[str]:
    columns = ("network", "year", "depth", "parameters", "MACs", "receptive field")
    yield pipes((*columns, f"memory, {BATCH} images"))
    yield pipes([":---", *["---:"] * 6])
    for step in STEPS:
        network = side(step["key"]).network
        title = markdown(network.spec.title or network.name)
        yield pipes((title, str(step["year"]), *_numbers(step["key"])))


def _numbers(key: str) -> tuple[str, ...]:
    network, facts = side(key).network, side(key).facts
    return (
        str(depth(network)),
        f"{facts.params:,}",
        f"{facts.macs:,}",
        seen_as_text(facts.receptive_field, "×"),
        _bytes(_memory(key)),
    )


def _factor(before: object, after: object) -> str:
    if not isinstance(before, int) or not isinstance(after, int):
        return ""
    factor = after / before
    return f"×{factor:,.0f}" if factor >= 100 else f"×{factor:.3g}"


@cache
def _memory(key: str) -> int:
    network = side(key).network
    return footprint(network, execution(network)).at(BATCH).peak.total


def _bytes(number: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1024:.3g} KiB"


def _difference(a: str, b: str) -> Iterator[str]:
    """The picture of a step, and what it did to the numbers."""
    found = compare(side(a), side(b))
    names = [found.a.network.spec.title or a, found.b.network.spec.title or b]
    picture = _picture(a, b).relative_to(DOCS).as_posix()
    yield f"![{markdown(names[0])} beside {markdown(names[1])}]({picture})"
    yield ""
    yield pipes(("", *map(markdown, names), "factor"))
    yield pipes((":---", "---:", "---:", "---:"))
    one, other = _numbers(a), _numbers(b)
    labels = ("depth", "parameters", "MACs", "receptive field")
    both = (
        (depth(found.a.network), depth(found.b.network)),
        (found.a.facts.params, found.b.facts.params),
        (found.a.facts.macs, found.b.facts.macs),
        (found.a.facts.receptive_field, found.b.facts.receptive_field),
        (_memory(a), _memory(b)),
    )
    for label, x, y, (p, q) in zip(
        (*labels, f"memory, {BATCH} images"), one, other, both, strict=True
    ):
        yield pipes((label, x, y, _factor(p, q)))
    yield ""
    listed = [] if found.has_little_in_common else groups(found)
    if not listed:
        yield " ".join(headline(found))
        yield ""
        return
    yield "```diff"
    yield from map(as_line, listed[:SHOWN])
    if len(listed) > SHOWN:
        yield f"  … and {len(listed) - SHOWN} more: archc diff {a} {b}"
    yield "```"
    yield ""


def main() -> int:
    stale = {
        path: content
        for path, content in files().items()
        if not path.exists() or path.read_bytes() != content
    }
    if sys.argv[1:] == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: python docs/way.py")
        return 1 if stale else 0
    for path, content in stale.items():
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
