"""Spoils specs at random and looks for what must not happen: a traceback, a long wait,
much memory.

    python tests/benchmarks/mutations.py --bytes 12000 --trees 12000
    python tests/benchmarks/mutations.py --seed 123456789      # the same once more

Byte mutations change the text of a spec; tree mutations change its values and write
them as JSON or TOML. Each goes through check, compile, memory and every form of the
summary, some through the drawing of the picture. Each of these commands has its limit
of time, and the process one of memory. A module that would not have been its network is
a fault too. Exit status 1 if there was any fault.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import resource
import secrets
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

SECONDS = 2.0
"""Of CPU time, for what one command does."""
MEGABYTES = 300
PICTURES = 0.01
"""The share of mutants whose picture is drawn, if they are networks."""
BATCH = 50
"""How many one process tries, so that its peak of memory says something."""

PIECES = (
    b"", b"\0", b"\xff", b"\r", b"\n", b"\t", b'"', b"'", b"[", b"]", b"{", b"}", b"=",
    b",", b".", b"#", b"\\", b"\\u0000", b"\\ud800", b"\xe2\x80\xae", b"\xc2\x9b",
    b"\x1b[31m", b"-", b"+", b"0", b"9", b"1e999", b"_", b"9" * 20, b'"""',
    b"true", b"nan", b"null", b"(", b")", b" ", b"{i}", b"repeat = 9", b"\xef\xbb\xbf",
    b"i" * 300, b"[" * 120, b"a." * 120,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 63, 10**9, 2**63, 10**400, 1.5, -0.0, 1e300, "",
    " ", "x", "é", "日本", "1 +", "x.y", "{", "{i}", "i", "\n", "\0", "\x1b[31m",
    "\ud800",
    "\u202e", "\\", "# noqa", '"""', "=1+1", "in_channels", "in_channels // 2", "prev",
    "input", "(" * 50, "9 ** 9 ** 9", "a" * 5000, [], [[]], [None], [1, "a", [2]], {},
    {"": {}}, {"op": "relu"}, [{"op": "relu"}], {"layers": []}, {"op": "flatten"},
    {"op": "softmax"}, {"op": "conv2d", "out_channels": 4, "kernel_size": 3},
    {"merge": "add", "branches": [[], [{"op": "relu"}]]}, {"repeat": 3, "op": "relu"},
    {"skip": "add", "layers": []}, [3, 0, 0], [3, 1, 1], [1], [2, 2], "add", "concat",
    "mul", "same", "relu", "conv2d", "linear", "batch_norm2d", "permute", "slice",
    "scale", "upsample", "channel_shuffle", "layer_norm",
)  # fmt: skip
KEYS = (
    "op", "block", "layers", "branches", "merge", "name", "from", "when", "repeat",
    "index", "skip", "skip_when", "shortcut", "shape", "doc", "out_channels", "stride",
    "kernel_size", "padding", "groups", "dim", "dims", "p", "bogus", "params", "title",
    "defaults", "source", "class_name", "use", "extends", "\x1b", "",
)  # fmt: skip


# ---------------------------------------------------------------------------- mutants


def specs() -> list[Path]:
    """All specs of the repository that need no file beside them but their own tree."""
    found = [
        *(ROOT / "specs").rglob("*.toml"),
        *(ROOT / "tests/family").rglob("*.toml"),
    ]
    return sorted(found)


def spoiled_bytes(text: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.randrange(len(text) + 1)
        length = draw.choice((0, 0, 1, 1, 2, 8, 40, 400))
        piece = draw.choice(PIECES)
        kind = draw.randrange(4)
        if kind == 0:  # another byte
            piece = bytes([draw.randrange(256)])
            length = 1
        elif kind == 1:  # a stretch from elsewhere
            start = draw.randrange(len(text) + 1)
            piece = text[start : start + draw.choice((1, 8, 40, 400))]
        text = text[:at] + piece + text[at + length :]
    return text


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items: Any = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield from paths(inner, (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def spoiled_tree(data: Any, draw: random.Random) -> None:
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        places = list(paths(data))
        if not places:
            return
        *way, last = draw.choice(places)
        parent = at(data, tuple(way))
        kind = draw.randrange(11)
        if kind == 0:
            del parent[last]
        elif kind == 1:  # a value from elsewhere
            parent[last] = deepcopy(at(data, draw.choice(places)))
        elif kind == 2 and isinstance(parent, dict):
            parent[draw.choice(KEYS)] = parent.pop(last)
        elif kind == 3 and isinstance(parent, dict):
            parent[draw.choice(KEYS)] = deepcopy(draw.choice(VALUES))
        elif kind == 4 and isinstance(parent, list):
            parent.insert(last, deepcopy(draw.choice(VALUES)))
        elif kind == 5 and isinstance(parent, list):
            parent[last:last] = deepcopy(parent[last : last + 3])
        elif kind in (6, 7):  # what another place of that key has
            alike = [place for place in places if place[-1] == last]
            parent[last] = deepcopy(at(data, draw.choice(alike)))
        elif kind in (8, 9) and type(parent[last]) is int:
            parent[last] = draw.choice((2, 3, parent[last] * 2, parent[last] + 1))
        else:
            parent[last] = deepcopy(draw.choice(VALUES))


@dataclass(frozen=True)
class Mutant:
    kind: str
    seed: int
    spec: Path
    suffix: str
    content: bytes


def mutant(kind: str, seed: int) -> Mutant:
    draw = random.Random(seed)
    spec = draw.choice(specs())
    text = spec.read_bytes()
    if kind == "bytes":
        suffix = ".toml"
        if draw.random() < 0.3:
            suffix = ".json"
            indent = draw.choice((None, 1))
            text = json.dumps(tomllib.loads(text.decode()), indent=indent).encode()
        return Mutant(kind, seed, spec, suffix, spoiled_bytes(text, draw))
    data = tomllib.loads(text.decode())
    if draw.random() < 0.5:
        data.pop("expect", None)  # where nothing is claimed, more is a network
    spoiled_tree(data, draw)
    if draw.random() < 0.3:
        from archc.source.writing import write_spec

        try:
            written = write_spec(data).encode("utf-8", "replace")
            return Mutant(kind, seed, spec, ".toml", written)
        except (AttributeError, TypeError):
            pass  # it has a value for which TOML has no form
    return Mutant(kind, seed, spec, ".json", json.dumps(data).encode())


# ------------------------------------------------------------------------------- trials


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    seconds: float
    accepted: bool
    fault: str | None


def trial(tried: Mutant, folder: Path) -> Outcome:
    """One mutant through everything that needs no torch."""
    # beside the original, whose tree it may name files of
    below = tried.spec.relative_to(ROOT).parent
    path = folder / below / f"mutant{tried.suffix}"
    path.write_bytes(tried.content)
    accepted, fault, seconds = False, None, 0.0
    try:
        for name, took in _commands(path, random.Random(tried.seed)):
            accepted = accepted or name != "check"
            seconds = max(seconds, took)
            if took > SECONDS:
                fault = f"{name} took {took:.1f} s"
    except BaseException:
        fault = traceback.format_exc()[-3000:]
    path.unlink()
    return Outcome(tried, seconds, accepted, fault)


def _commands(path: Path, draw: random.Random) -> Iterator[tuple[str, float]]:
    """What each command does, and how long it takes, with reading the spec."""
    from archc.diagnostics.model import Sink
    from archc.diagnostics.render import render_github, render_json, render_text
    from archc.draw.diagram import diagram
    from archc.emit.execution import execution
    from archc.emit.module import emit
    from archc.measure import tables
    from archc.measure.memory import footprint
    from archc.measure.memory_table import as_text as memory_text
    from archc.measure.summary import summarize
    from archc.pipeline import analyse
    from archc.spec.load import Loader

    started = time.process_time()
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    for form in (render_text, render_json, render_github):
        form(sink).encode("utf-8", "backslashreplace")
    check = time.process_time() - started
    yield "check", check
    if analysis is None:
        return
    network, facts = analysis.network, analysis.facts

    def compiled() -> None:
        compile(emit(network).encode(), "module.py", "exec")
        diagram(network, facts).dot().encode()
        summarize(network, facts).to_json().encode()

    def memory() -> None:
        memory_text(footprint(network, execution(network)).at(2)).encode()

    def summary(form: Callable[[Any], str]) -> None:
        form(summarize(network, facts)).encode()

    def draws() -> None:
        diagram(network, facts).picture("svg")

    commands: dict[str, Callable[[], None]] = {"compile": compiled, "memory": memory}
    for form in (
        tables.as_text, tables.as_csv, tables.as_markdown, tables.as_latex,
        tables.as_html,
    ):  # fmt: skip
        commands[f"summary, {form.__name__}"] = partial(summary, form)
    if draw.random() < PICTURES and sum(1 for _ in network.layers()) < 300:
        commands["draw"] = draws
    for name, command in commands.items():
        started = time.process_time()
        command()
        yield name, check + time.process_time() - started


def peak() -> float:
    """The most memory that this process has held, in megabytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # unlike the other, without what the process held that started this one
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def batch(kind: str, seeds: list[int], send: Any) -> None:
    """Tries some mutants; the last word is the peak of memory in megabytes."""
    gc.set_threshold(1_000_000)  # as the command has it
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for spec in specs():
            copy = folder / spec.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(spec.read_bytes())
        for seed in seeds:
            send.send(trial(mutant(kind, seed), folder))
    send.send(peak())


def run(kind: str, seeds: list[int]) -> Iterator[Outcome | float]:
    """The outcomes of many mutants, and the peaks of their processes."""
    context = multiprocessing.get_context("spawn")
    for start in range(0, len(seeds), BATCH):
        part = seeds[start : start + BATCH]
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=batch, args=(kind, part, send))
        process.start()
        send.close()
        done = 0
        try:
            while True:
                if not receive.poll(60):
                    process.kill()
                    raise EOFError
                found = receive.recv()
                yield found
                if isinstance(found, float):
                    break
                done += 1
        except EOFError:
            lost = mutant(kind, part[min(done, len(part) - 1)])
            yield Outcome(lost, 60, False, "its process ended or never came back")
        process.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--bytes", type=int, default=300)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--seed", type=int, default=secrets.randbits(40))
    parser.add_argument("--save", type=Path, help="where to write what is at fault")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    faults = 0
    for kind, count in (("bytes", arguments.bytes), ("trees", arguments.trees)):
        draw = random.Random(f"{arguments.seed} {kind}")
        seeds = [draw.getrandbits(48) for _ in range(count)]
        found: list[Outcome] = []
        most = 0.0
        for outcome in run(kind, seeds):
            if isinstance(outcome, float):
                most = max(most, outcome)
                continue
            found.append(outcome)
            if outcome.fault:
                faults += 1
                tried = outcome.mutant
                where = tried.spec.relative_to(ROOT)
                print(f"{kind} {tried.seed} of {where}:\n{outcome.fault}", flush=True)
                if arguments.save:
                    arguments.save.mkdir(parents=True, exist_ok=True)
                    name = f"{kind}_{tried.seed}{tried.suffix}"
                    (arguments.save / name).write_bytes(tried.content)
        if not found:
            continue
        slowest = max(found, key=lambda outcome: outcome.seconds)
        accepted = sum(outcome.accepted for outcome in found)
        print(
            f"{kind}: {len(found):,} mutants, {accepted:,} are networks; the slowest"
            f" command took {slowest.seconds:.2f} s (seed {slowest.mutant.seed}, a"
            f" mutant of {slowest.mutant.spec.name}); at most {most:.0f} MB",
            flush=True,
        )
        if most > MEGABYTES:
            faults += 1
            print(f"more than {MEGABYTES} MB", flush=True)
    print(f"{faults} faults" if faults else "no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
