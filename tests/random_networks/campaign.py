"""Many networks in several processes, and what became of them."""

from __future__ import annotations

import json
import multiprocessing
import queue
import re
import signal
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from typing import Any

from tests.random_networks.features import features, outline
from tests.random_networks.judge import Verdict, judge
from tests.random_networks.shrink import shrink
from tests.random_networks.simulate import Table
from tests.random_networks.spec import draw_spec

LIMIT = 60
"""Seconds that a network may take; they are made to take a tenth of one."""
TOOLS_EVERY = 20
COMMAND_EVERY = 150
SHRINKING = 12.0
"""Seconds for making one example smaller."""
EXAMPLES = 6
"""How many of a kind are made smaller, in each process."""


@dataclass(frozen=True)
class Fault:
    """A network that is wrong, as small as it could be made."""

    seed: int
    kind: str
    detail: str
    spec: Table
    shrunk: bool = True


@dataclass
class Report:
    """What a campaign found."""

    drawn: int = 0
    accepted: int = 0
    seconds: float = 0.0
    refused: Counter[str] = field(default_factory=Counter[str])
    features: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    faults: list[Fault] = field(default_factory=list[Fault])

    def add(self, other: Report) -> None:
        self.drawn += other.drawn
        self.accepted += other.accepted
        self.refused += other.refused
        self.features += other.features
        self.kinds += other.kinds
        self.faults += other.faults

    def examples(self) -> dict[str, list[Fault]]:
        """The smallest example of each outline, by kind, the most frequent first."""
        found: dict[str, list[Fault]] = {}
        for kind, _ in self.kinds.most_common():
            of_kind = [f for f in self.faults if f.kind == kind and f.shrunk]
            smallest: dict[str, Fault] = {}
            for fault in sorted(of_kind, key=lambda f: len(json.dumps(f.spec))):
                smallest.setdefault(outline(fault.spec), fault)
            found[kind] = list(smallest.values())
        return found


def fresh_seed() -> int:
    return randbelow(2**32)


def try_seed(seed: int, folder: Path, *, slow: bool = True) -> tuple[Table, Verdict]:
    """Draws the network of a seed and judges it.

    What is not `slow` holds the network alone: no other arguments of its constructor.
    """
    spec = draw_spec(seed)
    with Limited():
        verdict = judge(
            spec,
            folder,
            thorough=slow,
            tools=slow and seed // 2 % TOOLS_EVERY == 0,
            command=slow and seed // 2 % COMMAND_EVERY == 0,
        )
    return spec, verdict


class Limited:
    """Raises TimeoutError in what takes too long."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, self._stop)
        signal.alarm(LIMIT)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)

    def _stop(self, *_: object) -> None:
        raise TimeoutError(f"more than {LIMIT} s")


def small(seed: int, spec: Table, verdict: Verdict, folder: Path) -> Fault:
    """The fault of a network, made smaller."""
    kind = verdict.kind
    assert kind is not None
    needs = {
        "thorough": kind.startswith(("with other arguments", "check with", "emit: ")),
        "tools": kind.startswith("ruff"),
        "command": kind.startswith(("archc compile", "the written file")),
    }

    def bad(candidate: Table) -> bool:
        try:
            with Limited():
                return judge(candidate, folder, **needs).kind == kind
        except Exception:  # a candidate need not even be a spec
            return False

    return Fault(seed, kind, verdict.detail, shrink(spec, bad, SHRINKING))


def work(
    start: int,
    step: int,
    seconds: float,
    count: int | None,
    into: Any,
    current: Any,
) -> None:
    """One process: networks from `start` on, each `step` further."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torch's, of odd paddings and empty tensors
    end = time.monotonic() + seconds
    seed = start
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shrunk: Counter[str] = Counter()
        while time.monotonic() < end and count != 0:
            current.value = seed
            into.put(_one(seed, folder, shrunk))
            seed += step
            count = None if count is None else count - 1


def _one(seed: int, folder: Path, shrunk: Counter[str]) -> Report:
    report = Report(drawn=1)
    spec, verdict = try_seed(seed, folder)
    report.accepted = int(verdict.accepted)
    if verdict.refused is not None:
        report.refused[verdict.refused] += 1
    if verdict.accepted:
        report.features.update(features(spec))
        report.features["hostile names" if seed % 2 else "plain names"] += 1
    if verdict.kind is not None:
        report.kinds[verdict.kind] += 1
        shrunk[verdict.kind] += 1
        fault = Fault(seed, verdict.kind, verdict.detail, spec, shrunk=False)
        if shrunk[verdict.kind] <= EXAMPLES:
            fault = small(seed, spec, verdict, folder)
        report.faults.append(fault)
    return report


class _Worker:
    """A process that goes through seeds, and is started again behind one that ends it:
    torch's kernels can."""

    def __init__(self, start: int, step: int, count: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._context = context
        self._step, self._count = step, count
        self._began = start
        self._current = context.Value("Q", start)
        self.process: Any = None

    def start(self, end: float, into: Any) -> None:
        seconds = end - time.monotonic()
        given = (self._began, self._step, seconds, self._count, into, self._current)
        self.process = self._context.Process(target=work, args=given)
        self.process.start()

    def died(self) -> Report:
        """What became of the network that it was at; the next one is where to go on."""
        seed = self._current.value
        kind = f"a process died with {self.process.exitcode}"
        if self._count is not None:
            self._count -= (seed - self._began) // self._step + 1
        self._began = seed + self._step
        fault = Fault(seed, kind, "", draw_spec(seed))
        return Report(drawn=1, kinds=Counter([kind]), faults=[fault])


def campaign(
    *, minutes: float, count: int | None, names: str, processes: int
) -> Report:
    """Runs networks from fresh seeds; `names` is "plain", "hostile" or "both"."""
    into = multiprocessing.get_context("spawn").Queue()
    total, began = Report(), time.monotonic()
    end = began + 60 * minutes
    workers: list[_Worker] = []
    for number in range(processes):
        start = fresh_seed()
        if names != "both":
            start = start // 2 * 2 + (names == "hostile")
        print(f"process {number}: seeds from {start}", flush=True)
        share = None if count is None else len(range(number, count, processes))
        workers.append(_Worker(start, 1 if names == "both" else 2, share))
        workers[-1].start(end, into)
    said = began
    while workers:
        try:
            report = into.get(timeout=1)
            for fault in report.faults:
                print(f"seed {fault.seed}: {fault.kind}", flush=True)
            total.add(report)
        except queue.Empty:
            for worker in [w for w in workers if not w.process.is_alive()]:
                if worker.process.exitcode and into.empty():
                    total.add(worker.died())
                    worker.start(end, into)
                elif into.empty():
                    workers.remove(worker)
            continue
        if time.monotonic() - said > 30:
            said = time.monotonic()
            print(
                f"{said - began:.0f} s: {total.drawn} drawn, {total.accepted} accepted,"
                f" {sum(total.kinds.values())} at fault",
                flush=True,
            )
    total.seconds = time.monotonic() - began
    return total


def save(report: Report, folder: Path) -> None:
    """Writes the smallest example of each kind, its name telling the kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, faults in report.examples().items():
        name = re.sub(r"\W+", "_", kind).strip("_")[:90]
        for number, fault in enumerate(faults):
            text = json.dumps(fault.spec, ensure_ascii=False, indent=1)
            path = folder / f"{name}.{number}.json"
            path.write_text(text + "\n", encoding="utf-8")
