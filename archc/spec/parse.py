"""From merged tables to a `Spec`: which node is what, and are its keys right.

Nothing is evaluated here. Every mistake that can be seen without numbers is reported, in
blocks that nobody uses too, and parsing goes on after each.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from archc.diagnostics.model import Label, Sink
from archc.diagnostics.suggest import did_you_mean
from archc.ops.base import Op, plain
from archc.ops.registry import OPS
from archc.spec import tables
from archc.spec.expressions import (
    FUNCTIONS,
    Expr,
    ExpressionError,
    ListOf,
    Unparsed,
    parse,
)
from archc.spec.init import parse_init
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    BranchesNode,
    BrokenNode,
    GroupNode,
    HeadSpec,
    Merged,
    Node,
    OpNode,
    Origin,
    Spec,
    Template,
)
from archc.spec.validate import explain, place_in, validate

MAX_NESTING = 30
_INFERRED = {
    "in_channels": "the channels of what it reads",
    "in_features": "the features of what it reads",
    "num_features": "the channels of what it reads",
    "num_channels": "the channels of what it reads",
}


def parse_spec(merged: Merged, sink: Sink) -> Spec | None:
    """The spec in `merged`; None where its outermost structure is broken.

    A file with blocks and no network is a library for others to `use`; its blocks are
    checked and None is returned.
    """
    root = Origin(merged, ())
    _check_version(merged.data, root, sink)
    top = validate(tables.FileTable, merged.data, root, sink, "a spec file")
    data = merged.data
    parser = _Parser(sink, _tables(data.get("blocks")))
    blocks = {
        name: block
        for name, table in parser.block_tables.items()
        if (block := parser.block(name, table, root.below("blocks", name)))
    }
    parser.check_block_circles(blocks, root)
    network = data.get("network")
    if not isinstance(network, dict):
        if top is not None and not is_library(data):
            sink.error(
                "missing-key",
                "a spec needs a [network] table with `input` and `layers`",
                root.at(),
                help='add [network] with input = [3, 224, 224] and layers = [...],'
                " or extend a spec that has it",
            )
        return None
    below = root.below("network")
    body = validate(tables.NetworkTable, network, below, sink, "[network]")  # pyright: ignore[reportUnknownArgumentType]
    layers = parser.nodes(network.get("layers"), below.below("layers"))  # pyright: ignore[reportUnknownMemberType]
    heads = parser.heads(data.get("heads"), root)
    init = parse_init(data.get("init"), root.below("init"), sink)
    expect = data.get("expect")
    if isinstance(expect, dict):
        claims = validate(
            tables.ExpectTable, expect, root.below("expect"), sink, "[expect]"  # pyright: ignore[reportUnknownArgumentType]
        )
    else:
        claims = None
    name = _network_name(data, root, sink)
    if top is None or body is None or name is None:
        return None
    if not layers:
        sink.error(
            "empty-network", "the network has no layers", below.at("layers"),
            help='add nodes: { op = "conv2d", out_channels = 64, kernel_size = 3 }',
        )  # fmt: skip
    params = {
        key: parser.argument(value, root.below("params", key))
        for key, value in top.params.items()
        if parser.identifier(key, root.below("params").at(key, part="key"), "parameter")
    }
    return Spec(
        origin=root,
        name=name,
        class_name=top.class_name,
        title=top.title,
        source=top.source,
        params=params,
        input=tuple(
            parser.argument(v, below.below("input", i))
            for i, v in enumerate(body.input)
        ),
        layers=layers,
        blocks=blocks,
        heads=heads,
        init=init,
        expect={} if claims is None else claims.model_dump(exclude_unset=True),
    )


def is_library(data: Mapping[str, Any]) -> bool:
    """Whether a file only holds blocks for others to `use`."""
    return "blocks" in data and not {"network", "name", "extends"} & data.keys()


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(v, dict)}  # pyright: ignore[reportUnknownVariableType]


def _check_version(data: Mapping[str, Any], root: Origin, sink: Sink) -> None:
    version = data.get("archc")
    if isinstance(version, int) and not isinstance(version, bool) and version > 1:
        sink.warning(
            "newer-language",
            f"this spec asks for version {version} of the language; version 1 is known",
            root.at("archc"),
            help="install a newer archc, or set archc = 1",
        )


def _network_name(data: Mapping[str, Any], root: Origin, sink: Sink) -> str | None:
    name = data.get("name")
    if name is None:
        sink.error(
            "missing-key",
            "a spec file lacks `name`",
            root.at(),
            help='add `name = "..."`, a Python identifier: it names the generated module',
        )
        return None
    if not isinstance(name, str):
        return None  # its wrong type has been reported
    for key in ("name", "class_name"):
        text = data.get(key)
        if isinstance(text, str) and not _is_identifier(text):
            sink.error(
                "bad-name",
                f"`{key}` must be a Python identifier, not {text!r}",
                root.at(key),
                help="letters, digits and _, not a digit first, no Python keyword",
            )
            if key == "name":
                return None
    return name


def _is_identifier(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


class _Parser:
    def __init__(self, sink: Sink, block_tables: dict[str, dict[str, Any]]) -> None:
        self.sink = sink
        self.block_tables = block_tables

    # ---- blocks and heads

    def block(self, name: str, table: dict[str, Any], origin: Origin) -> Block | None:
        fine = self.identifier(name, origin.at(part="key"), "block")
        model = validate(
            tables.BlockTable, table, origin, self.sink, f"block `{name}`"
        )
        layers = self.nodes(table.get("layers"), origin.below("layers"))
        if model is None or not fine:
            return None
        required: list[str] = []
        for number, parameter in enumerate(model.params):
            place = origin.at("params", number)
            if parameter in required or parameter in model.defaults:
                self.sink.error(
                    "duplicate-name",
                    f"block `{name}` has two parameters called `{parameter}`",
                    place,
                    help="a parameter is either in `params` or in `defaults`, once",
                )
            elif self.identifier(parameter, place, "parameter"):
                required.append(parameter)
        defaults = {
            key: self.argument(value, origin.below("defaults", key))
            for key, value in model.defaults.items()
            if self.identifier(
                key, origin.below("defaults").at(key, part="key"), "parameter"
            )
        }
        return Block(name, origin, tuple(required), defaults, layers, model.doc)

    def check_block_circles(self, blocks: dict[str, Block], root: Origin) -> None:
        """A block that contains itself would never end."""
        from graphlib import CycleError, TopologicalSorter

        from archc.spec.model import walk

        uses: dict[str, dict[str, BlockNode]] = {
            name: {n.block: n for n in walk(b.layers) if isinstance(n, BlockNode)}
            for name, b in blocks.items()
        }
        sorter = TopologicalSorter({k: set(v) for k, v in uses.items()})
        try:
            sorter.prepare()
        except CycleError as error:
            circle: list[str] = error.args[1][::-1]
            first = uses[circle[0]][circle[1]]
            self.sink.error(
                "recursive-block",
                f"blocks contain each other in a circle: {' -> '.join(circle)}",
                first.origin.at("block"),
                *(
                    Label(uses[a][b].origin.at("block"), f"`{a}` uses `{b}` here")
                    for a, b in zip(circle[1:], circle[2:], strict=False)
                ),
                help="use `repeat` for what is said many times",
            )

    def heads(self, value: Any, root: Origin) -> tuple[HeadSpec, ...]:
        found: dict[str, HeadSpec] = {}
        for number, table in enumerate(value if isinstance(value, list) else ()):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            if not isinstance(table, dict):
                continue  # its wrong type has been reported
            origin = root.below("heads", number)
            own: dict[str, Any] = {
                k: v for k, v in table.items() if k in ("name", "from", "loss_weight")  # pyright: ignore[reportUnknownVariableType]
            }
            model = validate(tables.HeadTable, own, origin, self.sink, "a head")
            rest: dict[str, Any] = {
                k: v for k, v in table.items() if k not in ("from", "loss_weight")  # pyright: ignore[reportUnknownVariableType]
            }
            node = self.node(rest, origin, 0)
            if model is None:
                continue
            if not self.identifier(model.name, origin.at("name"), "head"):
                continue
            if model.name in found:
                self.sink.error(
                    "duplicate-name",
                    f"two heads are called `{model.name}`",
                    origin.at("name"),
                    Label(found[model.name].origin.at("name"), "the first one"),
                    help="give each head its own name",
                )
                continue
            weight = self.argument(model.loss_weight, origin.below("loss_weight"))
            found[model.name] = HeadSpec(model.name, origin, model.from_, node, weight)
        return tuple(found.values())

    # ---- nodes

    def nodes(self, value: Any, origin: Origin, depth: int = 0) -> tuple[Node, ...]:
        if not isinstance(value, list):
            return ()  # its wrong type has been reported
        return tuple(
            self.node(item, origin.below(i), depth)
            for i, item in enumerate(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        )

    def node(self, table: Any, origin: Origin, depth: int) -> Node:
        if not isinstance(table, dict):
            self.sink.error(
                "wrong-type",
                f"a node is a table, `{{ op = ... }}`, not {plain(table)}",
                origin.at(),
                help="write { op = ... }, { block = ... }, { layers = [...] }"
                " or { branches = [...], merge = ... }",
            )
            return BrokenNode(origin=origin)
        if depth > MAX_NESTING:
            self.sink.error(
                "nested-too-deeply",
                f"nodes are nested more than {MAX_NESTING} deep",
                origin.at(),
                help="move the inner part into a block",
            )
            return BrokenNode(origin=origin)
        own = tables.MODIFIERS & table.keys()
        common = self._modifiers({k: table[k] for k in own}, origin, depth)
        body = self._body(table, origin)  # pyright: ignore[reportUnknownArgumentType]
        if body is None:
            return BrokenNode(**common)
        rest: dict[str, Any] = {k: v for k, v in table.items() if k not in own}  # pyright: ignore[reportUnknownVariableType]
        build = {
            "op": self._op,
            "block": self._block_use,
            "layers": self._group,
            "branches": self._branches,
        }[body]
        return build(rest, origin, common, depth) or BrokenNode(**common)

    def _body(self, table: dict[str, Any], origin: Origin) -> str | None:
        bodies = [b for b in tables.BODIES if b in table]
        # `merge` alone still says what was meant
        if len(bodies) == 1:
            return bodies[0]
        if not bodies:
            near = None
            for key in table:
                hint = did_you_mean(key, tables.BODIES)
                if key not in tables.MODIFIERS and hint and hint.startswith("did"):
                    near = hint
            self.sink.error(
                "node-body",
                "this node has no body: none of op, block, layers, branches",
                origin.at(),
                help=near or 'say what it is: op = "conv2d", block = "...",'
                " layers = [...], or branches = [...] with merge",
            )
        else:
            self.sink.error(
                "node-body",
                f"this node has {len(bodies)} bodies: {' and '.join(bodies)}",
                origin.at(bodies[1], part="key"),
                Label(origin.at(bodies[0], part="key"), "the first one"),
                help="a node is exactly one of op, block, layers, branches;"
                " make two nodes of it",
            )
        return None

    def _modifiers(
        self, table: dict[str, Any], origin: Origin, depth: int
    ) -> dict[str, Any]:
        model = validate(tables.Modifiers, table, origin, self.sink, "a node")
        if model is None:
            keys = {k: v for k, v in table.items() if k == "shortcut"}
            model = tables.Modifiers.model_construct(**keys)
        common: dict[str, Any] = {"origin": origin, "doc": model.doc, "skip": model.skip}
        if model.name is not None:
            common["name"] = self.template(model.name, origin.below("name"))
        if isinstance(model.from_, str):
            common["reads"] = (self.template(model.from_, origin.below("from")),)
        elif isinstance(model.from_, list):
            common["reads"] = tuple(
                self.template(name, origin.below("from", i))
                for i, name in enumerate(model.from_)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            )
        for key in ("when", "repeat", "skip_when"):
            common[key] = self.argument(getattr(model, key), origin.below(key))
        if model.index is not None and self.identifier(
            model.index, origin.at("index"), "counter"
        ):
            common["index"] = model.index
        if model.shape is not None:
            common["claim"] = tuple(
                self.argument(v, origin.below("shape", i))
                for i, v in enumerate(model.shape)
            )
        if isinstance(model.shortcut, dict):
            common["shortcut"] = self.node(
                model.shortcut, origin.below("shortcut"), depth + 1
            )
        self._lonely(table, origin)
        return common

    def _lonely(self, table: dict[str, Any], origin: Origin) -> None:
        """Modifiers that say nothing without another one."""
        for key, needs in (
            ("shortcut", "skip"),
            ("skip_when", "skip"),
            ("index", "repeat"),
        ):
            if key in table and needs not in table:
                self.sink.error(
                    "lonely-modifier",
                    f"`{key}` says nothing without `{needs}`",
                    origin.at(key, part="key"),
                    help=f"add `{needs}`, or drop `{key}`",
                )

    def _op(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        name = table.pop("op")
        op = OPS.get(name) if isinstance(name, str) else None
        if op is None:
            help = None
            if isinstance(name, str):
                help = did_you_mean(name, OPS)
                if name in self.block_tables:
                    help = f'`{name}` is a block: write block = "{name}"'
            self.sink.error(
                "unknown-op" if isinstance(name, str) else "wrong-type",
                f"there is no op {plain(name)}",
                origin.at("op"),
                help=help,
            )
            return None
        attributes, static, fine = self._attributes(op, table, origin)
        if not fine or not self._merge_reads(op, origin, common):
            return None
        return OpNode(op=op, attributes=attributes, static=static, **common)

    def _merge_reads(self, op: type[Op], origin: Origin, common: dict[str, Any]) -> bool:
        reads = common.get("reads")
        if op.merges and (reads is None or len(reads) < 2):
            self.sink.error(
                "merge-needs-from",
                f"`{op.op}` merges several values, so it needs `from` with at least two",
                origin.at("op"),
                help='from = ["prev", "some_node"]; "prev" is the value before this node',
            )
            return False
        if not op.merges and reads is not None and len(reads) > 1:
            self._one_reader(origin, f"`{op.op}`")
            return False
        return True

    def _one_reader(self, origin: Origin, what: str) -> None:
        self.sink.error(
            "from-list",
            f"{what} reads one value, but `from` lists several",
            origin.at("from"),
            help='merge them first: { op = "concat", from = [...] }',
        )

    def _attributes(
        self, op: type[Op], table: dict[str, Any], origin: Origin
    ) -> tuple[dict[str, Arg], Op | None, bool]:
        attributes: dict[str, Arg] = {}
        fine = True
        for key, value in table.items():
            if key not in op.model_fields:
                fine = False
                self._unknown_attribute(op, key, origin)
                continue
            attributes[key] = (
                value
                if isinstance(value, str) and _takes_text(op, key, value)
                else self.argument(value, origin.below(key))
            )
        literal = {k: v for k, v in attributes.items() if not isinstance(v, Expr)}
        try:
            static = op.model_validate(literal)
        except ValidationError as error:
            static = None
            for problem in error.errors(include_url=False):
                key = problem["loc"][0]
                if problem["type"] == "missing":
                    if key in attributes:
                        continue  # an expression stands there
                    self.sink.error(
                        "missing-attribute",
                        f"`{op.op}` needs `{key}`",
                        origin.at("op"),
                        help=f"add `{key} = ...`",
                    )
                else:
                    code, message = explain(problem)
                    self.sink.error(
                        code, f"`{key}` of `{op.op}` {message}",
                        origin.at(*place_in(problem)),
                    )  # fmt: skip
                fine = False
        return attributes, static if len(literal) == len(attributes) else None, fine

    def _unknown_attribute(self, op: type[Op], key: str, origin: Origin) -> None:
        help = did_you_mean(key, {*op.model_fields, *tables.MODIFIERS})
        if key in _INFERRED:
            help = f"leave it out: it is inferred, {_INFERRED[key]}"
        elif key in tables.BODIES:
            help = "a node has one body; make two nodes of it"
        self.sink.error(
            "unknown-attribute",
            f"`{op.op}` has no attribute `{key}`",
            origin.at(key, part="key"),
            help=help,
        )

    def _block_use(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        name = table.pop("block")
        definition = self.block_tables.get(name) if isinstance(name, str) else None
        if definition is None:
            help = did_you_mean(name, self.block_tables) if isinstance(name, str) else None
            if isinstance(name, str) and name in OPS:
                help = f'`{name}` is an op: write op = "{name}"'
            self.sink.error(
                "unknown-block" if isinstance(name, str) else "wrong-type",
                f"there is no block {plain(name)}",
                origin.at("block"),
                help=help or f'define it: [blocks.{name}], or take it with `use`',
            )
            return None
        required = _strings(definition.get("params"))
        defaults = definition.get("defaults")
        optional: list[str] = list(defaults) if isinstance(defaults, dict) else []  # pyright: ignore[reportUnknownArgumentType]
        fine = True
        for key in table:
            if key not in required and key not in optional:
                fine = False
                self.sink.error(
                    "unknown-argument",
                    f"block `{name}` has no parameter `{key}`",
                    origin.at(key, part="key"),
                    help=did_you_mean(
                        key, {*required, *optional, *tables.MODIFIERS} - {"doc"}
                    ),
                )
        missing = [p for p in required if p not in table]
        if missing:
            fine = False
            plural = "s" if len(missing) > 1 else ""
            self.sink.error(
                "missing-argument",
                f"block `{name}` needs the argument{plural}"
                f" {', '.join(f'`{m}`' for m in missing)}",
                origin.at("block"),
                help="add " + ", ".join(f"{m} = ..." for m in missing),
            )
        arguments = {
            k: self.argument(v, origin.below(k)) for k, v in table.items()
        }
        if len(common.get("reads") or ()) > 1:
            self._one_reader(origin, f"block `{name}`")
            fine = False
        return BlockNode(block=name, arguments=arguments, **common) if fine else None

    def _group(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        self._no_more(table, {"layers"}, origin, "a group")
        value = table["layers"]
        if not isinstance(value, list):
            self._no_list("layers", value, origin)
            return None
        layers = self.nodes(value, origin.below("layers"), depth + 1)
        if len(common.get("reads") or ()) > 1:
            self._one_reader(origin, "a group")
            return None
        return GroupNode(layers=layers, **common)

    def _branches(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        self._no_more(table, {"branches", "merge"}, origin, "a node with branches")
        value, merge = table["branches"], table.get("merge")
        below = origin.below("branches")
        if not isinstance(value, list) or not value:
            self._no_list("branches", value, origin)
            return None
        branches: list[Node] = []
        for number, item in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            here = below.below(number)
            if isinstance(item, list):
                layers = self.nodes(item, here, depth + 1)
                branches.append(GroupNode(origin=here, layers=layers))
            else:
                branches.append(self.node(item, here, depth + 1))
        if merge not in ("concat", "add", "mul"):
            known = ("concat", "add", "mul")
            self.sink.error(
                "missing-key" if merge is None else "bad-value",
                "branches need `merge`, how they come together"
                if merge is None
                else f'`merge` must be "concat", "add" or "mul", not {plain(merge)}',
                origin.at("branches", part="key") if merge is None else origin.at("merge"),
                help='add merge = "concat", "add" or "mul"'
                if merge is None
                else did_you_mean(str(merge), known),
            )
            return None
        if len(common.get("reads") or ()) > 1:
            self._one_reader(origin, "a node with branches")
            return None
        return BranchesNode(branches=tuple(branches), merge=merge, **common)

    def _no_list(self, key: str, value: Any, origin: Origin) -> None:
        empty = isinstance(value, list)
        self.sink.error(
            "bad-value" if empty else "wrong-type",
            f"`{key}` must be a list of nodes, not {plain(value)}"
            if not empty
            else f"`{key}` must not be empty",
            origin.at(key),
            help=f"{key} = [ {{ op = ... }}, ... ]",
        )

    def _no_more(
        self, table: dict[str, Any], known: set[str], origin: Origin, what: str
    ) -> None:
        for key in table.keys() - known:
            self.sink.error(
                "unknown-key",
                f"{what} has no key `{key}`",
                origin.at(key, part="key"),
                help=did_you_mean(key, known | tables.MODIFIERS),
            )

    # ---- names and values

    def identifier(self, text: str, place: Any, what: str) -> bool:
        problem = help = None
        if not _is_identifier(text):
            problem = f"{text!r} cannot name a {what}: it is no Python identifier"
            help = "letters, digits and _, not a digit first, no Python keyword"
        elif what in ("parameter", "counter") and text in FUNCTIONS | {"in_channels"}:
            problem = f"`{text}` cannot name a {what}: expressions know it already"
            help = f"call it `{text}_` or something more telling"
        elif what == "parameter" and text in (tables.MODIFIERS | {*tables.BODIES, "self"}):
            problem = f"`{text}` cannot name a {what}: a node's key has that name"
            help = f"call it `{text}_` or something more telling"
        if problem is None:
            return True
        self.sink.error("bad-name", problem, place, help=help)
        return False

    def argument(self, value: Any, origin: Origin) -> Arg:
        """A value as it will be evaluated; text becomes an expression."""
        if isinstance(value, str):
            try:
                return parse(value)
            except ExpressionError as error:
                self.sink.error(
                    error.code, error.message, origin.at(within=error.at), help=error.help
                )
                return Unparsed()
        if isinstance(value, list):
            items = tuple(
                self.argument(v, origin.below(i)) for i, v in enumerate(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            )
            return ListOf(items) if any(isinstance(i, Expr) for i in items) else items
        return value

    def template(self, text: str, origin: Origin) -> Template:
        """A name, with the expressions in its braces parsed."""
        parts: list[str | Expr] = []
        position = 0
        while (start := text.find("{", position)) >= 0:
            end = text.find("}", start)
            if end < 0:
                break
            if start > position:
                parts.append(text[position:start])
            try:
                parts.append(_shifted(parse(text[start + 1 : end]), start + 1))
            except ExpressionError as error:
                at = error.at or (0, end - start - 1)
                within = (at[0] + start + 1, at[1] + start + 1)
                self.sink.error(
                    error.code, error.message, origin.at(within=within), help=error.help
                )
                parts.append(Unparsed())
            position = end + 1
        if position < len(text) or not parts:
            parts.append(text[position:])
        return Template(text, tuple(parts))


def _shifted(expr: Expr, by: int) -> Expr:
    """The expression with its places moved, for one inside a name's braces."""
    from dataclasses import fields, is_dataclass, replace

    if not is_dataclass(expr):
        return expr
    changes: dict[str, Any] = {}
    for field in fields(expr):
        value = getattr(expr, field.name)
        if field.name == "at" and value is not None:
            changes["at"] = (value[0] + by, value[1] + by)
        elif isinstance(value, Expr):
            changes[field.name] = _shifted(value, by)
        elif isinstance(value, tuple) and any(isinstance(v, Expr) for v in value):  # pyright: ignore[reportUnknownVariableType]
            changes[field.name] = tuple(_shifted(v, by) for v in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return replace(expr, **changes) if changes else expr


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [v for v in value if isinstance(v, str)]  # pyright: ignore[reportUnknownVariableType]


def _takes_text(op: type[Op], key: str, value: str) -> bool:
    """Whether this text is meant as it stands and not as an expression.

    True for an attribute that is text only (`padding_mode`) and for the words that a
    numeric attribute knows (`padding = "same"`).
    """
    from typing import Literal, get_args, get_origin

    field = op.model_fields[key]
    members = [field.annotation, *get_args(field.annotation)]
    if any(get_origin(m) is Literal for m in members) or str in members:
        return True
    return key == "padding" and value in ("same", "valid")
