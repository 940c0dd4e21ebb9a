"""Several nodes that together are one operator, as exporters write it out."""

from __future__ import annotations

from archc.importing.onnx.file import File, Node


def join(file: File) -> None:
    """Puts one node in place of those that do the same."""
    makers = {name: node for node in file.nodes for name in node.makes}
    gone: set[int] = set()

    def inner(name: str, op: str, readers: int = 1) -> Node | None:
        node = makers.get(name)
        alone = file.readers[name] == readers
        return node if node is not None and node.op == op and alone else None

    for node in file.nodes:
        if node.op != "Mul" or len(node.reads) != 2:
            continue
        for source, other in (node.reads, node.reads[::-1]):
            found = inner(other, "Sigmoid")
            if found is not None and found.reads[0] == source:
                _replace(file, node, "Silu", source, [found], gone)
                break
            found = inner(other, "HardSigmoid")
            if found is not None and found.reads[0] == source and _is_torchs(found):
                _replace(file, node, "HardSwish", source, [found], gone)
                break
            found = inner(other, "Tanh")
            soft = None if found is None else inner(found.reads[0], "Softplus")
            if found is not None and soft is not None and soft.reads[0] == source:
                _replace(file, node, "Mish", source, [found, soft], gone)
                break
    file.nodes = [node for node in file.nodes if id(node) not in gone]


def _is_torchs(node: Node) -> bool:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    return abs(alpha - 1 / 6) < 1e-6 and beta == 0.5


def _replace(
    file: File, node: Node, op: str, source: str, inside: list[Node], gone: set[int]
) -> None:
    node.op, node.reads, node.attributes = op, [source], {}
    gone.update(id(other) for other in inside)
    file.readers[source] -= 1
