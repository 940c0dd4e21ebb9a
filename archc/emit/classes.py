"""The classes of a generated module, and what each is planned to be.

A block is one class, but where its instances differ in the axes of what they work on: a
map and a vector are not the same code. A named group that is no chain has a class too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from archc.emit.frozen import frozen
from archc.emit.names import camel_case, identifier, network_class
from archc.emit.occurrences import Occurrences, axes
from archc.emit.plan import ClassPlan, Held, Slot, slot_key
from archc.emit.symbols import Symbols, wish
from archc.emit.terms import Terms
from archc.emit.walk import Walk
from archc.emit.wiring import Reads
from archc.network.graph import Layer, Network, Region
from archc.network.scope import body_style, style_of
from archc.ops.sizes import UNKNOWN, Dim, Shape
from archc.spec.expressions import Expr, Name, is_tuple, rows_in
from archc.spec.model import (
    Block,
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    SlotNode,
    Spec,
    opened,
    used_blocks,
    walk,
)


class Planner:
    """The plans of all classes, each made when it is first asked for."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.symbols = Symbols()
        self.roots = (network.body, *(head.region for head in network.heads))
        self._uses = _uses(network)
        self._variants: dict[
            Block, list[tuple[dict[object, object], list[Region]]]
        ] = {}
        self._variant_of: dict[Region, int] = {}
        self._blocks: dict[tuple[Block, int], ClassPlan] = {}
        self._groups: dict[object, ClassPlan] = {}
        for block in self._uses:
            self._variants_of(block)
        self._names: Counter[str] = Counter()
        spec = network.spec
        used = [spec.blocks[name].layers for name in used_blocks(spec)]
        heads = tuple(head.node for head in spec.heads)
        for nodes in (spec.layers, heads, *used):
            self._names.update(n.name.text for n in walk(nodes) if n.name is not None)

    # ---- the network

    def program(self) -> ClassPlan:
        """The plan of the network's own class."""
        network = self.network
        spec = network.spec
        seen = Occurrences(self.roots, self._variant_of)
        constants = frozen(network, seen)
        env = {
            name: self._parameter(name, [value])
            for name, value in network.params.items()
            if name not in constants
        }
        slots = self._slots(spec.slots)
        env |= {slot_key(name): slot.symbol for name, slot in slots.items()}
        shapes = [v.shape for v in network.inputs.values() if v.shape is not None]
        outputs = {output.name: output.reads for output in spec.outputs}
        named = [given.name for given in spec.inputs if given.name is not None]
        plan = ClassPlan(
            kind="network",
            wish=network_class(spec.name, spec.class_name, spec.title),
            doc=_network_doc(spec),
            nodes=spec.layers,
            style=body_style(spec.layers),
            reads=Reads(spec.layers, seen, named, outputs, spec.heads),
            seen=seen,
            env=env,
            constants=constants,
            in_channels=self.symbols.fresh("in_channels"),
            x=shapes[0],
            names=self._names,
            slots=slots,
            sole=None
            if named or spec.outputs or spec.heads
            else _sole(spec.layers, seen),
        )
        heads = tuple(head.node for head in spec.heads)
        plan.children = _children(plan, (*spec.layers, *heads))
        steps = Walk(plan, self)
        for given, shape in zip(spec.inputs, shapes, strict=True):
            if isinstance(given.sizes[0], Expr):
                shape = shape.with_channels(steps.value(given.sizes[0]))
            if given.name is not None:
                plan.values[given.name] = shape
            if given is spec.inputs[0]:
                plan.x = shape
        steps.compute(spec.lets)
        self._defaults(plan, steps)
        self._through(plan, steps)
        for head in spec.heads:
            source = plan.reads.heads[head.name]
            if source.kind == "value":
                x = steps.values[source.key.text]
            else:
                made = next(h for h in network.heads if h.name == head.name)
                assert made.source.shape is not None
                x = steps.feature(source.key, made.source.shape)
            steps.node(head.node, x)
        return plan

    def _slots(self, slots: Mapping[str, Node | None]) -> dict[str, Slot]:
        return {
            name: Slot(self.symbols.fresh(_slot_wish(name)), node)
            for name, node in slots.items()
        }

    def _defaults(self, plan: ClassPlan, steps: Walk, *, last: bool = False) -> None:
        """How that is made which stands in the slots of a class by default."""
        for name, slot in plan.slots.items():
            if slot.node is not None and slot.default is None:
                needed = last and self._is_left(plan, name)
                made = steps.factory(slot.node, slot, last=needed)
                slot.default = made

    def _through(self, plan: ClassPlan, steps: Walk) -> None:
        plan.values[""] = plan.x
        plan.result = steps.nodes(plan.nodes, plan.x)
        plan.channels = plan.result.channels
        # now it is known where slots stand
        self._defaults(plan, steps, last=True)

    def _parameter(self, name: str, values: Sequence[object]) -> Name:
        """The symbol of a parameter that has these values."""
        whole = all(map(_is_whole, values))
        return self.symbols.fresh(name, whole=whole, fields=whole_fields(values))

    # ---- blocks

    def block(self, user: Terms, node: BlockNode, x: Shape) -> ClassPlan:
        block = self.network.spec.blocks[node.block]
        regions = user.seen.regions.get(node) or user.seen.given_regions.get(node)
        variants = self._variants_of(block)
        number = self._variant_of[regions[0].original] if regions else 0
        key = (block, number)
        if key not in self._blocks:
            instances = variants[number] if variants else []
            self._blocks[key] = self._block(block, instances, x)
        return self._blocks[key]

    def _block(
        self, block: Block, instances: Sequence[Region], read: Shape
    ) -> ClassPlan:
        in_channels = self.symbols.fresh("in_channels")
        shapes = [r.input.shape for r in instances if r.input.shape is not None]
        seen = Occurrences(instances, self._variant_of)
        slots = self._slots(block.slots)
        plan = ClassPlan(
            kind="block",
            wish=camel_case(block.name),
            doc=block.doc,
            nodes=block.layers,
            style=body_style(block.layers),
            reads=Reads(
                block.layers, seen, block.inputs, {name: name for name in block.outputs}
            ),
            seen=seen,
            env={
                name: self._parameter(name, [r.arguments.get(name) for r in instances])
                for name in block.parameters
            }
            | {slot_key(name): slot.symbol for name, slot in slots.items()},
            slots=slots,
            constants={},
            in_channels=in_channels,
            x=_shared(shapes, read).with_channels(in_channels),
            block=block,
            names=self._names,
            sole=None if block.outputs else _sole(block.layers, seen),
        )
        plan.children = _children(plan, block.layers)
        self._given(plan, block, instances)
        steps = Walk(plan, self)
        steps.compute(block.lets)
        self._defaults(plan, steps)
        self._through(plan, steps)
        self._gives(plan, block, steps)
        return plan

    def _given(
        self, plan: ClassPlan, block: Block, instances: Sequence[Region]
    ) -> None:
        """What a block reads by name: channels of its own for each, the first apart."""
        for number, name in enumerate(block.inputs):
            if number == 0:
                plan.values[name] = plan.x
                continue
            plan.taken[name] = self.symbols.fresh(_channels_of(name))
            values = [region.others[number - 1] for region in instances]
            shapes = [value.shape for value in values if value.shape is not None]
            shape = _shared(shapes, plan.x)
            plan.values[name] = shape.with_channels(plan.taken[name])

    def _gives(self, plan: ClassPlan, block: Block, steps: Walk) -> None:
        """The channels of what a block gives, over its arguments."""
        if not block.outputs:
            plan.channels = _published(plan, steps, plan.channels, "out_channels")
        for number, name in enumerate(block.outputs):
            source = plan.reads.outputs[name]
            if source.kind == "value":
                shape = steps.values[source.key.text]
            else:
                plan.reads.measure(source)
                values = [region.outputs[number] for region in plan.instances]
                shapes = [value.shape for value in values if value.shape is not None]
                shape = steps.feature(source.key, _shared(shapes, plan.x))
            wish = _channels_of(name) if number else "out_channels"
            channels = _published(plan, steps, shape.channels, wish)
            plan.taps[name] = shape.with_channels(channels)
            if number == 0:
                plan.result, plan.channels = shape, channels

    def _variants_of(self, block: Block) -> list[list[Region]]:
        """The instances of a block without copies, those apart whose values have other
        axes."""
        if block not in self._variants:
            self._variants[block] = []
            for region in self._uses.get(block, ()):
                self._sort(block, region.original)
        return [members for _, members in self._variants[block]]

    def _sort(self, block: Block, region: Region) -> None:
        """Puts an instance of a block to those with the same axes."""
        if region in self._variant_of:
            return
        found = self._axes(region)
        variants = self._variants[block]
        for number, (known, members) in enumerate(variants):
            if all(known.get(n, a) == a for n, a in found.items()):
                known.update(found)
                members.append(region)
                self._variant_of[region] = number
                return
        self._variant_of[region] = len(variants)
        variants.append((found, [region]))

    def _axes(self, region: Region) -> dict[object, object]:
        """The axes of an instance's values, by node; in turn, where they change from
        one iteration to the next."""
        found: dict[object, list[object]] = defaultdict(list)
        stack: list[Layer | Region] = list(reversed(region.parts))
        while stack:
            part = stack.pop()
            if isinstance(part, Region) and part.block is not None:
                self._variants_of(part.block)
                # in a slot, a block may hold another instance of itself
                self._sort(part.block, part.original)
            what, kind = axes(part, self._variant_of)
            found[what].append(kind)
            if isinstance(part, Region) and part.kind != "block":
                stack.extend(reversed(part.parts))
        given = (value.shape for value in (region.input, *region.others))
        start = tuple(s and (len(s.dims), s.channel_axis) for s in given)
        uniform = {
            key: turns[0] if all(t == turns[0] for t in turns) else tuple(turns)
            for key, turns in found.items()
        }
        return {None: start, **uniform}

    def _is_left(self, plan: ClassPlan, slot: str) -> bool:
        """Whether a class may be made with what stands in a slot by default."""
        if plan.block is None:
            return True
        made = set(plan.instances)
        uses = [
            r.given or r.node
            for r in self._uses.get(plan.block, ())
            if r.original in made
        ]
        blocks = [use for use in uses if isinstance(use, BlockNode)]
        return not blocks or any(slot not in use.slots for use in blocks)

    # ---- named groups that are no chain

    def group(self, user: Terms, node: GroupNode | BranchesNode, x: Shape) -> ClassPlan:
        needs = user.plan.reads.needs(node)
        given = {path: user.values[path] for path in needs.values}
        # channels that are a number are written as one
        inlined = (
            None if isinstance(s.channels, Expr) else s.channels for s in given.values()
        )
        turns = tuple(at for _, at in user.loops if isinstance(at, int))
        key = (user.plan, node, turns, *inlined)
        if key not in self._groups:
            self._groups[key] = self._group(user, node, x, given)
        return self._groups[key]

    def _group(
        self,
        user: Terms,
        node: GroupNode | BranchesNode,
        x: Shape,
        given: dict[str, Shape],
    ) -> ClassPlan:
        fixed = node.name is not None and node.name.fixed
        members = node.layers if isinstance(node, GroupNode) else node.branches
        in_channels = self.symbols.fresh("in_channels")
        # the names of a counter are one argument
        given_names = {n: s for n, s in user.env.items() if isinstance(s, Name)}
        arguments = {
            symbol.id: self.symbols.fresh(
                wish(symbol.id), whole=symbol.whole, fields=symbol.fields
            )
            for symbol in given_names.values()
        }
        plan = ClassPlan(
            kind="group",
            wish=camel_case(
                identifier(node.name.text) if node.name and fixed else "stage"
            ),
            doc=node.doc,
            nodes=members,
            style=style_of(members),
            reads=user.plan.reads,
            seen=Occurrences(user.seen.regions.get(node, []), self._variant_of),
            env={name: arguments[symbol.id] for name, symbol in given_names.items()},
            constants={n: v for n, v in user.env.items() if isinstance(v, int)},
            in_channels=in_channels,
            x=x.with_channels(in_channels),
            node=node,
            owner=user.plan,
            slots=user.plan.slots,
            names=self._names,
        )
        plan.children = _children(plan, members)
        for path, shape in given.items():
            if isinstance(shape.channels, Expr):
                stem = path.rpartition(".")[2].partition("{")[0].lstrip("_")
                stem = identifier(stem or "inputs")
                plan.taken[path] = self.symbols.fresh(f"{stem}_channels")
                shape = shape.with_channels(plan.taken[path])
            plan.values[path] = shape
        steps = Walk(plan, self)
        if isinstance(node, BranchesNode):
            plan.result = steps.own_branches(node, plan.x)
        else:
            plan.result = steps.nodes(members, plan.x)
        plan.channels = _published(plan, steps, plan.result.channels, "out_channels")
        for path in plan.reads.taps(node):
            shape = steps.values[path]
            stem = identifier(path.rpartition(".")[2].lstrip("_") or "feature")
            channels = _published(plan, steps, shape.channels, f"{stem}_channels")
            plan.taps[path] = shape.with_channels(channels)
        return plan


def _network_doc(spec: Spec) -> str:
    """What the network is, and who reads its `loss_weights` where it has some."""
    title = f"{(spec.title or spec.name).rstrip('.')}."
    if not spec.heads:
        return title
    return (
        f"{title} In training the loss of each head counts as `loss_weights` says:"
        " `archc smoke` and `archc train` read them here, and so should other loops."
    )


def _published(plan: ClassPlan, steps: Walk, channels: Dim, wish: str) -> Any:
    """Channels over a class's arguments, or else the attribute that holds them."""
    closed = steps.closed(channels)
    if closed is not None:
        return closed
    name = wish
    while name in plan.children or name in plan.published:
        name += "_"
    plan.published[name] = channels
    return Held(name)


def _children(plan: ClassPlan, nodes: Sequence[Node]) -> frozenset[str]:
    fixed = {n.name.text for n in opened(tuple(nodes)) if n.name and n.name.fixed}
    names = fixed | set(plan.seen.child_names())
    return frozenset(names | {name.partition(".")[0] for name in names})


def _uses(network: Network) -> dict[Block, list[Region]]:
    found: dict[Block, list[Region]] = defaultdict(list)
    for part in network.distinct():
        if isinstance(part, Region) and part.block is not None:
            found[part.block].append(part)
    return found


def _slot_wish(name: str) -> str:
    """What the argument for a slot would like to be called: `norm_layer` for `norm`."""
    return name if name.endswith("layer") else f"{name}_layer"


def _is_whole(value: object) -> bool:
    """Whether a parameter is a whole number, or a list of such."""
    if is_tuple(value):
        return all(map(_is_whole, value))
    return type(value) is int


def whole_fields(values: Sequence[object]) -> frozenset[str]:
    """The fields that hold whole numbers in all rows of these values."""
    rows = rows_in(tuple(values))
    names = {name for row in rows for name in row.fields}
    return frozenset(
        name
        for name in names
        if all(
            name in row.fields and _is_whole(row.items[row.fields.index(name)])
            for row in rows
        )
    )


def _sole(nodes: Sequence[Node], seen: Occurrences) -> Node | None:
    """The repeated module that a body consists of, so that `forward` runs its children.

    It must not need the counter in `forward`, and nothing may be read by name.
    """
    if len(nodes) != 1 or seen.differ(nodes[0]):
        return None
    node = nodes[0]
    plain = node.when is None and node.skip_when is None and node.shortcut is None
    many = node.repeat is not None and node.name is not None and not node.name.fixed
    many = many and not (node.name and "." in node.name.text)
    module = node.reads is None and (
        isinstance(node, BlockNode | SlotNode)
        or (isinstance(node, OpNode) and not (node.op.merges or node.op.bare_parameter))
    )
    return node if plain and many and module else None


def _channels_of(name: str) -> str:
    """What the channels of a value are called; two underscores would be mangled."""
    return f"{name.strip('_') or 'value'}_channels"


def _shared(shapes: Sequence[Shape], read: Shape) -> Shape:
    """A block's input: the sizes where all instances agree. Of a block that has none,
    it has the axes of what its first use would read."""
    if not shapes:
        return Shape((UNKNOWN,) * len(read.dims), read.channel_axis or 0)
    first = shapes[0]
    dims = tuple(
        size if all(s.dims[i : i + 1] == (size,) for s in shapes) else UNKNOWN
        for i, size in enumerate(first.dims)
    )
    return Shape(dims, first.channel_axis)
