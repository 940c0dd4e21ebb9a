"""Nodes with an op: which one, and are its attributes right."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.suggest import meant as near_name
from archc.ops.absent import absent
from archc.ops.attributes import PerAxis, plain
from archc.ops.base import Op
from archc.ops.registry import OPS, meant_op
from archc.source.folding import folded
from archc.source.kinds import is_list
from archc.spec import tables
from archc.spec.expressions import Expr, ListOf, is_faulty
from archc.spec.foreign import in_a_modifier, instead
from archc.spec.model import Arg, Node, OpNode, Origin, PartsNode, Template
from archc.spec.repeated import Mentions
from archc.spec.validate import explain, listed, not_misspelled, place_in
from archc.spec.written import Written

_ENTRIES = re.compile(r", (?=\w+ = )")


class OpParser:
    """Parses nodes with an op; `blocks` are the names of all blocks."""

    def __init__(self, written: Written, blocks: Collection[str]) -> None:
        self.written = written
        self.sink = written.sink
        self.blocks = blocks
        self.own: Mapping[str, type[Op] | None] = {}
        """The ops that the spec defines; None of one with a mistake."""
        self._unknown = Mentions("op")

    def parse(
        self, table: dict[str, Any], origin: Origin, common: dict[str, Any]
    ) -> OpNode | PartsNode | None:
        name = table.pop("op")
        if not isinstance(name, str):
            self.written.no_name("op", "an op", name, origin)
            return None
        name = folded(name)
        op = self.own[name] if name in self.own else OPS.get(name)
        if op is None and name in self.own:
            return None  # what is wrong with it has been reported
        if op is None:
            self._unknown.note(name, origin)
            self._look_into(name, table, origin, common)
            return None
        attributes, static, fine = self._attributes(op, table, origin)
        if not self._merge_reads(op, origin, common) or not fine:
            return None
        if op.parts is not None:
            return self._parts(op, op.parts, attributes, origin, common)
        for key in attributes:
            reading = op.reading(key)
            if reading is not None:
                return self._reading(reading, key, attributes, table, origin, common)
        return OpNode(op=op, attributes=attributes, static=static, **common)

    def _reading(
        self,
        op: type[Op],
        key: str,
        attributes: dict[str, Arg],
        table: dict[str, Any],
        origin: Origin,
        common: dict[str, Any],
    ) -> OpNode:
        """A node with an attribute that names a further node, which is read as those
        that `from` names are."""
        rest = {k: v for k, v in attributes.items() if k != key}
        name = self.written.template(table[key], origin.below(key))
        first = common.get("reads") or (Template("prev", ("prev",)),)
        symbolic = any(isinstance(value, Expr) for value in rest.values())
        static = None if symbolic else op.model_validate(rest)
        common = common | {"reads": (*first, name)}
        return OpNode(op=op, attributes=rest, static=static, beside=key, **common)

    def _parts(
        self,
        op: type[Op],
        key: str,
        attributes: dict[str, Arg],
        origin: Origin,
        common: dict[str, Any],
    ) -> PartsNode | None:
        """A node that gives several values, as one for each of them."""
        count, name = attributes[key], common.pop("name", None)
        if not isinstance(count, int):
            self.sink.error(
                "bad-value",
                f"`{key}` of `{op.op}` must be a number, as it says which values there"
                " are",
                origin.at(key),
                help=f"write it out: {key} = 2",
            )
            return None
        if name is None:
            self.sink.error(
                "missing-name",
                f"`{op.op}` gives several values, so it needs a name",
                origin.at("op"),
                help='add name = "parts": they are read as "parts.0" and "parts.1"',
            )
            return None
        for modifier in ("when", "repeat", "skip", "shape"):
            known = common.get("claim" if modifier == "shape" else modifier)
            if known is not None:
                self.sink.error(
                    "lonely-modifier",
                    f"`{op.op}` gives several values, and `{modifier}` is about one",
                    origin.at(modifier, part="key"),
                    help="write it beside what reads one of them",
                )
                return None
        parts: list[Node] = []
        for number in range(count):
            own = attributes | {"part": number}
            symbolic = any(isinstance(value, Expr) for value in own.values())
            made = op.of_parts()
            static = None if symbolic else made.model_validate(own)
            called = Template(f"{name.text}.{number}", (*name.parts, f".{number}"))
            if name.fixed:
                called = Template(called.text, (called.text,))
            parts.append(
                OpNode(
                    op=made, attributes=own, static=static, origin=origin, name=called
                )
            )
        return PartsNode(layers=tuple(parts), **common)

    def _look_into(
        self, name: str, table: dict[str, Any], origin: Origin, common: dict[str, Any]
    ) -> None:
        """What else is wrong with a node whose op has a name from elsewhere."""
        meant = None if name in self.blocks else meant_op(name)
        if meant is not None and not meant.beside:
            self._attributes(meant.op, table, origin)
            self._merge_reads(meant.op, origin, common)

    def report_unknown(self) -> None:
        """Reports the ops that are not there, each once."""
        for name in self._unknown.names():
            message = f"there is no op {plain(name)}"
            meant, missing = meant_op(name), absent(name)
            if name in self.blocks:
                help = f'`{name}` is a block: write block = "{name}"'
            elif meant is not None:
                beside = f", {meant.beside}" if meant.beside else ""
                edits = [Edit(meant.op.op, "name", name)]
                parts = _ENTRIES.split(meant.beside) if beside else []
                edits += [Edit(part, "entry") for part in parts]
                help = Mend(f'write op = "{meant.op.op}"{beside}', *edits)
            elif missing is not None:
                message, help = f"{message}: {missing.why}", missing.use
            elif near := near_name(name, [*self.own, *OPS]):
                help = near
            else:
                help = f"the ops are {', '.join(sorted(OPS))}"
            self._unknown.report(self.sink, "unknown-op", name, message, help)

    def _merge_reads(
        self, op: type[Op], origin: Origin, common: dict[str, Any]
    ) -> bool:
        reads = common.get("reads")
        if common["broken"] and reads is None:
            return True  # its `from` may have been reported
        if op.parts is not None:
            return self.written.reads_one(origin, f"`{op.op}`", common)
        if op.merges and (reads is None or len(reads) < 2):
            self.sink.error(
                "merge-needs-from",
                f"`{op.op}` merges values, so it needs `from` with at least two",
                origin.at("op"),
                help='from = ["prev", "NAME"]; "prev" is the value before this node',
            )
            return False
        return op.merges or self.written.reads_one(origin, f"`{op.op}`", common)

    def _attributes(
        self, op: type[Op], table: dict[str, Any], origin: Origin
    ) -> tuple[dict[str, Arg], Op | None, bool]:
        attributes: dict[str, Arg] = {}
        unknown: list[str] = []
        for key, value in table.items():
            if key not in op.model_fields:
                unknown.append(key)
                self._unknown_attribute(op, key, table, origin)
                continue
            below = origin.below(key)
            if op.reading(key) is not None:
                attributes[key] = value
            elif isinstance(value, str) and value.startswith("{"):
                attributes[key] = self.written.word(value, below)
            elif value == "none" and key in op.or_none:
                attributes[key] = None
            elif is_list(value) and key in op.or_none:
                parts = [None if part == "none" else part for part in value]
                attributes[key] = self.written.plain_argument(parts, below)
            elif isinstance(value, str) and takes_text(op, key, value):
                attributes[key] = value
            else:
                attributes[key] = self.written.plain_argument(value, below)
        literal = {k: v for k, v in attributes.items() if not isinstance(v, Expr)}
        problems = _wrong_lists(op, attributes)
        static: Op | None = None
        try:
            static = op.model_validate(literal)
        except ValidationError as error:
            problems += error.errors(include_url=False)
        if problems:
            fine = self._invalid(op, problems, attributes, literal, unknown, origin)
            return attributes, None, fine and not unknown
        complete = len(literal) == len(attributes)
        return attributes, static if complete else None, not unknown

    def _invalid(
        self,
        op: type[Op],
        problems: list[ErrorDetails],
        attributes: dict[str, Arg],
        literal: dict[str, Any],
        unknown: list[str],
        origin: Origin,
    ) -> bool:
        """Reports what pydantic found; whether there was nothing wrong after all."""
        missing: list[str] = []
        wrong = False
        for problem in problems:
            if problem["type"] == "missing":
                key = str(problem["loc"][0])
                if key not in attributes:  # else an expression stands there
                    missing.append(key)
                continue
            if not problem["loc"] and len(literal) < len(attributes):
                continue  # about several attributes, and one is not known yet
            wrong = True
            code, message, help = explain(problem)
            place = origin.at(*(place_in(problem, attributes) or ("op",)))
            key = f"`{problem['loc'][0]}` of " if problem["loc"] else ""
            self.sink.error(code, f"{key}`{op.op}` {message}", place, help=help)
        others = dict(op.other_attributes)
        meant = {others.get(key) for key in unknown}
        missing_here = [key for key in missing if key not in meant]
        lacking = not_misspelled(missing_here, unknown)
        if lacking:
            self.sink.error(
                "missing-attribute",
                f"`{op.op}` needs {listed(lacking)}",
                origin.at("op"),
                help=in_a_modifier(op, lacking, origin)
                or "add " + ", ".join(f"{key} = ..." for key in lacking),
            )
        return not wrong and not missing

    def _unknown_attribute(
        self, op: type[Op], key: str, table: dict[str, Any], origin: Origin
    ) -> None:
        near = near_name(key, {*op.model_fields, *tables.MODIFIERS} - table.keys())
        if key in tables.BODIES:
            help = "a node has one body; make two nodes of it"
        elif (known := instead(op, key, table, slip=near is not None)) is not None:
            help = known
        elif near is not None:
            help = near
        elif op.model_fields:
            help = f"it takes {', '.join(op.model_fields)}"
        else:
            help = "it takes no attributes; leave it out"
        self.sink.error(
            "unknown-attribute",
            f"`{op.op}` has no attribute `{key}`",
            origin.at(key, part="key"),
            help=help,
        )


def _wrong_lists(op: type[Op], attributes: Mapping[str, Arg]) -> list[ErrorDetails]:
    """What is wrong with lists that have expressions in them, whatever these give:
    their lengths and their other items are known."""
    wrong: list[InitErrorDetails] = []
    for key, value in attributes.items():
        if not isinstance(value, ListOf) or is_faulty(value):
            continue
        for taken in op.model_fields[key].metadata:
            try:
                if isinstance(taken, PerAxis):
                    taken.check(value)
            except PydanticCustomError as error:
                wrong.append(InitErrorDetails(type=error, loc=(key,), input=value))
    if not wrong:
        return []
    made = ValidationError.from_exception_data(op.op, wrong)
    return made.errors(include_url=False)


def takes_text(op: type[Op], key: str, value: str) -> bool:
    """Whether this text is meant as it stands and not as an expression.

    True for an attribute that is text only (`padding_mode`) and for the words that a
    numeric attribute knows (`padding = "same"`).
    """
    from typing import Literal, get_args, get_origin

    field = op.model_fields[key]
    members = [field.annotation, *get_args(field.annotation)]
    if any(get_origin(m) is Literal for m in members) or str in members:
        return True
    return op.takes_word(key, value)
