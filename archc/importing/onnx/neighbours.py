"""Nodes without names, in the modules of those beside them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from archc.importing.onnx.file import File, Node

WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu",
                       "BatchNormalization", "InstanceNormalization",
                       "LayerNormalization"})  # fmt: skip
_ON_MAPS = frozenset({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
                      "LRN", "Pad", "Resize", "Upsample", "ReduceMean"})  # fmt: skip

_Path = tuple[str, ...]


def origins_of(file: File) -> dict[str, str]:
    """The values that depend on no input, each with the constant that it comes from."""
    origins = {name: name for name in file.constants}
    for node in file.nodes:
        read = node.all_reads
        if all(name in origins for name in read):
            own = not read or node.op == "ConstantOfShape"
            origins |= {n: n if own else origins[read[0]] for n in node.makes}
    return origins


def weights_of(file: File, origins: Mapping[str, str]) -> dict[int, str]:
    """The name of each node's weight, by the node's place."""
    return {
        n: origins[node.reads[1]]
        for n, node in enumerate(file.nodes)
        if node.op in WEIGHTED and len(node.reads) > 1 and node.reads[1] in origins
    }


def beside(
    file: File,
    paths: list[_Path],
    weights: Mapping[int, str],
    origins: Mapping[str, str],
) -> list[_Path]:
    """The modules around each node: of one without a name those of what it reads last,
    and of a pooling those of what reads it, if that reads beside it too."""
    found = list(paths)
    # the modules that stand around, without that of a node with weights itself
    around = [path[:-1] if n in weights else path for n, path in enumerate(found)]
    makers = {name: n for n, node in enumerate(file.nodes) for name in node.makes}
    readers: dict[str, list[int]] = {}
    for n, node in enumerate(file.nodes):
        for name in node.reads:
            readers.setdefault(name, []).append(n)
    behind = _behind(file, around, readers)
    for n, node in enumerate(file.nodes):
        if paths[n]:
            continue
        if node.op in _ON_MAPS:
            found[n] = around[n] = _before(node, n, behind, readers)
        else:
            computed = [name for name in node.reads if name not in origins]
            read = [makers[name] for name in computed if name in makers]
            found[n] = around[n] = around[max(read)] if read else ()
    return found


def _behind(
    file: File, around: list[_Path], readers: Mapping[str, list[int]]
) -> list[set[_Path]]:
    """The modules of each node: its own, or those that come first behind one without a
    name, of which two say as much as many."""
    found: list[set[_Path]] = [set() for _ in file.nodes]
    for n in reversed(range(len(file.nodes))):
        if around[n]:
            found[n] = {around[n]}
            continue
        read_by = (m for name in file.nodes[n].makes for m in readers.get(name, ()))
        found[n] = set(islice({path for m in read_by for path in found[m]}, 2)) or {()}
    return found


def _before(
    node: Node, place: int, behind: list[set[_Path]], readers: Mapping[str, list[int]]
) -> _Path:
    """The modules that read what a node makes, and what it reads as well."""
    own = behind[place]
    beside_it = [behind[n] for n in readers.get(node.reads[0], ()) if n != place]
    alike = bool(beside_it) and all(other == own for other in beside_it)
    return next(iter(own)) if len(own) == 1 and alike else ()
