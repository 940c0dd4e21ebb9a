"""From tables to nodes: what is each, and are its keys right.

Nothing is evaluated here. A node with a mistake in it keeps its names, so that nothing
follows from the mistake, and parsing goes on behind it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Sink
from archc.diagnostics.suggest import did_you_mean, nearest
from archc.ops.attributes import plain
from archc.ops.registry import OPS
from archc.source.folding import folded
from archc.source.kinds import is_table
from archc.spec import tables
from archc.spec.block_uses import UseParser
from archc.spec.model import (
    MERGES,
    BranchesNode,
    BrokenNode,
    GroupNode,
    Node,
    Origin,
    ShareNode,
)
from archc.spec.op_nodes import OpParser
from archc.spec.slots import SlotParser
from archc.spec.validate import meant_word, validate, whole
from archc.spec.written import Written, items, said

MAX_NESTING = 30
_MERGES = ", ".join(map(plain, MERGES[:-1])) + f" or {plain(MERGES[-1])}"


class NodeParser:
    """Parses nodes; `blocks` is the spec's whole table of blocks, and `misplaced` are
    those that stand elsewhere by a mistake, which has been reported."""

    def __init__(
        self, sink: Sink, blocks: Any, misplaced: Collection[str] = ()
    ) -> None:
        self.sink = sink
        self.written = Written(sink)
        self.slots = SlotParser(self.written, self.node)
        self.uses = UseParser(self.written, blocks, misplaced, self.slots)
        self.ops = OpParser(self.written, self.uses.known)

    def nodes(self, value: Any, origin: Origin, depth: int = 0) -> tuple[Node, ...]:
        return tuple(
            self.node(item, origin.below(number), depth)
            for number, item in enumerate(items(value))
        )

    def node(self, table: Any, origin: Origin, depth: int) -> Node:
        if not is_table(table):
            self.sink.error(
                "wrong-type",
                f"a node is a table, `{{ op = ... }}`, not {plain(table)}",
                origin.at(),
                help=self.meant_node(table, origin),
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
        common = self._modifiers(
            {k: table[k] for k in table if k in own}, origin, depth
        )
        body = self._body(table, origin)
        if body is None:
            return BrokenNode(**common)
        rest = {k: v for k, v in table.items() if k not in own}
        return self._made(body, rest, origin, common, depth) or BrokenNode(**common)

    def _made(
        self,
        body: str,
        table: dict[str, Any],
        origin: Origin,
        common: dict[str, Any],
        depth: int,
    ) -> Node | None:
        match body:
            case "op":
                return self.ops.parse(table, origin, common)
            case "block":
                return self.uses.parse(table, origin, common, depth)
            case "slot":
                common["broken"] |= self._more(table, {"slot"}, origin, "a slot")
                return self.slots.use(table, origin, common)
            case "layers":
                return self._group(table, origin, common, depth)
            case "share":
                return self._share(table, origin, common)
            case _:
                return self._branches(table, origin, common, depth)

    def meant_node(self, value: Any, origin: Origin) -> str:
        """What to write for a node that is no table."""
        if isinstance(value, str) and value in OPS:
            return f'write {{ op = "{value}" }}'
        if isinstance(value, str) and value in self.uses.known:
            return f'write {{ block = "{value}" }}'
        if isinstance(value, list):
            return "several nodes in one place are a group: { layers = [...] }"
        inside = isinstance(origin.path[-1], int) or "shortcut" in origin.path[-1:]
        if isinstance(value, str) and value.isidentifier() and not inside:
            return f'write {{ slot = "{value}" }} to hand on a slot, or {{ op = ... }}'
        return (
            "write { op = ... }, { block = ... }, { layers = [...] }"
            " or { branches = [...], merge = ... }"
        )

    def _body(self, table: dict[str, Any], origin: Origin) -> str | None:
        bodies = [b for b in tables.BODIES if b in table]
        if len(bodies) == 1:
            return bodies[0]
        if bodies == ["op", "layers"] and not isinstance(table["layers"], list):
            return "op"  # what darknet writes: which layers to read
        if not bodies:
            odd = [key for key in table if key not in tables.MODIFIERS]
            near = {key: self._meant_body(key, table[key]) for key in odd}
            found = next((key for key in odd if near[key]), None)
            self.sink.error(
                "node-body",
                "this node has no body: none of op, block, layers, branches, share,"
                " slot",
                origin.at() if found is None else origin.at(found, part="key"),
                help='say what it is: op = "conv2d", block = "...",'
                " layers = [...], branches = [...] with merge, share or slot"
                if found is None
                else Mend(
                    f"did you mean `{near[found]}`?",
                    Edit(str(near[found]), "name", found),
                ),
            )
        else:
            self.sink.error(
                "node-body",
                f"this node has {len(bodies)} bodies: {' and '.join(bodies)}",
                origin.at(bodies[1], part="key"),
                Label(origin.at(bodies[0], part="key"), "the first one"),
                help="a node is exactly one of op, block, layers, branches, share,"
                " slot; make two nodes of it",
            )
        return None

    def _meant_body(self, key: str, value: Any) -> str | None:
        """Which body a key that is none was probably meant to be."""
        if key == "merge":
            return None  # it goes with one
        if isinstance(value, str) and (value in OPS or value in self.uses.known):
            return "op" if value in OPS else "block"
        return nearest(key, tables.BODIES)

    def _modifiers(
        self, table: dict[str, Any], origin: Origin, depth: int
    ) -> dict[str, Any]:
        model = validate(tables.Modifiers, table, origin, self.sink, "a node")
        assert model is not None  # none of its keys must be there
        common: dict[str, Any] = {
            "origin": origin,
            "doc": said(model.doc),
            "place": model.place,
            "skip": model.skip,
            "broken": not whole(model, table),
        }
        if model.name is not None:
            common["name"] = self.written.template(model.name, origin.below("name"))
        if model.from_ is not None:
            listed = isinstance(model.from_, list)
            names: list[str] = model.from_ if listed else [model.from_]
            places = [origin.below("from", i) for i in range(len(names))]
            common["reads"] = tuple(
                self.written.template(name, place if listed else origin.below("from"))
                for name, place in zip(names, places, strict=True)
            )
        for key in ("when", "repeat", "skip_when"):
            common[key] = self.written.argument(getattr(model, key), origin.below(key))
        if model.index is not None:
            place = origin.at("index")
            counter = folded(model.index)
            if self.written.identifier(counter, place, "counter"):
                common["index"] = counter
            else:
                common["broken"] = True
        if model.shape is not None:
            common["claim"] = tuple(
                self.written.argument(v, origin.below("shape", i))
                for i, v in enumerate(model.shape)
            )
        if model.shortcut is not None:
            common["shortcut"] = self.node(
                model.shortcut, origin.below("shortcut"), depth + 1
            )
        if model.otherwise is not None:
            below = origin.below("otherwise")
            other = self.node(model.otherwise, below, depth + 1)
            common["otherwise"] = _in_place_of(common, other, origin)
        self._lonely(table, origin)
        return common

    def _lonely(self, table: dict[str, Any], origin: Origin) -> None:
        """Modifiers that say nothing without another one."""
        for key, needs in (
            ("shortcut", "skip"),
            ("skip_when", "skip"),
            ("index", "repeat"),
            ("otherwise", "when"),
        ):
            if key in table and needs not in table:
                self.sink.error(
                    "lonely-modifier",
                    f"`{key}` says nothing without `{needs}`",
                    origin.at(key, part="key"),
                    help=f"add `{needs}`, or drop `{key}`",
                )

    # ---- groups and branches

    def _group(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        common["broken"] |= self._more(table, {"layers"}, origin, "a group")
        value = table["layers"]
        if not isinstance(value, list):
            self._no_list("layers", value, origin)
            return None
        layers = self.nodes(value, origin.below("layers"), depth + 1)
        common["broken"] |= not self.written.reads_one(origin, "a group", common)
        return GroupNode(layers=layers, **common)

    def _branches(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        what = "a node with branches"
        common["broken"] |= self._more(table, {"branches", "merge"}, origin, what)
        value, merge = table["branches"], table.get("merge")
        if not isinstance(value, list) or not value:
            self._no_list("branches", value, origin)
            return None
        branches: list[Node] = []
        for number, item in enumerate(items(value)):
            here = origin.below("branches", number)
            if isinstance(item, list):
                layers = self.nodes(item, here, depth + 1)
                branches.append(GroupNode(origin=here, layers=layers))
            else:
                branches.append(self.node(item, here, depth + 1))
        common["broken"] |= not self.written.reads_one(origin, what, common)
        if merge not in MERGES:
            common["broken"] = True
            if (
                nearest("merge", table.keys() - {"branches"}) is None
                or merge is not None
            ):
                self._no_merge(merge, origin)
            merge = MERGES[0]
        return BranchesNode(branches=tuple(branches), merge=merge, **common)

    def _share(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any]
    ) -> Node | None:
        common["broken"] |= self._more(table, {"share"}, origin, "a share")
        common["broken"] |= not self.written.reads_one(origin, "a share", common)
        name = table["share"]
        if not isinstance(name, str):
            self.written.no_name("share", "an earlier node", name, origin)
            return None
        shares = self.written.template(name, origin.below("share"))
        return ShareNode(shares=shares, **common)

    def _no_merge(self, merge: Any, origin: Origin) -> None:
        if merge is None:
            self.sink.error(
                "missing-key",
                "branches need `merge`, how they come together",
                origin.at("branches", part="key"),
                help=f"add merge = {_MERGES}",
            )
            return
        self.sink.error(
            "bad-value",
            f"`merge` must be {_MERGES}, not {plain(merge)}",
            origin.at("merge"),
            help=meant_word(merge, MERGES),
        )

    def _no_list(self, key: str, value: Any, origin: Origin) -> None:
        empty = isinstance(value, list)
        self.sink.error(
            "bad-value" if empty else "wrong-type",
            f"`{key}` must not be empty"
            if empty
            else f"`{key}` must be a list of nodes, not {plain(value)}",
            origin.at(key),
            help=f"write {key} = [ {{ op = ... }}, ... ]",
        )

    def _more(
        self, table: dict[str, Any], known: set[str], origin: Origin, what: str
    ) -> bool:
        """Reports keys that `what` does not have; whether there are any."""
        more = [key for key in table if key not in known]
        for key in more:
            self.sink.error(
                "unknown-key",
                f"{what} has no key `{key}`",
                origin.at(key, part="key"),
                help=did_you_mean(key, known | tables.MODIFIERS),
            )
        return bool(more)


def _in_place_of(common: dict[str, Any], node: Node, origin: Origin) -> Node:
    """A node that stands in the place of another one, and has its name if it has none.

    A name that is made anew for each repetition stays with what is repeated.
    """
    name = common.get("name")
    made_anew = common.get("repeat") is not None and name and not name.fixed
    if name is None or node.name is not None or made_anew:
        return node
    other = node.otherwise
    if other is not None:
        other = _in_place_of(common, other, origin)
    return replace(node, name=name, named_by=origin, otherwise=other)
