"""From merged tables to a `Spec`: the structure of a file, its parameters and claims.

Every mistake that can be seen without numbers is reported, in blocks that nobody uses
too, and parsing goes on after each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Diagnostic, Sink
from archc.ops.attributes import plain
from archc.source.document import Document, KeyPlace
from archc.source.folding import folded
from archc.source.kinds import is_table
from archc.source.positions import FilePlace
from archc.spec import tables
from archc.spec.definitions import DefinitionParser
from archc.spec.identifiers import of_class, of_network
from archc.spec.init import parse_init
from archc.spec.input import as_input, parse_inputs
from archc.spec.misplaced import Misplaced, find_misplaced, meant_key
from archc.spec.model import (
    MAX_NODES,
    Block,
    BlockNode,
    Merged,
    Node,
    Origin,
    Silence,
    Spec,
    body_of,
    children,
)
from archc.spec.names import NameCheck
from archc.spec.nodes import NodeParser
from archc.spec.outputs import beside_heads, parse_outputs
from archc.spec.own_ops import parse_own_ops
from archc.spec.placement import placed
from archc.spec.slots import check_slots
from archc.spec.validate import listed, not_misspelled, validate
from archc.spec.values import check_values
from archc.spec.words import Words
from archc.spec.written import items, said

_NEEDED = {
    "archc": "archc = 1, the version of the language",
    "name": 'name = "...", a Python identifier that names the generated module',
    "network": "[network] with input = [3, 224, 224] and layers = [...]",
}


def parse_spec(merged: Merged, sink: Sink) -> Spec | None:
    """The spec in `merged`; None where its outermost structure is broken.

    A file with blocks and no network is a library for others to `use`; its blocks are
    checked and None is returned.
    """
    found = Sink()
    spec = _spec(merged, found) if check_values(merged, found) else None
    uses = {} if spec is None else _uses(spec)
    for diagnostic in found:
        sink.report(_counted(diagnostic, uses))
    return spec


def is_library(data: Mapping[str, Any]) -> bool:
    """Whether a file only holds blocks for others to `use`."""
    return "blocks" in data and not {"network", "name", "extends"} & data.keys()


def _spec(merged: Merged, sink: Sink) -> Spec | None:
    root = Origin(merged, ())
    data = merged.data
    misplaced = find_misplaced(data, root, sink)
    top = _file_table(data, root, misplaced, sink)
    parser = NodeParser(sink, data.get("blocks"), misplaced.blocks)
    own = parse_own_ops(data.get("ops"), parser.written, root.below("ops"))
    parser.ops.own = own
    definitions = DefinitionParser(parser)
    blocks = {
        name: definitions.block(name, table, root.below("blocks", name))
        for name, table in parser.uses.tables.items()
    }
    network = data.get("network")
    if top is None or not is_table(network):
        _check_names(None, blocks, parser, data, misplaced)
        return None
    below = root.below("network")
    _network_table(network, below, misplaced, sink)
    if network.get("layers") == []:
        sink.error(
            "empty-network", "the network has no layers", below.at("layers"),
            help='add nodes: { op = "conv2d", out_channels = 64, kernel_size = 3 }',
        )  # fmt: skip
    outputs = parse_outputs(
        network.get("outputs"), parser.written, below.below("outputs")
    )
    params = data.get("params")
    keys = params if is_table(params) else {}
    places = {name: root.at("params", name, part="key") for name in keys}
    lets, _ = definitions.lets(network.get("let"), below.below("let"), places)
    heads = definitions.heads(data.get("heads"), root, beside_outputs=bool(outputs))
    beside_heads(outputs, heads, parser.written)
    spec = Spec(
        origin=root,
        name=_network_name(data, root, sink) or "unnamed",
        class_name=None if top.class_name is None else folded(top.class_name),
        title=said(top.title),
        source=said(top.source),
        params=_params(data.get("params"), parser, root.below("params")),
        inputs=parse_inputs(network, parser.written, below),
        layers=parser.nodes(network.get("layers"), below.below("layers")),
        slots=_slots(data, parser, root),
        blocks=definitions.without_circles(blocks),
        lets=lets,
        outputs=outputs,
        heads=heads,
        init=parse_init(data.get("init"), root.below("init"), sink),
        advice=_silences(data.get("advice"), root.below("advice"), sink),
        expect=_claims(data.get("expect"), root.below("expect"), sink),
    )
    _check_names(spec, blocks, parser, data, misplaced)
    return placed(spec, sink)


def _check_names(
    spec: Spec | None,
    blocks: Mapping[str, Block],
    parser: NodeParser,
    data: Mapping[str, Any],
    misplaced: Misplaced,
) -> None:
    """What needs all nodes: names in expressions, and the arguments of blocks."""
    parser.ops.report_unknown()
    parser.uses.report_unknown()
    check_slots(spec, blocks, parser.sink)
    params: Any = data.get("params", {})
    known = params if is_table(params) else ()
    Words(spec, blocks).settle(parser.sink)
    names = NameCheck(parser.sink, known, misplaced.params)
    told = {
        block.name: names.block(block, parser.uses.undeclared(block.name))
        for block in blocks.values()
    }
    doubtful = {name for name, block in blocks.items() if block.broken}
    parser.uses.report_misfits(told, doubtful)
    if spec is not None and isinstance(params, dict):
        names.network(spec)


def _file_table(
    data: Mapping[str, Any], root: Origin, misplaced: Misplaced, sink: Sink
) -> tables.FileTable | None:
    """The outermost table, without what was reported."""
    needed = ("archc",) if is_library(data) else tuple(_NEEDED)
    unknown = data.keys() - tables.FileTable.model_fields.keys()
    there = data.keys() | misplaced.stands_for | _below_network(data)
    missing = not_misspelled([key for key in needed if key not in there], unknown)
    if missing:
        sink.error(
            "missing-key",
            f"a spec file lacks {listed(missing)}",
            root.at(),
            help=_lacking(missing, root.merged.document(())),
        )
    _check_version(data.get("archc", 1), root, sink)
    table = {key: data[key] for key in data if key not in misplaced.keys}
    return validate(tables.FileTable, {**table, "archc": 1}, root, sink, "a spec file")


def _below_network(data: Mapping[str, Any]) -> set[str]:
    """Keys of the file that stand in [network], where they slipped in below it."""
    network = data.get("network")
    fields = tables.FileTable.model_fields.keys()
    return fields & network.keys() if is_table(network) else set()


def _network_table(
    network: Mapping[str, Any], origin: Origin, misplaced: Misplaced, sink: Sink
) -> None:
    """Holds [network] to its keys; `input` has a check of its own."""
    table = dict(network)
    for key in _below_network({"network": network}):
        del table[key]
        sink.error(
            "unknown-key",
            f"`{key}` stands in [network], and belongs to the whole file",
            origin.at(key, part="key"),
            help="move it up, above the first line with [ ]",
        )
    known = tables.NetworkTable.model_fields.keys()
    inputs = [key for key in table.keys() - known if meant_key(key, known) == "input"]
    for key in inputs if not {"input", "inputs"} & table.keys() else ():
        help = as_input(key, table.pop(key))
        message, place = f"[network] has no key `{key}`", origin.at(key, part="key")
        sink.error("unknown-key", message, place, help=help)
    # what is wrong with these is told elsewhere
    if inputs or {"input", "inputs"} & table.keys():
        table["input"] = [1]
    table.pop("inputs", None)
    for key in misplaced.stands_for & known:
        table.setdefault(key, [1])
    validate(tables.NetworkTable, table, origin, sink, "[network]")


def _lacking(missing: list[str], document: Document) -> str:
    """What to add; the version of the language can only be one."""
    help = "add " + "; and ".join(_NEEDED[key] for key in missing)
    if missing != ["archc"] or document.format != "toml":
        return help
    return Mend(
        help, Edit("archc = 1\n", place=FilePlace(document.name, document.text))
    )


_VERSION = Edit("1", "value")


def _check_version(version: Any, root: Origin, sink: Sink) -> None:
    if type(version) is not int:
        sink.error(
            "wrong-type",
            f"`archc` must be a whole number, not {plain(version)}",
            root.at("archc"),
            help=Mend("write archc = 1, the version of the language", _VERSION),
        )
    elif version < 1:
        sink.error(
            "bad-value",
            f"there is no version {version} of the language",
            root.at("archc"),
            help=Mend("write archc = 1", _VERSION),
        )
    elif version > 1:
        sink.error(
            "newer-language",
            f"this spec asks for version {version} of the language; version 1 is known",
            root.at("archc"),
            help="install a newer archc, or write archc = 1 if that is enough",
        )


def _network_name(data: Mapping[str, Any], root: Origin, sink: Sink) -> str | None:
    for key, what, rule in (
        ("name", "a network", of_network),
        ("class_name", "a class", of_class),
    ):
        text = data.get(key)
        problem = rule(folded(text)) if isinstance(text, str) else None
        if problem is not None:
            why, help = problem
            message = f"{plain(text)} cannot name {what}: {why}"
            sink.error("bad-name", message, root.at(key), help=help)
    name = data.get("name")
    return folded(name) if isinstance(name, str) else None


def _params(table: Any, parser: NodeParser, origin: Origin) -> dict[str, Any]:
    if not is_table(table):
        return {}
    params: dict[str, Any] = {}
    for key, value in table.items():
        parser.written.identifier(key, origin.at(key, part="key"), "parameter")
        params[key] = parser.written.argument(value, origin.below(key))
    return params


def _slots(
    data: Mapping[str, Any], parser: NodeParser, root: Origin
) -> dict[str, Node]:
    """The network's own slots; their names are none of its parameters'."""
    table, params = data.get("slots"), data.get("params")
    if not is_table(table):
        return {}
    found, _ = parser.slots.declared(table, root.below("slots"))
    others = params if is_table(params) else {}
    parser.slots.apart(
        {name: root.below("slots", name) for name in found},
        {name: root.below("params", name) for name in others},
    )
    return {name: node for name, node in found.items() if node is not None}


def _claims(table: Any, origin: Origin, sink: Sink) -> dict[str, Any]:
    if not is_table(table):
        return {}
    model = validate(tables.ExpectTable, table, origin, sink, "[expect]")
    return {} if model is None else model.model_dump(exclude_unset=True)


def _silences(value: Any, origin: Origin, sink: Sink) -> tuple[Silence, ...]:
    found: list[Silence] = []
    for number, table in enumerate(items(value)):
        if is_table(table):
            place, what = origin.below(number), "what `advice` holds"
            model = validate(tables.SilenceTable, table, place, sink, what)
            found += [Silence(model.code, model.reason)] if model is not None else []
    return tuple(found)


def _counted(diagnostic: Diagnostic, uses: Mapping[str, int]) -> Diagnostic:
    """A mistake in a block's definition is met as often as the block is used."""
    place = diagnostic.place
    if not isinstance(place, KeyPlace) or place.path[:1] != ("blocks",):
        return diagnostic
    if len(place.path) == 1:
        return diagnostic  # it is about the table of all blocks
    met = uses.get(str(place.path[1]), 0)
    return replace(diagnostic, occurrences=max(diagnostic.occurrences, met))


def _uses(spec: Spec) -> dict[str, int]:
    """How often each block is used, as far as that is written in plain numbers.

    None is used more often than a network has nodes. Blocks that contain themselves
    count as often as they are used from elsewhere.
    """
    heads = tuple(head.node for head in spec.heads)
    direct = {name: _direct_uses(body_of(b), 1) for name, b in spec.blocks.items()}
    total = _direct_uses((*spec.layers, *heads, *spec.slots.values()), 1)
    waiting = Counter(used for uses in direct.values() for used in uses)
    ready = [name for name in direct if not waiting[name]]
    while ready:
        name = ready.pop()
        for used, times in direct[name].items():
            total[used] = min(total[used] + times * total[name], MAX_NODES)
            waiting[used] -= 1
            if used in direct and not waiting[used]:
                ready.append(used)
    return total


def _direct_uses(nodes: tuple[Node, ...], times: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for node in nodes:
        inside = times
        if type(node.repeat) is int and node.repeat > 0:
            inside *= node.repeat
        if isinstance(node, BlockNode):
            found[node.block] += inside
            found += _direct_uses(tuple(node.slots.values()), inside)
        found += _direct_uses(tuple(children(node)), inside)
    return found
