"""How work grows with a spec: `python tests/benchmarks/growth.py [KIND...]`.

Each kind of spec is made in three sizes, each twice the one before, and put through the
command named beside it. What is printed is the processor's time for each and the ratio
of the last two: about 2 where the work grows with the size, 4 where it is quadratic.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archc.compare.comparison import compare
from archc.compare.model import Side
from archc.compare.text import as_text
from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_github, render_json, render_text
from archc.draw.diagram import diagram
from archc.emit.execution import execution
from archc.emit.module import emit
from archc.measure.memory import footprint
from archc.measure.summary import summarize
from archc.measure.tables import as_text as table
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader

Data = dict[str, Any]


def conv(name: str, **more: Any) -> Data:
    return {"name": name, "op": "conv2d", "out_channels": 4, "kernel_size": 1, **more}


def net(layers: list[Any], **more: Any) -> Data:
    network = {"input": [4, 8, 8], "layers": layers}
    return {"archc": 1, "name": "net", "network": network, **more}


def chained(n: int) -> Data:
    params: Data = {f"p{i}": f"p{i + 1}" for i in range(n)} | {f"p{n}": 4}
    return net([conv("c", out_channels="p0")], params=params)


def circles(n: int) -> Data:
    params = {f"p{i}": f"p{i ^ 1}" for i in range(2 * n)}
    return net([conv("c", out_channels="p0")], params=params)


def blocks(n: int, last: Data, uses: int = 2) -> Data:
    """Blocks that each use those before."""
    made: Data = {"b0": {"layers": [last]}}
    for i in range(1, n):
        used = range(max(i - uses, 0), i)
        made[f"b{i}"] = {"layers": [{"name": f"x{j}", "block": f"b{j}"} for j in used]}
    return net([{"name": "top", "block": f"b{n - 1}"}], blocks=made)


def flat_blocks(n: int) -> Data:
    made = {f"b{i}": {"layers": [conv("c")]} for i in range(n)}
    layers = [{"name": f"x{i}", "block": f"b{i}"} for i in range(n)]
    return net(layers, blocks=made)


def circle_of_blocks(n: int) -> Data:
    made = {
        f"b{i}": {"layers": [{"name": "x", "block": f"b{(i + 1) % n}"}]}
        for i in range(n)
    }
    return net([{"name": "top", "block": "b0"}], blocks=made)


def pairs_of_blocks(n: int) -> Data:
    made = {
        f"b{i}": {"layers": [{"name": "x", "block": f"b{i ^ 1}"}]} for i in range(2 * n)
    }
    return net([{"name": "top", "block": "b0"}], blocks=made)


def reading_back(n: int) -> Data:
    layers = [conv(f"c{i}", **({"from": f"c{i - 1}"} if i else {})) for i in range(n)]
    return net(layers)


def unknown_reads(n: int) -> Data:
    return net([conv(f"c{i}", **{"from": f"nowhere{i}"}) for i in range(n)])


def unused_names(n: int) -> Data:
    return net([conv("c", out_channels=f"q{n}")], params={f"p{i}": i for i in range(n)})


def misspelled(n: int) -> Data:
    layers = [conv(f"c{i}", out_channels=f"w{i}") for i in range(n)]
    return net(layers, params={f"v{i}": 4 for i in range(n)})


def unknown_blocks(n: int) -> Data:
    made = {f"block{i}": {"layers": [conv("c")]} for i in range(n)}
    layers = [{"name": f"x{i}", "block": f"bloc{i}"} for i in range(n)]
    return net(layers, blocks=made)


def claims(n: int) -> Data:
    return net([conv(f"c{i}", shape=[5, 8, 8]) for i in range(n)])


def branches(n: int) -> Data:
    node = {"merge": "add", "branches": [conv(f"c{i}") for i in range(n)]}
    return net([node])


def clashes(n: int) -> Data:
    ends = [conv(f"c{i}", out_channels=4 + (i % 2)) for i in range(n)]
    return net([{"merge": "add", "branches": ends}])


def many_clashes(n: int) -> Data:
    """Merges that do not fit, each behind all the layers before."""
    layers: list[Any] = []
    for i in range(n):
        layers += [conv(f"a{i}"), conv(f"b{i}", out_channels=5)]
        layers.append({"op": "add", "from": [f"a{i}", f"b{i}"]})
        layers.append(conv(f"d{i}", **{"from": f"a{i}"}))
    return net(layers)


def heads(n: int) -> Data:
    ends = [{"name": f"h{i}", "from": "c", "layers": [conv("x")]} for i in range(n)]
    return net([conv("c"), conv("d")], heads=ends)


def expression(n: int) -> Data:
    return net([conv("c", out_channels=" + ".join(["1"] * n))])


def nested(n: int) -> Data:
    return net([conv("c", out_channels="(" * n + "1" + ")" * n)])


def dense(n: int) -> Data:
    layers = [conv(f"c{i}") for i in range(n)]
    layers.append({"op": "concat", "from": [f"c{i}" for i in range(n)]})
    return net(layers)


def same_names(n: int) -> Data:
    return net([conv("c") for _ in range(n)])


def overlays(n: int) -> Data:
    return net([conv("c")], params={f"p{i}": 1 for i in range(n)})


KINDS: Mapping[str, tuple[Callable[[int], Data], int, str]] = {
    "layers": (lambda n: net([conv(f"c{i}") for i in range(n)]), 1500, "all"),
    "layers without names": (
        lambda n: net([{"op": "relu"} for _ in range(n)]), 3000, "all"),
    "layers that read back": (reading_back, 1500, "all"),
    "branches": (branches, 60, "all"),
    "a concatenation": (dense, 1000, "all"),
    "blocks, each used once": (flat_blocks, 400, "all"),
    "heads": (heads, 300, "all"),
    "one line of mistakes": (
        lambda n: net([conv(f"c{i}", bogus=1) for i in range(n)]), 1000, "check"),
    "chained parameters": (chained, 2000, "check"),
    "parameters in circles": (circles, 1000, "check"),
    "unread parameters": (unused_names, 3000, "check"),
    "many keys": (overlays, 3000, "check"),
    "misspelled parameters": (misspelled, 3000, "check"),
    "blocks that use each other": (
        lambda n: blocks(n, conv("c", bogus=1), 15), 100, "check"),
    "blocks that fail": (
        lambda n: blocks(n, conv("c", kernel_size=99)), 400, "check"),
    "a chain of blocks": (
        lambda n: blocks(n, {"op": "relu"}, 1), 1000, "check"),
    "a circle of blocks": (circle_of_blocks, 1000, "check"),
    "circles of blocks": (pairs_of_blocks, 300, "check"),
    "unknown blocks": (unknown_blocks, 3000, "check"),
    "reads of nothing": (unknown_reads, 3000, "check"),
    "claims that fail": (claims, 1000, "check"),
    "branches that clash": (clashes, 500, "check"),
    "merges that clash": (many_clashes, 300, "check"),
    "names given twice": (same_names, 1000, "check"),
    "a long expression": (expression, 2000, "check"),
    "brackets in brackets": (nested, 20_000, "check"),
}  # fmt: skip
"""What grows, its smallest size, and what it goes through."""


@dataclass
class Work:
    """The text of a spec on its way."""

    path: Path

    def check(self) -> Analysis | None:
        sink = Sink()
        analysis = analyse(self.path, Loader(sink), sink)
        for form in (render_text, render_json, render_github):
            form(sink)
        return analysis

    def all(self) -> None:
        analysis = self.check()
        assert analysis is not None, self.path.read_text()[:500]
        network, facts = analysis.network, analysis.facts
        for name, part in PARTS.items():
            TIMES[name] = seconds(lambda part=part: part(network, facts))


TIMES: dict[str, float] = {}


def _differ(network: Any, facts: Any) -> None:
    side = Side(network, facts, "a")
    as_text(compare(side, side))


PARTS: Mapping[str, Callable[[Any, Any], object]] = {
    "emit": lambda network, facts: emit(network),
    "draw": lambda network, facts: diagram(network, facts).picture("svg"),
    "table": lambda network, facts: table(summarize(network, facts)),
    "memory": lambda network, facts: footprint(network, execution(network)).at(2),
    "diff": _differ,
}


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for kind, (made, size, what) in KINDS.items():
            if wanted and not any(word in kind for word in wanted):
                continue
            columns: dict[str, list[float]] = {}
            for times in (1, 2, 4):
                path = Path(directory, "net.json")
                path.write_text(json.dumps(made(size * times)))
                TIMES.clear()
                try:
                    took = seconds(getattr(Work(path), what))
                except Exception as error:
                    print(f"{kind:28} {size * times}: {str(error)[-150:]}", flush=True)
                    columns.clear()
                    break
                TIMES["check"] = took - sum(TIMES.values())
                for name, value in TIMES.items():
                    columns.setdefault(name, []).append(value)
            for name, found in columns.items():
                ratio = found[-1] / found[-2] if found[-2] > 0.02 else 0
                mark = "  <--" if ratio > 2.9 else ""
                shown = "  ".join(f"{value:8.3f}" for value in found)
                print(f"{kind:28} {name:7} {shown}  x{ratio:.1f}{mark}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
