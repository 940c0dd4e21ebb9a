"""Where an activation may overwrite what it reads.

It may where it is the value's only reader, where nobody's backward pass needs the
value, and where the value was made in the same body, so that the class is safe wherever
it is used. Every instance of the written node must allow it, and so must what is read
where another argument leaves out a node or repeats none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from archc.network.graph import Layer, Network, Region, Value
from archc.ops.sizes import Shape
from archc.ops.steps import Device, source
from archc.spec.expressions import Expr
from archc.spec.model import (
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    Spec,
    alternatives,
    members,
    used_blocks,
    walk,
)
from archc.spec.templates import patterned


def inplace_nodes(network: Network) -> frozenset[Node]:
    """The nodes whose op can safely work in place in all of its instances."""
    uses = _Uses(network)
    safe: dict[Node, bool] = dict.fromkeys(uses.behind_absent, False)
    for layer in uses.owner:
        if layer.op.has_inplace:
            wanted = getattr(layer.op, "inplace", None) is not False
            fine = wanted and uses.overwritable(layer)
            safe[layer.node] = safe.get(layer.node, True) and fine
    return frozenset(node for node, fine in safe.items() if fine)


class _Uses:
    """Who reads which value, and in whose body it is made."""

    def __init__(self, network: Network) -> None:
        self.readers: Counter[Value] = Counter(network.results())
        self.owner: dict[Layer, Region] = {}
        """For each layer the block instance, or the root, in whose body it stands."""
        self.instead: dict[Value, list[Value]] = defaultdict(list)
        """What may stand in a value's place, as an expression decides on its maker."""
        self._sharing: dict[tuple[int, Shape], bool] = {}
        roots = (network.body, *(h.region for h in network.heads))
        present = _nodes(network)
        varied = set(filter(_is_varied, present))
        elsewhere = _read_elsewhere(network.spec, present)
        self.behind_absent = _behind_absent(network.spec, present)
        """What reads an absent node's value, which it may not write to."""
        held = _held(network.spec)
        for root in roots:
            stack: list[tuple[Layer | Region, Region]] = [(root, root)]
            while stack:
                part, body = stack.pop()
                if part.node in varied:
                    self._vary(part)
                if part.node in held:
                    self.readers[part.output] += 1
                if elsewhere and not elsewhere.isdisjoint(_endings(part.path)):
                    self.readers[part.output] += 1
                if isinstance(part, Layer):
                    self.owner[part] = body
                    for value in part.inputs:
                        self.readers[value] += 1
                else:
                    if part.node is not None and part.node.reads and _passes_on(part):
                        self.readers[part.input] += 1
                    inside = part if part.kind == "block" else body
                    for value in part.outputs:
                        self.readers[value] += 1
                    stack.extend([(p, inside) for p in part.parts])

    def _vary(self, part: Layer | Region) -> None:
        """Notes what other arguments put in a part's place."""
        for value in _without(part):
            self.instead[part.output].append(value)
        if _may_go_on(part):
            self.instead[_start(part)].append(part.output)
        if _may_be_skipped(part):
            self.readers[_start(part)] += 1

    def overwritable(self, reader: Layer) -> bool:
        """Whether a layer may write to the memory of what it reads."""
        todo = [reader.inputs[0]]
        seen: set[Value] = set()
        while todo:
            value = todo.pop()
            if value in seen:
                continue
            seen.add(value)
            maker = value.layer
            if maker is None or self.readers[value] != 1:
                return False
            if self.owner[maker] is not self.owner[reader]:
                return False
            if maker.op.locked:
                return False
            todo += self.instead.get(value, ())
            # a merge of one value may be that value itself
            if not (maker.op.merges and len(maker.inputs) == 1):
                works_in_place = maker.op.has_inplace
                works_in_place &= maker.op.category == "activation"
                if "output" in maker.op.saves or works_in_place:
                    # an activation that worked in place has nothing else to go by
                    return False
                if not self._shares(maker):
                    continue
            # the same memory as what the maker read
            todo.append(maker.inputs[0])
        return True

    def _shares(self, layer: Layer) -> bool:
        """Whether what a layer gives may be, on some device, the memory it reads."""
        if layer.op.aliases:
            return True
        if len(layer.inputs) > 1:
            return False
        # the layers of a repeat have one op, and are asked about once
        key = id(layer.op), layer.input_shape()
        found = self._sharing.get(key)
        if found is None:
            found = self._sharing[key] = _is_its_source(layer)
        return found


def _passes_on(region: Region) -> bool:
    """Whether a region gives what it reads, so that no layer in it is its reader."""
    return region.output is region.input


def _held(spec: Spec) -> set[Node]:
    """The nodes whose value nobody may write to, as with other arguments one stands in
    its place that its maker, or somebody else, still needs."""
    found: set[Node] = set()
    for body in _bodies(spec):
        for node in walk(body):
            if node.otherwise is not None:
                either = {node, *alternatives(node)}
                if not all(map(_is_fresh, either)):
                    found |= either
    return found


def _is_fresh(node: Node) -> bool:
    """Whether a node makes a value that it has no need of itself."""
    if node.skip is not None or isinstance(node.repeat, Expr):
        return False
    if isinstance(node, GroupNode) and node.layers:
        last = node.layers[-1]
        return last.when is None and _is_fresh(last)
    return isinstance(node, OpNode) and node.op.category in _FRESH


_FRESH = frozenset({"convolution", "normalization", "pooling"})


def _behind_absent(spec: Spec, present: set[Node]) -> set[Node]:
    """The nodes that with other arguments read what a node makes that is absent now,
    and that needs its value itself."""
    found: set[Node] = set()

    def walked(nodes: tuple[Node, ...], behind: bool) -> bool:
        """Whether what stands behind these nodes reads such a value, too."""
        for node in nodes:
            behind = entered(node, behind)
        return behind

    def entered(node: Node, behind: bool) -> bool:
        if behind:
            found.add(node)
        for beside in (node.shortcut, node.otherwise):
            if beside is not None:
                walked((beside,), behind)
        inside = members(node)
        within = False
        if isinstance(node, BranchesNode):
            ends = [walked((branch,), behind) for branch in inside]
            within = len(ends) == 1 and ends[0]
        elif inside:
            within = walked(inside, behind)
            if node.repeat is not None and within:
                walked(inside, within)
        if node.skip is not None and node.skip_when is None:
            within = False
        if not _may_pass_on(node):
            return within
        return behind or within or (node not in present and not _lends(node))

    for body in _bodies(spec):
        walked(body, False)
    return found


def _may_pass_on(node: Node) -> bool:
    """Whether a node may give the memory that it reads."""
    if isinstance(node.when, Expr) or isinstance(node.repeat, Expr):
        return True
    return isinstance(node, OpNode) and node.op.category in ("reshape", "dropout")


def _lends(node: Node) -> bool:
    """Whether a node makes a value in its own body that others may write to, if they
    may write to what it reads."""
    if node.skip is not None and node.skip_when is None:
        return True
    match node:
        case GroupNode(layers=layers):
            for last in reversed(layers):
                if not _lends(last):
                    return False
                if not _may_pass_on(last):
                    break
            return True
        case BranchesNode(branches=branches):
            return len(branches) > 1 or all(map(_lends, branches))
        case OpNode(op=op):
            return op.category != "activation" and "output" not in op.saves
        case _:
            return False


def _nodes(network: Network) -> set[Node]:
    """The nodes that stand somewhere in the network."""
    return {
        part.node
        for part in network.distinct()
        if part.node is not None
        and (isinstance(part, Layer) or part.kind != "repeat" or part.parts)
    }


def _is_varied(node: Node) -> bool:
    """Whether arguments decide on whether, how often or past what a node stands."""
    return any(isinstance(a, Expr) for a in (node.when, node.repeat, node.skip_when))


def _read_elsewhere(spec: Spec, present: set[Node]) -> set[str]:
    """The names that other arguments may make somebody read: those that a `from` with
    braces can come out as, and those that nodes read which are absent now."""
    return {
        patterned(template.text)
        for body in _bodies(spec)
        for node in walk(body)
        for template in node.reads or ()
        if not template.fixed or node not in present
    }


def _bodies(spec: Spec) -> Iterator[tuple[Node, ...]]:
    yield spec.layers
    yield tuple(head.node for head in spec.heads)
    for name in used_blocks(spec):
        yield spec.blocks[name].layers


def _endings(path: str) -> Iterator[str]:
    words = patterned(path).split(".")
    return (".".join(words[start:]) for start in range(len(words)))


def _without(part: Layer | Region) -> Iterator[Value]:
    """What stands in the place of a part's value where an expression leaves it out."""
    node = part.node
    if node is None:
        return
    start = _start(part)
    if isinstance(node.when, Expr) and node.otherwise is None:
        yield start
    if isinstance(part, Region):
        if part.kind == "repeat" and isinstance(node.repeat, Expr):
            yield start
        if part.kind == "skip" and isinstance(node.skip_when, Expr):
            body = part.parts[0]
            assert isinstance(body, Region)
            yield body.output


def _may_go_on(part: Layer | Region) -> bool:
    """Whether other arguments make one more iteration read what the last one gives."""
    if isinstance(part, Layer) or part.kind != "repeat" or not part.parts:
        return False
    return part.node is not None and isinstance(part.node.repeat, Expr)


def _start(part: Layer | Region) -> Value:
    return part.inputs[0] if isinstance(part, Layer) else part.input


def _may_be_skipped(part: Layer | Region) -> bool:
    """Whether another argument makes a skip lead past it, reading the same value."""
    node = part.node
    if node is None or node.skip is None or not isinstance(node.skip_when, Expr):
        return False
    return isinstance(part, Layer) or part.kind in _BODIES


_BODIES = ("block", "group", "branches", "iteration", "share")
"""The regions that are a node's body, once for each of its repetitions."""


def _is_its_source(layer: Layer) -> bool:
    """Whether what a layer of one input gives is, on some device, what it reads."""
    shapes, y = (layer.input_shape(),), layer.output_shape()
    devices: tuple[Device, ...] = ("cpu", "cuda")
    return any(
        source(len(steps), 1, steps) == 0
        for device in devices
        for steps in [layer.op.steps(shapes, y, device=device, inplace=False)]
    )
