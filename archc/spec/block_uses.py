"""Nodes with a block: which one, and are its arguments those that it takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archc.diagnostics.model import Place
from archc.diagnostics.suggest import did_you_mean, meant, nearest
from archc.ops.attributes import plain
from archc.ops.registry import OPS
from archc.source.folding import folded
from archc.source.kinds import is_table
from archc.spec import tables
from archc.spec.identifiers import of_parameter
from archc.spec.model import BlockNode, Origin
from archc.spec.repeated import Mentions
from archc.spec.slots import SlotParser, slot_names
from archc.spec.validate import listed, not_misspelled
from archc.spec.written import Written, items


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A use of a block with arguments that it does not take, or without some."""

    block: str
    origin: Origin
    known: set[str]
    slots: Collection[str]
    unknown: list[str]
    missing: list[str]


def names_of(block: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The `inputs` or `outputs` of a block's table, without what is no name."""
    written = block.get(key)
    names = items(written) if isinstance(written, list) else ()
    return tuple(folded(name) for name in names if isinstance(name, str))


class UseParser:
    """Parses uses of blocks; `blocks` is the spec's whole table of blocks.

    `misplaced` are blocks that stand elsewhere by a mistake, which has been reported.
    """

    def __init__(
        self,
        written: Written,
        blocks: Any,
        misplaced: Collection[str],
        slots: SlotParser,
    ) -> None:
        self.written = written
        self.slots = slots
        self.sink = written.sink
        self.no_blocks = not isinstance(blocks, dict | None)
        self.known: dict[str, Any] = blocks if isinstance(blocks, dict) else {}
        self.tables: dict[str, dict[str, Any]] = {
            name: table for name, table in self.known.items() if isinstance(table, dict)
        }
        self.misplaced = misplaced
        self._misfits: list[_Misfit] = []
        self._unknown = Mentions("block")

    def parse(
        self,
        table: dict[str, Any],
        origin: Origin,
        common: dict[str, Any],
        depth: int,
    ) -> BlockNode | None:
        name = table.pop("block")
        name = folded(name) if isinstance(name, str) else name
        if not isinstance(name, str) or name not in self.tables:
            self._unknown_block(name, origin)
            return None
        parameters = declared(self.tables[name])
        slots = slot_names(self.tables[name])
        fine = True
        if parameters is not None:
            required, optional = parameters
            required = [*required, *(s for s in slots if not slots[s])]
            # one with a bad name has been reported, and cannot be given
            required = [p for p in required if of_parameter(p) is None]
            fine = self._fits(name, table, required, {*optional, *slots}, origin)
        arguments = {
            k: self.written.plain_argument(v, origin.below(k), rows=True)
            for k, v in table.items()
            if k not in slots and not (is_table(v) and not fine)
        }
        given = {
            k: self.slots.given(table[k], origin.below(k), depth + 1)
            for k in slots
            if k in table
        }
        inputs = names_of(self.tables[name], "inputs")
        outputs = names_of(self.tables[name], "outputs")
        if len(inputs) < 2:
            fine &= self.written.reads_one(origin, f"block `{name}`", common)
        else:
            fine &= self._reads_all(name, inputs, origin, common)
        if len(outputs) > 1:
            fine &= self._gives_several(name, origin, common)
        if not fine:
            return None
        return BlockNode(
            block=name, arguments=arguments, slots=given, inputs=inputs,
            outputs=outputs, **common,
        )  # fmt: skip

    def _reads_all(
        self, name: str, inputs: Sequence[str], origin: Origin, common: dict[str, Any]
    ) -> bool:
        """Whether `from` has as many names as a block has inputs."""
        given = len(common.get("reads") or ())
        if given == len(inputs):
            return True
        here = "from" if given else "block"
        self.sink.error(
            "from-list",
            f"block `{name}` reads {len(inputs)} values, {listed(inputs)},"
            f" and here {'is' if given == 1 else 'are'} {given or 'none'}",
            origin.at(here),
            help=f"`from` lists a node for each of {listed(inputs)}, in this order",
        )
        return False

    def _gives_several(self, name: str, origin: Origin, common: dict[str, Any]) -> bool:
        """Whether nothing is asked of a block that only one value can do."""
        for key in ("when", "repeat", "skip"):
            if common.get(key) is not None:
                self.sink.error(
                    "lonely-modifier",
                    f"block `{name}` gives several values, and `{key}` is about one",
                    origin.at(key, part="key"),
                    help="put what is to be left out, repeated or led past into a block"
                    " that gives one",
                )
                return False
        return True

    def _unknown_block(self, name: Any, origin: Origin) -> None:
        if not isinstance(name, str):
            self.written.no_name("block", "a block", name, origin)
            return
        if name in self.known or self.no_blocks or name in self.misplaced:
            return  # that it is no table, or stands elsewhere, has been reported
        self._unknown.note(name, origin)

    def report_unknown(self) -> None:
        """Reports the blocks that are not there, each once."""
        there = ", ".join(sorted(self.known)[:20])
        for name in self._unknown.names():
            if name in OPS:
                help = f'`{name}` is an op: write op = "{name}"'
            elif self.sink.affords(len(self.known)) and (
                near := meant(name, self.known)
            ):
                help = near
            else:
                help = f"define [blocks.{name}], or take it from a file with `use`"
                help += f"; the blocks here are {there}" if there else ""
            message = f"there is no block {plain(name)}"
            self._unknown.report(self.sink, "unknown-block", name, message, help)

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
            slots = slot_names(self.tables[name])
            misfit = _Misfit(name, origin, known, slots, unknown, missing)
            self._misfits.append(misfit)
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
            known = misfit.known | tables.MODIFIERS - {"doc"}
            help = did_you_mean(key, known)
            if not misfit.known:
                near = nearest(key, known)
                help = f"did you mean `{near}`? " if near else ""
                help += f'`{name}` has no parameters; give it one: params = ["{key}"]'
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
                help="add "
                + ", ".join(
                    f"{p} = {'{ op = ... }' if p in misfit.slots else '...'}"
                    for p in lacking
                ),
            )


def declared(table: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]] | None:
    """What a block's table says of its parameters; None where that is wrong."""
    required, defaults = table.get("params", []), table.get("defaults", {})
    if not isinstance(required, list) or not is_table(defaults):
        return None
    names = items(required)
    if not all(isinstance(name, str) for name in names):
        return None
    return [folded(name) for name in names], defaults
