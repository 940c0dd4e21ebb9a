"""A network as the page shows it, from the readings of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from archc.escaping import one_line, visible
from archc.measure.cost import Facts
from archc.measure.summary import describe
from archc.network import graph
from archc.network.check import inferred_numbers
from archc.page.model import (
    Claim,
    File,
    Layer,
    Lines,
    Network,
    Step,
    Training,
)
from archc.page.sources import Sources, shown_lines
from archc.page.tree import graph_of

if TYPE_CHECKING:
    from archc.emit.listing import LayerLines, Listing
    from archc.measure.memory import Footprint

BATCHES = tuple(2**n for n in range(11))
"""For which batches the memory of a step is shown."""


def network_of(
    network: graph.Network,
    facts: Facts,
    label: str,
    listing: Listing | None = None,
    footprints: Sequence[Footprint] = (),
) -> Network:
    """What the page shows of a network; without `listing` its code is left out."""
    sources = Sources(network)
    spec = network.spec
    return Network(
        name=network.name,
        title=one_line(spec.title or network.name),
        label=visible(label),
        source=one_line(spec.source or ""),
        params=facts.params,
        params_with_heads=facts.params_with_heads,
        buffers=facts.buffers,
        macs=facts.macs,
        field=facts.receptive_field,
        layers=tuple(_layers(network, facts, sources, listing, footprints)),
        graph=graph_of(network),
        files=sources.files(),
        code=None if listing is None else _code(network, listing),
        claims=tuple(_claims(network, facts, sources)),
        training=tuple(map(_training, footprints)),
    )


def _code(network: graph.Network, listing: Listing) -> File:
    return File(f"{network.name}.py", shown_lines(listing.source))


# ---- layers


def _layers(
    network: graph.Network,
    facts: Facts,
    sources: Sources,
    listing: Listing | None,
    footprints: Sequence[Footprint],
) -> Iterator[Layer]:
    kept = footprints[0].kept if footprints else {}
    settings: dict[int, str] = {}
    for layer in network.all_layers():
        numbers = facts.layers[layer]
        setting = settings.get(id(layer.op))
        if setting is None:
            setting = visible(describe(layer.op, layer.input_shape()))
            settings[id(layer.op)] = setting
        own, around = _code_lines(listing.layers[layer] if listing else None)
        yield Layer(
            path=visible(layer.path),
            op=visible(layer.op.op),
            category=layer.op.category,
            setting=setting,
            input=tuple(v.shape.sizes for v in layer.inputs if v.shape is not None),
            output=layer.output_shape().sizes,
            params=numbers.params,
            macs=numbers.macs,
            memory=kept[layer].each if layer in kept else 0,
            field=numbers.receptive_field,
            again=layer.again is not None,
            spec=sources.own[layer],
            spec_around=sources.around[layer],
            code=own,
            code_around=around,
        )


def _code_lines(found: LayerLines | None) -> tuple[tuple[Lines, ...], ...]:
    """Where a layer is called and built, and where what is around it is."""
    if found is None:
        return (), ()
    called, built = found
    own, around = (*called[:1], *built[:1]), (*called[1:], *built[1:])
    return tuple(
        tuple(Lines(0, *pair) for pair in dict.fromkeys(pairs))
        for pairs in (own, around)
    )


# ---- claims


def _claims(network: graph.Network, facts: Facts, sources: Sources) -> Iterator[Claim]:
    origin = network.spec.origin.below("expect")
    numbers = inferred_numbers(facts)
    for key, claimed in network.spec.expect.items():
        lines = sources.of(origin.at(key))
        if key == "output":
            (inferred,) = _shapes(network).values()
        elif key == "outputs":
            inferred = _shapes(network)
        else:
            inferred = numbers[key]
        holds = claimed == inferred
        yield Claim(key, _shown(claimed), _shown(inferred), holds, lines)
    told: set[tuple[Lines, str]] = set()
    for claim in network.claims:
        lines, inferred = sources.of(claim.place), _shown(claim.inferred.sizes)
        if (lines, inferred) in told:
            continue  # of a block that is used many times
        told.add((lines, inferred))
        layer = claim.value.layer
        what = "the input" if layer is None else f"shape of {visible(layer.path)}"
        holds = tuple(claim.stated) == claim.inferred.dims
        yield Claim(what, _shown(claim.stated), inferred, holds, lines)


def _shapes(network: graph.Network) -> dict[str, list[int]]:
    outputs = network.outputs.items()
    return {n: list(v.shape.sizes) for n, v in outputs if v.shape is not None}


def _shown(value: Any) -> str:
    """A number, a shape, or shapes by name, as text."""
    if isinstance(value, dict):
        return ", ".join(f"{visible(str(n))} {_shown(v)}" for n, v in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return dims_text(value)  # pyright: ignore[reportUnknownArgumentType]
    return f"{value:,}" if isinstance(value, int) else visible(str(value))


def dims_text(dims: Iterable[Any]) -> str:
    """A shape as people write it: `64 × 56 × 56`."""
    return " × ".join(map(str, dims))


# ---- memory


def _training(found: Footprint) -> Training:
    steps: list[Step] = []
    for batch in BATCHES:
        memory = found.at(batch)
        lasting = found.lasting.at(batch)
        gradients = memory.gradients
        steps.append(Step(batch, memory.peak.total, memory.saved, lasting, gradients))
    return Training(found.optimizer, tuple(steps))


def readings(network: graph.Network) -> tuple[Listing, list[Footprint]]:
    """What takes longer than the picture: the module, and the memory of training it."""
    from archc.emit.execution import execution
    from archc.emit.listing import listing
    from archc.measure.memory import footprint

    run = execution(network)
    optimizers = ("sgd", "momentum", "adam")
    return listing(network), [footprint(network, run, optimizer=o) for o in optimizers]
