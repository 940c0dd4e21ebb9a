"""From the tables of nodes and blocks to nodes: what is each, and are its keys right.

Nothing is evaluated here. A node with a mistake in it keeps its names, so that nothing
follows from the mistake, and parsing goes on behind it.
"""

from __future__ import annotations

import keyword
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

from pydantic import ValidationError

from archc.diagnostics.model import Label, Place, Sink
from archc.diagnostics.suggest import did_you_mean, nearest
from archc.ops.base import Op, plain
from archc.ops.registry import OPS
from archc.spec import tables
from archc.spec.expressions import (
    FUNCTIONS,
    Expr,
    ExpressionError,
    ListOf,
    Unparsed,
    Value,
    parse,
    shifted,
)
from archc.spec.model import (
    Arg,
    Block,
    BlockNode,
    BranchesNode,
    BrokenNode,
    GroupNode,
    HeadSpec,
    Merge,
    Node,
    OpNode,
    Origin,
    Template,
    walk,
)
from archc.spec.validate import (
    explain,
    listed,
    not_misspelled,
    place_in,
    validate,
    whole,
)

MAX_NESTING = 30
IDENTIFIER = "letters, digits and _, not a digit first, and no Python keyword"
_INFERRED = {
    "in_channels": "the channels of what it reads",
    "in_features": "the features of what it reads",
    "num_features": "the channels of what it reads",
    "num_channels": "the channels of what it reads",
}
# what other frameworks and papers call an op
_OTHER_NAMES = {
    "dense": "linear",
    "fc": "linear",
    "conv": "conv2d",
    "convolution": "conv2d",
    "deconv": "conv_transpose2d",
    "pool": "max_pool2d",
    "maxpool": "max_pool2d",
    "avgpool": "avg_pool2d",
    "global_avg_pool": "adaptive_avg_pool2d",
    "gap": "adaptive_avg_pool2d",
    "bn": "batch_norm2d",
    "batchnorm": "batch_norm2d",
    "batch_norm": "batch_norm2d",
    "lrn": "local_response_norm",
    "cat": "concat",
    "concatenate": "concat",
    "sum": "add",
    "multiply": "mul",
    "swish": "silu",
    "hswish": "hardswish",
}
_MERGES: tuple[Merge, ...] = ("concat", "add", "mul")


def is_identifier(text: str) -> bool:
    """Whether `text` can be a name in Python."""
    return text.isidentifier() and not keyword.iskeyword(text)


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A use of a block with arguments that it does not take, or without some."""

    block: str
    origin: Origin
    known: set[str]
    unknown: list[str]
    missing: list[str]


class NodeParser:
    """Parses blocks, heads and nodes; `blocks` is the spec's whole table of blocks."""

    def __init__(self, sink: Sink, blocks: Any) -> None:
        self.sink = sink
        self.written: dict[str, Any] = blocks if isinstance(blocks, dict) else {}
        self._misfits: list[_Misfit] = []
        self.no_blocks = not isinstance(blocks, dict | None)
        self.block_tables: dict[str, dict[str, Any]] = {
            name: table
            for name, table in self.written.items()
            if isinstance(table, dict)
        }

    # ---- blocks and heads

    def block(self, name: str, table: dict[str, Any], origin: Origin) -> Block:
        self.identifier(name, origin.at(part="key"), "block")
        fine = True
        model = validate(tables.BlockTable, table, origin, self.sink, f"block `{name}`")
        parameters = _parameters(table)
        required: list[str] = []
        defaults: dict[str, Arg] = {}
        for number, parameter in enumerate(parameters[0] if parameters else ()):
            place = origin.at("params", number)
            if parameter in required or (parameters and parameter in parameters[1]):
                self.sink.error(
                    "duplicate-name",
                    f"block `{name}` has two parameters called `{parameter}`",
                    place,
                    help="a parameter is either in `params` or in `defaults`, once",
                )
            else:
                fine &= self.identifier(parameter, place, "parameter")
                required.append(parameter)
        for key, value in (parameters[1] if parameters else {}).items():
            below = origin.below("defaults")
            fine &= self.identifier(key, below.at(key, part="key"), "parameter")
            defaults[key] = self.argument(value, below.below(key))
        return Block(
            name=name,
            origin=origin,
            required=tuple(required),
            defaults=defaults,
            layers=self.nodes(table.get("layers"), origin.below("layers")),
            doc=None if model is None else model.doc,
            broken=not fine or not whole(model, table),
        )

    def without_circles(self, blocks: dict[str, Block]) -> dict[str, Block]:
        """The blocks; those that contain themselves would never end, and are broken."""
        from graphlib import CycleError, TopologicalSorter

        uses: dict[str, dict[str, BlockNode]] = {
            name: {n.block: n for n in walk(b.layers) if isinstance(n, BlockNode)}
            for name, b in blocks.items()
        }
        kept = dict(blocks)
        while True:
            sound = {name: uses[name] for name, b in kept.items() if not b.broken}
            try:
                TopologicalSorter(sound).prepare()
            except CycleError as error:
                circle: list[str] = error.args[1][::-1]
                self._circle(circle, uses)
                kept |= {name: replace(kept[name], broken=True) for name in circle}
            else:
                return kept

    def _circle(self, circle: list[str], uses: dict[str, dict[str, BlockNode]]) -> None:
        if len(circle) == 2:
            message = f"block `{circle[0]}` contains itself"
        else:
            message = f"blocks contain each other in a circle: {' -> '.join(circle)}"
        self.sink.error(
            "recursive-block",
            message,
            uses[circle[0]][circle[1]].origin.at("block"),
            *(
                Label(uses[a][b].origin.at("block"), f"`{a}` uses `{b}` here")
                for a, b in pairwise(circle[1:])
            ),
            help="use `repeat` for what is said many times",
        )

    def heads(self, value: Any, root: Origin) -> tuple[HeadSpec, ...]:
        found: dict[str, HeadSpec] = {}
        for number, table in enumerate(_items(value)):
            if not isinstance(table, dict):
                continue  # its wrong type has been reported
            table = cast("dict[str, Any]", table)
            origin = root.below("heads", number)
            own = {
                k: v for k, v in table.items() if k in ("name", "from", "loss_weight")
            }
            model = validate(tables.HeadTable, own, origin, self.sink, "a head")
            rest = {k: v for k, v in table.items() if k not in ("from", "loss_weight")}
            # a wrong name has been reported
            if model is None:
                rest.pop("name", None)
            node = self.node(rest, origin, 0)
            if model is None or not self.identifier(
                model.name, origin.at("name"), "head"
            ):
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
        return tuple(
            self.node(item, origin.below(number), depth)
            for number, item in enumerate(_items(value))
        )

    def node(self, table: Any, origin: Origin, depth: int) -> Node:
        if not isinstance(table, dict):
            self.sink.error(
                "wrong-type",
                f"a node is a table, `{{ op = ... }}`, not {plain(table)}",
                origin.at(),
                help=self._meant_node(table),
            )
            return BrokenNode(origin=origin)
        table = cast("dict[str, Any]", table)
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
        build = {
            "op": self._op,
            "block": self._block_use,
            "layers": self._group,
            "branches": self._branches,
        }[body]
        return build(rest, origin, common, depth) or BrokenNode(**common)

    def _meant_node(self, value: Any) -> str:
        if isinstance(value, str) and value in OPS:
            return f'write {{ op = "{value}" }}'
        if isinstance(value, str) and value in self.written:
            return f'write {{ block = "{value}" }}'
        if isinstance(value, list):
            return "several nodes in one place are a group: { layers = [...] }"
        return (
            "write { op = ... }, { block = ... }, { layers = [...] }"
            " or { branches = [...], merge = ... }"
        )

    def _body(self, table: dict[str, Any], origin: Origin) -> str | None:
        bodies = [b for b in tables.BODIES if b in table]
        if len(bodies) == 1:
            return bodies[0]
        if not bodies:
            odd = [key for key in table if key not in tables.MODIFIERS]
            near = {key: self._meant_body(key, table[key]) for key in odd}
            meant = next((key for key in odd if near[key]), None)
            self.sink.error(
                "node-body",
                "this node has no body: none of op, block, layers, branches",
                origin.at() if meant is None else origin.at(meant, part="key"),
                help='say what it is: op = "conv2d", block = "...",'
                " layers = [...], or branches = [...] with merge"
                if meant is None
                else f"did you mean `{near[meant]}`?",
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

    def _meant_body(self, key: str, value: Any) -> str | None:
        """Which body a key that is none was probably meant to be."""
        if isinstance(value, str) and (value in OPS or value in self.written):
            return "op" if value in OPS else "block"
        return nearest(key, tables.BODIES)

    def _modifiers(
        self, table: dict[str, Any], origin: Origin, depth: int
    ) -> dict[str, Any]:
        model = validate(tables.Modifiers, table, origin, self.sink, "a node")
        assert model is not None  # none of its keys must be there
        common: dict[str, Any] = {
            "origin": origin,
            "doc": model.doc,
            "skip": model.skip,
            "broken": not whole(model, table),
        }
        if model.name is not None:
            common["name"] = self.template(model.name, origin.below("name"))
        if model.from_ is not None:
            listed = isinstance(model.from_, list)
            names: list[str] = model.from_ if listed else [model.from_]
            places = [origin.below("from", i) for i in range(len(names))]
            common["reads"] = tuple(
                self.template(name, place if listed else origin.below("from"))
                for name, place in zip(names, places, strict=True)
            )
        for key in ("when", "repeat", "skip_when"):
            common[key] = self.argument(getattr(model, key), origin.below(key))
        if model.index is not None:
            place = origin.at("index")
            if self.identifier(model.index, place, "counter"):
                common["index"] = model.index
            else:
                common["broken"] = True
        if model.shape is not None:
            common["claim"] = tuple(
                self.argument(v, origin.below("shape", i))
                for i, v in enumerate(model.shape)
            )
        if model.shortcut is not None:
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

    # ---- ops

    def _op(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        name = table.pop("op")
        op = OPS.get(name) if isinstance(name, str) else None
        if op is None:
            self._unknown_op(name, origin)
            return None
        attributes, static, fine = self._attributes(op, table, origin)
        if not self._merge_reads(op, origin, common) or not fine:
            return None
        return OpNode(op=op, attributes=attributes, static=static, **common)

    def _unknown_op(self, name: Any, origin: Origin) -> None:
        if not isinstance(name, str):
            self._no_name("op", "an op", name, origin)
            return
        other = _OTHER_NAMES.get(name.lower().replace("-", "_"))
        if name in self.written:
            help = f'`{name}` is a block: write block = "{name}"'
        else:
            help = (
                did_you_mean(name, OPS) if other is None else f"did you mean `{other}`?"
            )
        self.sink.error(
            "unknown-op", f"there is no op {plain(name)}", origin.at("op"), help=help
        )

    def _no_name(self, key: str, what: str, value: Any, origin: Origin) -> None:
        self.sink.error(
            "wrong-type",
            f"`{key}` must be the name of {what}, not {plain(value)}",
            origin.at(key),
            help=f'write {key} = "..."',
        )

    def _merge_reads(
        self, op: type[Op], origin: Origin, common: dict[str, Any]
    ) -> bool:
        reads = common.get("reads")
        if common["broken"] and reads is None:
            return True  # its `from` may have been reported
        if op.merges and (reads is None or len(reads) < 2):
            self.sink.error(
                "merge-needs-from",
                f"`{op.op}` merges values, so it needs `from` with at least two",
                origin.at("op"),
                help='from = ["prev", "NAME"]; "prev" is the value before this node',
            )
            return False
        return op.merges or self._reads_one(origin, f"`{op.op}`", common)

    def _reads_one(self, origin: Origin, what: str, common: dict[str, Any]) -> bool:
        if len(common.get("reads") or ()) < 2:
            return True
        self.sink.error(
            "from-list",
            f"{what} reads one value, but `from` lists several",
            origin.at("from"),
            help='merge them first: { op = "concat", from = [...] }',
        )
        return False

    def _attributes(
        self, op: type[Op], table: dict[str, Any], origin: Origin
    ) -> tuple[dict[str, Arg], Op | None, bool]:
        attributes: dict[str, Arg] = {}
        unknown: list[str] = []
        for key, value in table.items():
            if key not in op.model_fields:
                unknown.append(key)
                self._unknown_attribute(op, key, origin)
                continue
            attributes[key] = (
                value
                if isinstance(value, str) and _takes_text(op, key, value)
                else self.plain_argument(value, origin.below(key))
            )
        literal = {k: v for k, v in attributes.items() if not isinstance(v, Expr)}
        try:
            static = op.model_validate(literal)
        except ValidationError as error:
            fine = self._invalid(op, error, attributes, literal, unknown, origin)
            return attributes, None, fine and not unknown
        complete = len(literal) == len(attributes)
        return attributes, static if complete else None, not unknown

    def _invalid(
        self,
        op: type[Op],
        error: ValidationError,
        attributes: dict[str, Arg],
        literal: dict[str, Any],
        unknown: list[str],
        origin: Origin,
    ) -> bool:
        """Reports what pydantic found; whether there was nothing wrong after all."""
        missing: list[str] = []
        wrong = False
        for problem in error.errors(include_url=False):
            if problem["type"] == "missing":
                key = str(problem["loc"][0])
                if key not in attributes:  # else an expression stands there
                    missing.append(key)
                continue
            if not problem["loc"] and len(literal) < len(attributes):
                continue  # about several attributes, and one is not known yet
            wrong = True
            code, message, help = explain(problem)
            place = origin.at(*(place_in(problem, literal) or ("op",)))
            key = f"`{problem['loc'][0]}` of " if problem["loc"] else ""
            self.sink.error(code, f"{key}`{op.op}` {message}", place, help=help)
        lacking = not_misspelled(missing, unknown)
        if lacking:
            self.sink.error(
                "missing-attribute",
                f"`{op.op}` needs {listed(lacking)}",
                origin.at("op"),
                help="add " + ", ".join(f"{key} = ..." for key in lacking),
            )
        return not wrong and not missing

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

    # ---- uses of blocks

    def _block_use(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any], depth: int
    ) -> Node | None:
        name = table.pop("block")
        if not isinstance(name, str) or name not in self.block_tables:
            self._unknown_block(name, origin)
            return None
        parameters = _parameters(self.block_tables[name])
        fine = True
        if parameters is not None:
            required, optional = parameters
            # one with a bad name has been reported, and cannot be given
            required = [p for p in required if _bad_name(p, "parameter") is None]
            fine = self._fits(name, table, required, optional, origin)
        arguments = {
            k: self.plain_argument(v, origin.below(k)) for k, v in table.items()
        }
        if not self._reads_one(origin, f"block `{name}`", common) or not fine:
            return None
        return BlockNode(block=name, arguments=arguments, **common)

    def _unknown_block(self, name: Any, origin: Origin) -> None:
        if not isinstance(name, str):
            self._no_name("block", "a block", name, origin)
            return
        if name in self.written or self.no_blocks:
            return  # that it is no table has been reported
        if name in OPS:
            help = f'`{name}` is an op: write op = "{name}"'
        else:
            define = f"define [blocks.{name}], or take it from a file with `use`"
            help = did_you_mean(name, self.written) or define
        self.sink.error(
            "unknown-block",
            f"there is no block {plain(name)}",
            origin.at("block"),
            help=help,
        )

    def _fits(
        self,
        name: str,
        table: dict[str, Any],
        required: Sequence[str],
        optional: Collection[str],
        origin: Origin,
    ) -> bool:
        """Whether the arguments are those that the block takes; else notes it."""
        known = {*required, *optional}
        unknown = [key for key in table if key not in known]
        missing = [p for p in required if p not in table]
        if unknown or missing:
            self._misfits.append(_Misfit(name, origin, known, unknown, missing))
        return not unknown and not missing

    def undeclared(self, block: str) -> dict[str, Place]:
        """Arguments that uses of a block give and that it does not declare."""
        found: dict[str, Place] = {}
        for misfit in self._misfits:
            for key in misfit.unknown if misfit.block == block else ():
                found.setdefault(key, misfit.origin.at(key, part="key"))
        return found

    def report_misfits(
        self, told: Mapping[str, Collection[str]], doubtful: Collection[str]
    ) -> None:
        """Reports arguments that blocks do not take or that they lack.

        `told` are those, by block, that were reported at the block's declaration. What
        a doubtful block takes nobody knows.
        """
        for misfit in self._misfits:
            if misfit.block in doubtful:
                continue
            skipped = told.get(misfit.block, ())
            unknown = [key for key in misfit.unknown if key not in skipped]
            missing = [key for key in misfit.missing if key not in skipped]
            self._misfit(misfit, unknown, not_misspelled(missing, unknown))

    def _misfit(self, misfit: _Misfit, unknown: list[str], lacking: list[str]) -> None:
        name, origin = misfit.block, misfit.origin
        for key in unknown:
            help = did_you_mean(key, misfit.known | tables.MODIFIERS - {"doc"})
            if not misfit.known:
                help = f'`{name}` has no parameters; give it one: params = ["{key}"]'
            self.sink.error(
                "unknown-argument",
                f"block `{name}` has no parameter `{key}`",
                origin.at(key, part="key"),
                help=help,
            )
        if lacking:
            plural = "s" if len(lacking) > 1 else ""
            self.sink.error(
                "missing-argument",
                f"block `{name}` needs the argument{plural} {listed(lacking)}",
                origin.at("block"),
                help="add " + ", ".join(f"{p} = ..." for p in lacking),
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
        common["broken"] |= not self._reads_one(origin, "a group", common)
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
        for number, item in enumerate(_items(value)):
            here = origin.below("branches", number)
            if isinstance(item, list):
                layers = self.nodes(item, here, depth + 1)
                branches.append(GroupNode(origin=here, layers=layers))
            else:
                branches.append(self.node(item, here, depth + 1))
        common["broken"] |= not self._reads_one(origin, what, common)
        if merge not in _MERGES:
            common["broken"] = True
            if (
                nearest("merge", table.keys() - {"branches"}) is None
                or merge is not None
            ):
                self._no_merge(merge, origin)
            merge = _MERGES[0]
        return BranchesNode(branches=tuple(branches), merge=merge, **common)

    def _no_merge(self, merge: Any, origin: Origin) -> None:
        if merge is None:
            self.sink.error(
                "missing-key",
                "branches need `merge`, how they come together",
                origin.at("branches", part="key"),
                help='add merge = "concat", "add" or "mul"',
            )
            return
        near = nearest(merge, _MERGES) if isinstance(merge, str) else None
        self.sink.error(
            "bad-value",
            f'`merge` must be "concat", "add" or "mul", not {plain(merge)}',
            origin.at("merge"),
            help=None if near is None else f"did you mean `{near}`?",
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

    # ---- names and values

    def identifier(self, text: str, place: Place, what: str) -> bool:
        problem = _bad_name(text, what)
        if problem is None:
            return True
        why, help = problem
        self.sink.error(
            "bad-name", f"`{text}` cannot name a {what}: {why}", place, help=help
        )
        return False

    def argument(self, value: Any, origin: Origin) -> Value | None:
        """A value as it will be evaluated; text becomes an expression.

        A table is none; it has been reported where it stands.
        """
        if isinstance(value, str):
            try:
                return parse(value)
            except ExpressionError as error:
                self.sink.error(
                    error.code,
                    error.message,
                    origin.at(within=error.at),
                    help=error.help,
                )
                return Unparsed()
        if isinstance(value, list):
            numbered = enumerate(_items(value))
            items: tuple[Any, ...] = tuple(
                self.argument(v, origin.below(i)) for i, v in numbered
            )
            symbolic = any(isinstance(i, Expr) for i in items)
            return ListOf(items) if symbolic else items
        return Unparsed() if isinstance(value, dict) else value

    def plain_argument(self, value: Any, origin: Origin) -> Arg:
        """A value of an attribute or a parameter, which holds no table."""
        if _holds_table(value):
            self.sink.error(
                "wrong-type",
                f"`{origin.path[-1]}` must be a number, a boolean, an expression or"
                f" a list of these, not {plain(value)}",
                origin.at(),
            )
        return self.argument(value, origin)

    def template(self, text: str, origin: Origin) -> Template:
        """A name, with the expressions in its braces parsed."""
        parts: list[str | Expr] = []
        position = 0
        while (start := text.find("{", position)) >= 0:
            end = text.find("}", start)
            if start > position:
                parts.append(text[position:start])
            try:
                if end < 0:
                    raise ExpressionError(
                        "expression-syntax", "this brace is not closed", (-1, 0),
                        "a name's braces hold an expression: conv{i + 1}",
                    )  # fmt: skip
                parts.append(shifted(parse(text[start + 1 : end]), start + 1))
            except ExpressionError as error:
                at = error.at or (-1, end - start)
                within = (at[0] + start + 1, at[1] + start + 1)
                self.sink.error(
                    error.code, error.message, origin.at(within=within), help=error.help
                )
                parts.append(Unparsed())
            position = end + 1 if end >= 0 else len(text)
        if position < len(text) or not parts:
            parts.append(text[position:])
        return Template(text, tuple(parts))


def _bad_name(text: str, what: str) -> tuple[str, str] | None:
    """Why `text` cannot name a parameter, counter, block or head, and what to do."""
    other = f"call it `{text}_` or something more telling"
    if keyword.iskeyword(text):
        return "it is a Python keyword", other
    if not text.isidentifier():
        return "it is no Python identifier", IDENTIFIER
    if what in ("parameter", "counter") and text in FUNCTIONS | {"in_channels"}:
        return "expressions know it already", other
    if what == "parameter" and text in (tables.MODIFIERS | {*tables.BODIES, "self"}):
        return "a node's key has that name", other
    return None


def _items(value: Any) -> list[Any]:
    """The items of a list; none for anything else, which has been reported."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def _holds_table(value: Any) -> bool:
    return isinstance(value, dict) or any(map(_holds_table, _items(value)))


def _parameters(table: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]] | None:
    """What a block's table says of its parameters; None where that is wrong."""
    required, defaults = table.get("params", []), table.get("defaults", {})
    if not isinstance(required, list) or not isinstance(defaults, dict):
        return None
    names = _items(required)
    if not all(isinstance(name, str) for name in names):
        return None
    return names, cast("dict[str, Any]", defaults)


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
