"""Several nodes that together are one operator, as exporters write it out."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose, pi, prod, sqrt
from typing import Any

from archc.importing.onnx.file import File, Node

_CLOSE = 1e-5
"""So near have constants to be to what they stand for."""


def join(file: File) -> None:
    """Puts one node in place of those that do the same."""
    nodes = _Nodes(file)
    for node in reversed(file.nodes):
        if id(node) not in nodes.gone:
            for idiom in _IDIOMS.get(node.op, ()):
                if idiom(nodes, node):
                    break
    file.nodes = [node for node in file.nodes if id(node) not in nodes.gone]


class _Nodes:
    """The nodes of a file, by what they make."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.makers = {name: node for node in file.nodes for name in node.makes}
        self.gone: set[int] = set()

    def maker(self, name: str, *ops: str) -> Node | None:
        """The node that makes a value that nothing else reads, if it is one of these
        operators."""
        node = self.makers.get(name)
        if node is None or node.op not in ops or id(node) in self.gone:
            return None
        return node if self.file.readers[name] == 1 else None

    def number(self, name: str) -> float | None:
        """A constant that is one number."""
        from onnx import numpy_helper

        node, tensor = self.makers.get(name), self.file.constants.get(name)
        if node is not None and node.op == "Constant":
            tensor = node.attributes.get("value")
            if tensor is None:
                return node.attributes.get("value_float")
        if tensor is None or prod(tensor.dims) != 1:
            return None
        return float(numpy_helper.to_array(tensor).reshape(-1)[0])

    def with_number(self, node: Node) -> tuple[str, float] | None:
        """What a node of two operands computes with a number, and the number."""
        for source, other in _orders(node):
            number = self.number(other)
            if number is not None:
                return source, number
        return None

    def factors(self, name: str, inside: list[Node]) -> tuple[float, list[str]]:
        """What is multiplied to a value, numbers first; the nodes that do so are noted
        `inside`."""
        number = self.number(name)
        if number is not None:
            return number, []
        node = self.maker(name, "Mul", "Div", "Pow")
        if node is None:
            return 1.0, [name]
        first, second = node.reads
        exponent = self.number(second)
        if node.op == "Mul":
            one, other = self.factors(first, inside), self.factors(second, inside)
            found = one[0] * other[0], one[1] + other[1]
        elif node.op == "Div" and exponent:
            number, names = self.factors(first, inside)
            found = number / exponent, names
        elif node.op == "Pow" and exponent in (2, 3):
            found = 1.0, [first] * int(exponent)
        else:
            return 1.0, [name]
        inside.append(node)
        return found

    def replace(
        self, node: Node, op: str, reads: list[str], inside: list[Node],
        **attributes: Any,
    ) -> bool:  # fmt: skip
        """Puts one operator in place of a node and of those inside it."""
        for each in [node, *inside]:
            self.file.readers.subtract(filter(None, each.reads))
        self.file.readers.update(filter(None, reads))
        node.op, node.reads, node.attributes = op, reads, attributes
        self.gone.update(id(other) for other in inside if other is not node)
        return True


def _orders(node: Node) -> list[tuple[str, str]]:
    """The operands of a node of two, either way round."""
    if len(node.reads) != 2:
        return []
    first, second = node.reads
    return [(first, second), (second, first)]


# ---- gates


def _gate(nodes: _Nodes, node: Node) -> bool:
    """A value times a function of itself."""
    for source, other in _orders(node):
        found = nodes.maker(other, "Sigmoid", "HardSigmoid", "Tanh")
        if found is None:
            continue
        if found.op == "Tanh":
            soft = nodes.maker(found.reads[0], "Softplus")
            if soft is not None and soft.reads[0] == source:
                return nodes.replace(node, "Mish", [source], [found, soft])
        elif found.reads[0] == source and (found.op == "Sigmoid" or _is_torchs(found)):
            op = "Silu" if found.op == "Sigmoid" else "HardSwish"
            return nodes.replace(node, op, [source], [found])
    return False


def _is_torchs(node: Node) -> bool:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    return abs(alpha - 1 / 6) < 1e-6 and beta == 0.5


def _gelu(nodes: _Nodes, node: Node) -> bool:
    """x / 2 * (1 + erf(x / sqrt 2)), or its like with a hyperbolic tangent, in any
    order of factors."""
    inside: list[Node] = []
    one, other = (nodes.factors(name, inside) for name in node.reads)
    factor, names = one[0] * other[0], one[1] + other[1]
    if len(names) != 2:
        return False
    for source, gate in (names, names[::-1]):
        total = nodes.maker(gate, "Add")
        found = None if total is None else nodes.with_number(total)
        if total is None or found is None or not _is(factor * found[1], 0.5):
            continue
        within = [*inside, total]
        scale, bent = nodes.factors(found[0], within)
        curve = nodes.maker(bent[0], "Erf", "Tanh") if len(bent) == 1 else None
        if curve is None or not _is(scale, found[1]):
            continue
        within.append(curve)
        if curve.op == "Erf" and _is_halved(nodes, curve.reads[0], source, within):
            return nodes.replace(node, "Gelu", [source], within)
        if curve.op == "Tanh" and _is_cubic(nodes, curve.reads[0], source, within):
            return nodes.replace(node, "Gelu", [source], within, approximate="tanh")
    return False


def _is_halved(nodes: _Nodes, name: str, source: str, inside: list[Node]) -> bool:
    factor, names = nodes.factors(name, inside)
    return names == [source] and _is(factor, sqrt(0.5))


def _is_cubic(nodes: _Nodes, name: str, source: str, inside: list[Node]) -> bool:
    """sqrt(2 / pi) * (x + 0.044715 * x ** 3)"""
    factor, names = nodes.factors(name, inside)
    total = nodes.maker(names[0], "Add") if len(names) == 1 else None
    if total is None or not _is(factor, sqrt(2 / pi)):
        return False
    inside.append(total)
    found = [nodes.factors(each, inside) for each in total.reads]
    powers = {len(names): number for number, names in found}
    known = {name for _, names in found for name in names}
    return known == {source} and {*powers} == {1, 3} and (
        _is(powers[1], 1.0) and _is(powers[3], 0.044715)
    )  # fmt: skip


def _is(number: float, wanted: float) -> bool:
    return isclose(number, wanted, rel_tol=_CLOSE)


# ---- normalisation


def _layer_norm(nodes: _Nodes, node: Node) -> bool:
    """What is off the mean of the last axis, by the root of its square's mean."""
    off, spread = node.reads
    root = nodes.maker(spread, "Sqrt")
    total = None if root is None else nodes.maker(root.reads[0], "Add")
    found = None if total is None else nodes.with_number(total)
    less = nodes.makers.get(off)
    if root is None or total is None or found is None:
        return False
    if less is None or less.op != "Sub" or not 0 < found[1] < 1e-2:
        return False
    variance = _mean(nodes, found[0])
    mean = _mean(nodes, less.reads[1])
    if variance is None or mean is None or mean.reads[0] != less.reads[0]:
        return False
    squares = nodes.maker(variance.reads[0], "Pow", "Mul")
    if squares is None or nodes.factors(variance.reads[0], []) != (1.0, [off, off]):
        return False
    # the difference is read by its square and by the quotient, and by nothing else
    if nodes.file.readers[off] != 1 + squares.reads.count(off):
        return False
    inside = [root, total, less, squares, variance, mean]
    how = {"axis": -1, "epsilon": found[1]}
    return nodes.replace(node, "LayerNormalization", [less.reads[0]], inside, **how)


def _mean(nodes: _Nodes, name: str) -> Node | None:
    """The node that makes the mean of the last axis, which is kept."""
    node = nodes.maker(name, "ReduceMean")
    if node is None or not node.attributes.get("keepdims", 1):
        return None
    axes = node.attributes.get("axes")
    if len(node.reads) > 1:
        axis = nodes.number(node.reads[1])
        axes = None if axis is None else [int(axis)]
    return node if axes == [-1] else None


# ---- places


def _strided(nodes: _Nodes, node: Node) -> bool:
    """Numbers by their places among all of a value."""
    flat = nodes.maker(node.reads[0], "Reshape")
    if flat is None or node.attributes.get("axis", 0) or len(flat.reads) != 2:
        return False
    if nodes.number(flat.reads[1]) != -1:
        return False
    reads = [flat.reads[0], node.reads[1]]
    return nodes.replace(node, "AsStrided", reads, [flat])


_IDIOMS: dict[str, tuple[Callable[[_Nodes, Node], bool], ...]] = {
    "Mul": (_gelu, _gate),
    "Div": (_layer_norm,),
    "Gather": (_strided,),
}
