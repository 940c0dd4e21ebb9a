"""Names while a body is walked: what nodes are called, and what `from` reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from archc.diagnostics.model import Label, Place, Sink
from archc.diagnostics.suggest import did_you_mean
from archc.network.arguments import Arguments
from archc.network.frame import Frame, outer
from archc.network.graph import Value
from archc.network.scope import (
    Scope,
    may_be_child,
    named_as_scopes,
    named_paths,
    refuse_both,
)
from archc.network.walk import Walk
from archc.spec.identifiers import Problem, of_layer
from archc.spec.model import Block, Node, OpNode, ShareNode, Spec, Template, members
from archc.spec.model import walk as nodes_in
from archc.spec.templates import patterned

UNKNOWN = "?"
"""Stands in a path for a name that a mistake made unknown; no node can be called so."""


class Naming:
    """Notes the names of nodes in their scopes, and finds what they stand for."""

    def __init__(self, walk: Walk, arguments: Arguments) -> None:
        self.walk = walk
        self.arguments = arguments
        self._quiet = Arguments(Sink())
        """For names that need not be there."""
        self._met: dict[Node, Place] = {}
        """The nodes whose names were noted, with where these stand."""
        self._scopes: dict[tuple[Node, int], tuple[int, str]] = {}
        """How far outwards a name was first found, and as what."""
        self._written: dict[Block | None, dict[str, list[Node]]] = {}
        """The named nodes of bodies in which a name was not found, by their paths."""
        self._patterns: dict[Block | None, set[str]] = {}
        """What the names of their nodes have in common with those that braces make."""

    def name(self, node: Node, scope: Scope, frame: Frame) -> str | None:
        """The node's evaluated name, noted in its scope; None if it has none."""
        if node.name is None:
            return None
        place = self._met.get(node)
        if place is None:
            place = self._met[node] = node.name_origin.at()
        if scope.layout.style == "numbered" and may_be_child(node):
            scope.number()  # which is the one that it was given by hand
        name = self._text(node, frame)
        if name is None:
            return UNKNOWN
        problem = _of_dots(node, name) or of_layer(name)
        first = name.partition(".")[0]
        if problem is None and first in scope.defined:
            why = f"the network's class has it for {scope.defined[first]}"
            problem = why, f"call it `{first}_`"
        if problem is None:
            scope.take(name, place, self.walk.sink)
        else:
            self._refuse(node.name, name, problem, place)
        return name

    def _refuse(
        self, written: Template, name: str, problem: Problem, place: Place
    ) -> None:
        shown = f"`{name}`" if written.fixed else f"`{written.text}`, here `{name}`,"
        why, help = problem
        self.walk.sink.error(
            "bad-name", f"{shown} cannot name a layer: {why}", place, help=help
        )

    def left_out(self) -> None:
        """Reports the names of nodes that were left out: code has them all the same."""
        spec = self.walk.spec
        blocks = (block.layers for block in spec.blocks.values() if not block.broken)
        reported = set(self.walk.sink.reported)
        for body in ((*spec.layers, *(head.node for head in spec.heads)), *blocks):
            self._refuse_scopes(body, reported)
            for node in nodes_in(body):
                if node.name is None or node in self._met:
                    continue
                # what braces would give is not known; mostly it is a number
                name = "".join(
                    p if isinstance(p, str) else "0" for p in node.name.parts
                )
                problem = _of_dots(node, name) or of_layer(name)
                if problem is not None:
                    place = node.name_origin.at()
                    self._refuse(node.name, name, problem, place)

    def _refuse_scopes(self, body: Sequence[Node], reported: set[Place]) -> None:
        """Reports names in a body that are nodes' and scopes', if nobody has yet."""
        groups = (members(n) for n in nodes_in(tuple(body)) if n.name is not None)
        for scope in (body, *groups):
            for name, node, inside in named_as_scopes(scope):
                places = inside.name_origin.at(), node.name_origin.at()
                if reported.isdisjoint(places):
                    refuse_both(name, *places, self.walk.sink)

    def name_value(self, node: Node, y: Value, scope: Scope, frame: Frame) -> Value:
        """Notes what a node's name stands for, and gives it."""
        if node.name is not None and (node.name.fixed or node.repeat is None):
            name = self._text(node, frame)
            if name is not None:
                frame.values[scope.local + name] = y
        return y

    def hide(self, node: Node, scope: Scope, frame: Frame) -> None:
        """Notes that nobody knows what is inside a node."""
        if node.name is not None:
            name = self._text(node, frame)
            if name is not None:
                frame.opaque.add(scope.local + name)

    def _text(self, node: Node, frame: Frame) -> str | None:
        assert node.name is not None
        if node.name.fixed:
            return node.name.text
        return self.arguments.text(node.name, node.name_origin, frame)

    def first(self, node: Node, x: Value, scope: Scope, frame: Frame) -> Value:
        """What a node reads, or the first of it; behind `x`."""
        if node.reads is None:
            return x
        return self._read(node, 0, x, scope, frame, needed=True)

    def others(
        self, node: Node, x: Value, scope: Scope, frame: Frame, *, needed: bool = True
    ) -> tuple[Value, ...]:
        """What it reads beside that. Unless that is needed, as where the node is left
        out, the names may be of nothing."""
        count = 0 if node.reads is None else len(node.reads)
        return tuple(
            self._read(node, number, x, scope, frame, needed=needed)
            for number in range(1, count)
        )

    def _read(
        self, node: Node, number: int, x: Value, scope: Scope, frame: Frame,
        *, needed: bool,
    ) -> Value:  # fmt: skip
        """The value that a name in a node's `from` stands for."""
        assert node.reads is not None
        template, origin = node.reads[number], node.read_origin(number)
        name = (self.arguments if needed else self._quiet).text(template, origin, frame)
        if name == "prev":
            return x
        if name == "input":
            self.crosses(scope.local, "", origin.at(), frame)
            return frame.input
        value = None if name is None else frame.lookup(name, scope.local)
        if value is None:
            mistaken = needed or not self._may_be_there(template, frame)
            if mistaken and name is not None and not frame.hidden(name, scope.local):
                passed = template if number == 0 and node.when is not None else None
                self.unknown(
                    name, origin.at(), scope.local, frame, passed=passed, needed=needed
                )
            value = Value(None)
        elif name is not None:
            home = frame.home(name, scope.local)
            self.crosses(scope.local, home + name, origin.at(), frame)
            outwards = scope.local.count(".") - home.count(".")
            self._of_one_scope(node, number, outwards, home + name)
        self.walk.read_values.add(value)
        return value

    def _may_be_there(self, read: Template, frame: Frame) -> bool:
        """Whether a name with braces is, with other numbers in them, one of the body's
        own."""
        if frame.block not in self._patterns:
            self._patterns[frame.block] = {
                patterned(node.name.text.partition(".")[0])
                for node in nodes_in(_body(self.walk.spec, frame))
                if node.name is not None
            }
        first = patterned(read.text.partition(".")[0])
        return not read.fixed and first in self._patterns[frame.block]

    def crosses(self, local: str, path: str, place: Place, frame: Frame) -> None:
        """Notes which named groups are left, and which are entered, where a node in the
        scope `local` reads what has the `path`. None of them may be applied again."""
        home = outer(f"{path}.")
        for found, inside, outside in (
            (frame.leaves, local, path),
            (frame.entered, home, local),
        ):
            while inside and not outside.startswith(inside):
                group = inside[:-1]
                found.setdefault(group, place)
                if group in frame.shared:
                    self.not_alone(group, frame.shared[group], frame)
                inside = outer(inside)

    def not_alone(self, group: str, place: Place, frame: Frame) -> None:
        """Reports that a group is shared which something else is entangled with."""
        reads = frame.leaves.get(group)
        why = "reads what is outside it" if reads else "has an inside that is read"
        self.walk.sink.error(
            "share-not-alone",
            f"`{group}` {why}, so it can't be applied again",
            place,
            Label(reads or frame.entered[group], "read here"),
            help="make a block of it, which has names of its own"
            if reads
            else "read its output, or make groups of its parts",
        )

    def _of_one_scope(self, node: Node, number: int, outwards: int, path: str) -> None:
        """Sees to it that a name means the same scope whenever it is read: one without
        braces may be a number, which the iterations around have as well.

        The scope is told by how far outwards it lies.
        """
        first, other = self._scopes.setdefault((node, number), (outwards, path))
        if first != outwards:
            assert node.reads is not None
            self.walk.sink.error(
                "ambiguous-node",
                f"`{node.reads[number].text}` means nodes of two scopes: `{other}`, and"
                f" later `{path}`",
                node.read_origin(number).at(),
                help="give the nodes of one of the scopes another name",
            )

    def written(self, frame: Frame) -> Mapping[str, Sequence[Node]]:
        """The nodes of a body whose names have no braces, by their paths; those of one
        path exclude each other."""
        if frame.block not in self._written:
            found = self._written[frame.block] = defaultdict(list)
            for path, node in named_paths(_body(self.walk.spec, frame)):
                found[path].append(node)
        return self._written[frame.block]

    def unknown(
        self,
        name: str,
        place: Place,
        local: str,
        frame: Frame,
        others: tuple[str, ...] = ("prev", "input"),
        passed: Template | None = None,
        needed: bool = True,
    ) -> None:
        """Reports a name that no node before has, looked for from the scope `local`
        outwards; `others` would be known too. Where it is not `needed`, a node that is
        left out is no mistake; where it is left out itself, the name is `passed` on.
        What a share that failed would give by name nobody knows."""
        sink, written = self.walk.sink, self.written(frame)
        giver = local + name.rpartition(".")[0]
        shared = any(isinstance(n, ShareNode) for n in written.get(giver, ()))
        if shared and giver in frame.values and frame.values[giver].shape is None:
            return
        while True:
            later = written.get(local + name)
            if later is not None or not local:
                break
            local = outer(local)
        if later is not None and _stands_before(later[-1], place):
            if not needed:
                return
            sink.error(
                "unknown-node",
                f"`{name}` is not there: what it stands in is left out",
                place,
                Label(later[-1].name_origin.at(), "it would be this"),
                help=_PASSED
                if passed
                else "give this node the same `when`, or read what is always there",
            )
            return
        if later is not None:
            sink.error(
                "reads-later",
                f"`{name}` is not there yet: a node reads only what stands before it",
                place,
                Label(later[-1].name_origin.at(), "it comes here"),
                help="move this node behind the one it reads",
            )
            return
        sink.error(
            "unknown-node",
            f"no node is called `{name}` here",
            place,
            help=_PASSED
            if passed and self._may_be_there(passed, frame)
            else did_you_mean(name, [*filter(_is_path, frame.values), *others])
            if sink.affords(len(frame.values))
            else "a node reads by name what stands before it",
        )


def _body(spec: Spec, frame: Frame) -> tuple[Node, ...]:
    """The nodes whose names are seen from one another: heads see those of theirs."""
    if frame.block is not None:
        return frame.block.layers
    return (*spec.layers, *(head.node for head in spec.heads))


_PASSED = (
    "what a node reads first passes through where its `when` is false, so it must be"
    " there: read what is, or put the node into the `layers` of one with that `when`"
)


def _stands_before(node: Node, place: Place) -> bool:
    """Whether a node ends before a place in the same file."""
    there = node.origin.at()
    end = there.span()[2:]
    return there.file == place.file and end <= place.span()[:2]


def _of_dots(node: Node, name: str) -> Problem | None:
    """What is wrong with the dots of a name, which comes out as `name`."""
    assert node.name is not None
    if "." not in name:
        return None
    *scopes, last = [p if isinstance(p, str) else "{}" for p in node.name.parts]
    written = "".join((*scopes, last))
    if name.count(".") != written.count("."):
        return "its braces give a number with a dot", "write a whole number: `int(...)`"
    is_part = isinstance(node, OpNode) and node.op.parts is not None
    if "{}" in written.rpartition(".")[0] and not is_part:
        return (
            "braces stand before a dot",
            "make a group with that name, and put the node into it",
        )
    if isinstance(node, OpNode) and node.op.bare_parameter:
        return (
            f"`{node.op.op}` is a parameter, and a list of modules holds none",
            "give it a name without a dot",
        )
    return None


def _is_path(name: str) -> bool:
    """Whether a name is one that somebody may have meant: no mistake is one."""
    return of_layer(name) is None
