"""Questions about many networks of one spec."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archc.api.loading import load
from archc.api.network import Network

if TYPE_CHECKING:
    from archc.design.solve import Answer
    from archc.design.sweep import Sweep
    from archc.design.variants import Variants
    from archc.measure.memory import Optimizer, Precision
    from archc.ops.steps import Device


def sweep(
    spec: Network | str | os.PathLike[str],
    /,
    *,
    vary: Mapping[str, Iterable[Any]],
    batch: int = 32,
    optimizer: Optimizer = "sgd",
    precision: Precision = "fp32",
    device: Device = "cuda",
) -> Sweep:
    """What a network amounts to for every combination of values of its [params].

    `vary` gives the values by name, or by item of a list: `{"depths[2]": range(1, 9)}`.
    Memory is the peak of a training step, in bytes. Printed it is a table, in a
    notebook a plot; `to_csv`, `to_json` and `to_svg` give it in other forms.

    Raises:
        SpecError: if the spec has errors.
        ValueError: if there is no such parameter, or nothing for it to be.
    """
    from archc.design.sweep import sweep as sweep_variants
    from archc.design.variants import Step

    step = Step(batch, optimizer, precision, device)
    return sweep_variants(_variants(spec, vary), step)


def solve(
    spec: Network | str | os.PathLike[str],
    /,
    *,
    vary: Mapping[str, Iterable[Any]],
    where: Sequence[str] = (),
    maximize: str | None = None,
    minimize: str | None = None,
    limit: int = 4000,
) -> Answer:
    """The values of a network's [params] that satisfy conditions and have most, or
    least, of something; printed it says what limits them.

    Conditions are expressions: `macs <= 1e9`, `memory(batch=64, optimizer="adam") <=
    24GB`. At most `limit` combinations are looked at.

    Raises:
        SpecError: if the spec has errors.
        ValueError: if there is no such parameter, or a text is no condition.
    """
    from archc.design.solve import solve as solve_variants

    variants = _variants(spec, vary)
    return solve_variants(
        variants, where, maximize=maximize, minimize=minimize, limit=limit
    )


def _variants(
    spec: Network | str | os.PathLike[str], vary: Mapping[str, Iterable[Any]]
) -> Variants:
    from archc.design.ranges import given
    from archc.design.variants import Variants

    network = spec if isinstance(spec, Network) else load(spec)
    ranges = [given(name, values) for name, values in vary.items()]
    return Variants(network._network.spec, ranges)  # pyright: ignore[reportPrivateUsage]
