"""How far predictions are from torch's account, over random networks.

Networks come from both generators in turn, and are small enough for real tensors, whose
kernels lay out memory as fake ones do not in every place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from archc.diagnostics.model import Sink
from archc.emit.module import emit
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.measure import tracked
from tests.measure.networks import Writer
from tests.random_networks.spec import draw_spec

BATCH = 3


@dataclass(frozen=True)
class Error:
    """Of one network."""

    name: str
    saved: int
    """Bytes predicted too much, or with a sign too little."""
    peak: float
    """The same of the peak, as a share."""

    def __str__(self) -> str:
        return f"{self.name}: saved {self.saved:+} B, peak {100 * self.peak:+.3f} %"


def drawn(seed: int) -> dict[str, Any]:
    """The spec with this seed."""
    if seed % 2:
        return Writer(Random(seed), 25).spec()
    return draw_spec(seed)


def case(seed: int, folder: Path) -> tracked.Case | None:
    """The network with this seed; None where archc refuses the spec, where torch has
    nothing to train, or where an op is the spec's own: what that keeps nobody knows,
    and its input and output stand for it."""
    spec = drawn(seed)
    if "ops" in spec:
        return None
    path = folder / "random_net.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    sink = Sink()
    analysis = analyse(path, Loader(sink, anywhere=True), sink)
    if analysis is None:
        return None
    made = tracked.Case(analysis.network, emit(analysis.network))
    return made if made.footprint().gradients else None


def errors(seeds: range, count: int, folder: Path) -> Iterator[Error]:
    """Of the first `count` networks that can be trained."""
    done = 0
    for seed in seeds:
        if done == count:
            return
        made = case(seed, folder)
        if made is not None:
            done += 1
            yield error(f"seed {seed}", made, batch=BATCH, fake=False)


def error(name: str, made: tracked.Case, *, batch: int, fake: bool) -> Error:
    found = tracked.step(made, batch=batch, fake=fake)
    predicted = made.footprint(optimizer="none", device="cpu").at(batch)
    return Error(
        name, predicted.saved - found.saved, predicted.peak.total / found.peak - 1
    )
