"""Writes docs/networks.md, the page of all networks that come with archc.

    python docs/networks.py            # write it
    python docs/networks.py --check    # exit 1 if it is not current

What sources print stands in docs/published.toml; everything else is inferred from the
specs.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

from archc.compare.comparison import compare
from archc.compare.groups import groups
from archc.compare.model import Side
from archc.compare.text import as_line, headline
from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.measure.depth import depth
from archc.measure.tables import markdown, pipes, seen_as_text, size
from archc.pipeline import analyse
from archc.spec.load import Loader

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "networks.md"
PUBLISHED: dict[str, Any] = tomllib.loads((DOCS / "published.toml").read_text("utf-8"))

SHOWN = 8
"""How many differences from a neighbour are listed."""

INTRO = """\
# Networks

The networks that come with archc, in their editions. *Published* is the network of the
paper; *torchvision* takes torchvision's weights, *timm* those of timm; *caffe* is an
example of Caffe's; *d2l* is that of the book [Dive into Deep Learning](https://d2l.ai)
for images of Fashion-MNIST; *cifar* is for images of 32×32. A key is what every command
takes as a spec: `archc compile resnet50`.

Parameters are without auxiliary classifiers. MACs are multiply-adds of convolutions and
linear layers for one image. The depth counts convolutions and linear layers on the
longest path. Numbers that a source prints stand beside those that archc infers; where
they disagree, it is said how both arise.

This page is made by `python docs/networks.py` from the specs and from
[published.toml](published.toml).
"""


@cache
def side(key: str) -> Side:
    """A network of specs/ with its facts."""
    sink = Sink()
    analysis = analyse(ROOT / "specs" / f"{key}.toml", Loader(sink), sink)
    assert analysis is not None, render_text(sink)
    return Side(analysis.network, analysis.facts, key)


def page() -> str:
    """The whole page."""
    lines = [INTRO]
    families = PUBLISHED["family"]
    links = (f"[{f['name']}](#{_anchor(f['name'])}-family)" for f in families)
    lines += [" · ".join(links), ""]
    for family in families:
        lines += [f"## {family['name']} family", "", *_overview(family["networks"]), ""]
        for key in family["networks"]:
            lines += [*_network(key), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-").replace("/", "").replace("`", "")


def _overview(keys: list[str]) -> Iterator[str]:
    """A family's table."""
    columns = (
        "network",
        "key",
        "input",
        "parameters",
        "MACs",
        "receptive field",
        "depth",
    )
    yield pipes(columns)
    yield pipes([":---", ":---", *["---:"] * 5])
    for key in keys:
        network, facts = side(key).network, side(key).facts
        assert network.input.shape is not None
        yield pipes(
            (
                markdown(network.spec.title or network.name),
                f"[`{key}`](#{_anchor(key)})",
                size(network.input.shape.dims, "×"),
                f"{facts.params:,}",
                f"{facts.macs:,}",
                seen_as_text(facts.receptive_field, "×"),
                str(depth(network)),
            )
        )


def _network(key: str) -> Iterator[str]:
    """A network's section."""
    network, facts = side(key).network, side(key).facts
    title = markdown(network.spec.title or network.name)
    yield f"### `{key}`"
    yield ""
    yield f"**{title}.** {markdown(network.spec.source or '')}."
    yield f"[Spec](../specs/{key}.toml) · [module](../generated/{key}.py)"
    if facts.params_with_heads != facts.params:
        yield ""
        yield f"With auxiliary classifiers: {facts.params_with_heads:,} parameters."
    yield ""
    yield f'<img src="../generated/{key}.svg" alt="{title}" height="480">'
    yield from _published(key)
    if PUBLISHED["table"]["network"] == key:
        yield from _table(PUBLISHED["table"])
    for other in neighbours(key):
        yield from _difference(other, key)


# ---- what sources print


def _published(key: str) -> Iterator[str]:
    numbers = list(published(key))
    if not numbers:
        return
    yield ""
    yield pipes(("published", "where", "inferred", ""))
    yield pipes((":---", ":---", "---:", ":---"))
    notes: list[str] = []
    for number in numbers:
        found = inferred(key, number)
        agrees = "agrees" if agree(found, number) else "differs"
        cells = (f"{number['printed']}", number["where"], f"{found:,}", agrees)
        yield pipes(cells)
        if "note" in number:
            notes.append(number["note"])
    for note in notes:
        yield ""
        yield note


def published(key: str) -> Iterator[dict[str, Any]]:
    """What the sources of a network print."""
    yield from PUBLISHED["numbers"].get(key, ())
    edition, _, name = key.rpartition("/")
    if edition == "torchvision" and name in PUBLISHED["torchvision"]:
        params, giga = PUBLISHED["torchvision"][name]
        where = "torchvision"
        heads = "_with_heads" if name in PUBLISHED["counted_with_heads"] else ""
        yield {
            "quantity": f"params{heads}", "printed": f"{params:,} parameters",
            "value": params, "step": 1, "where": where,
        }  # fmt: skip
        yield {
            "quantity": "macs", "printed": f"{giga:.3f}×10⁹ multiply-adds",
            "value": giga * 1e9, "step": 1e6, "where": where,
        }  # fmt: skip


def inferred(key: str, number: dict[str, Any]) -> int:
    """archc's number for one that is printed."""
    network, facts = side(key).network, side(key).facts
    if "path" in number:
        layers = (la for la in network.layers() if la.path == number["path"])
        return prod(next(layers).output_shape().dims)
    if number["quantity"] == "depth":
        return depth(network)
    return getattr(facts, number["quantity"])


def agree(found: int, number: dict[str, Any]) -> bool:
    """Whether a number is the printed one, as far as it was printed."""
    return abs(found - number["value"]) <= number["step"] / 2


def _table(table: dict[str, Any]) -> Iterator[str]:
    """A table of the source, row by row, beside the inferred numbers."""
    network, facts = side(table["network"]).network, side(table["network"]).facts
    yield from ("", f"**{table['caption']}:**", "")
    yield pipes(
        ("row", "params printed", "weights / 1024", "parameters", "ops printed", "MACs")
    )
    yield pipes((":---", *["---:"] * 5))
    for row in table["rows"]:
        layers = [
            layer
            for layer in network.layers()
            if any(f"{layer.path}.".startswith(f"{path}.") for path in row["paths"])
        ]
        weights = sum(
            prod(dims)
            for layer in layers
            for name, dims in layer.op.parameters(layer.input_shape()).items()
            if name == "weight"
        )
        params = sum(facts.layers[layer].params for layer in layers)
        macs = sum(facts.layers[layer].macs for layer in layers)
        yield pipes(
            (
                row["name"],
                f"{row['params']} K",
                f"{weights / 1024:,.1f} K",
                f"{params:,}",
                f"{row['ops']} M",
                f"{macs / 1e6:,.1f} M",
            )
        )
    for remark in table["remarks"]:
        yield ""
        yield remark


# ---- neighbours


def neighbours(key: str) -> list[str]:
    """The networks with which one is compared."""
    edition, _, name = key.rpartition("/")
    found: list[str] = []
    data = tomllib.loads((ROOT / "specs" / f"{key}.toml").read_text("utf-8"))
    if "extends" in data:
        base = (ROOT / "specs" / edition / data["extends"]).resolve()
        below = base.relative_to((ROOT / "specs").resolve())
        found.append(below.with_suffix("").as_posix())
    if edition and (ROOT / "specs" / f"{name}.toml").exists():
        found.append(name)
    found += PUBLISHED["neighbours"].get(key, [])
    return list(dict.fromkeys(found))


def _difference(other: str, key: str) -> Iterator[str]:
    """How a network differs from another one."""
    found = compare(side(other), side(key))
    yield ""
    yield f"From [`{other}`](#{_anchor(other)}): {' '.join(headline(found))}"
    listed = [] if found.has_little_in_common else groups(found)
    if listed:
        yield ""
        yield "```diff"
        yield from map(as_line, listed[:SHOWN])
        if len(listed) > SHOWN:
            yield f"  … and {len(listed) - SHOWN} more: archc diff {other} {key}"
        yield "```"


def main() -> int:
    text = page()
    if sys.argv[1:] == ["--check"]:
        current = PAGE.exists() and PAGE.read_text("utf-8") == text
        if not current:
            print(f"{PAGE.name} is not current: python docs/networks.py")
        return 0 if current else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
