"""The modules in which the nodes of a file stand, as far as their names tell.

torch's newer exporter notes the modules around each node, with their classes; its older
one writes them into the node's name (`/layer1/layer1.0/conv1/Conv`). TensorFlow's names
are paths too. Where there are only classes' names missing, modules that hold children
of the same names are of one class.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeVar

from archc.importing.items import SEQUENTIAL
from archc.importing.onnx.file import File, Node
from archc.importing.onnx.neighbours import beside, origins_of, weights_of
from archc.spec.expressions import is_sequence

_NOTED = "pkg.torch.onnx.name_scopes"
_CLASSES = "pkg.torch.onnx.class_hierarchy"
_AGAIN = re.compile(r"(.+)_(\d+)")
_ENDS = re.compile(
    r"(_w_0|_b_0|_(?:s|scale)_0|_[wW]|[_/.](?:weights?|kernel|gamma)(?:_0)?|:0"
    r"|/(?:Conv2D|MatMul|BiasAdd|ReadVariableOp|depthwise|FusedBatchNormV\d).*)+$"
)
"""What of a weight's name is not that of its module."""
_MADE_UP = re.compile(r"(onnx::)?[A-Za-z]*_?\d*", re.ASCII)
"""What exporters call values that have no name."""
_UNIT = re.compile(r"((?:\w+_)?block_?\d+[a-z]?(?=_)|\w+?(?=_branch))_(\w+)")
"""Flat names of the layers of a unit, as Keras and Caffe2 have them."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module around a node."""

    path: str
    class_name: str


Chain = tuple[Module, ...]
"""The modules around a node, the outermost first."""


def chains_of(file: File) -> list[Chain]:
    """The modules around each node, in the nodes' order; empty where nothing tells."""
    if any(_NOTED in node.notes for node in file.nodes):
        known = [_NOTED in node.notes for node in file.nodes]
        return _between([_noted(node) for node in file.nodes], known)
    known = [node.name.startswith("/") for node in file.nodes]
    if sum(known) * 2 > len(file.nodes):
        own: set[_Path] = set()
        paths = _again([_slashed(node.name, own) for node in file.nodes], own)
        return _with_classes(_between(paths, known))
    origins = origins_of(file)
    weights = weights_of(file, origins)
    paths = [_path(node) for node in file.nodes]
    if any(not paths[n] for n in weights):
        paths = [_weight_path(weights.get(n, "")) for n in range(len(paths))]
    paths = _apart([_in_unit(path) for path in _without_common(paths)], weights)
    return _with_classes(beside(file, paths, weights, origins))


_T = TypeVar("_T")


def _between(
    chains: list[tuple[_T, ...]], known: list[bool]
) -> list[tuple[_T, ...]]:  # fmt: skip
    """The modules around each node; one that an optimiser made stands in those that the
    nodes before it and behind it have in common."""
    found = list(chains)
    for n, is_known in enumerate(known):
        if is_known or not n:
            continue
        after = next((c for c, k in zip(chains[n:], known[n:], strict=True) if k), ())
        pairs = takewhile(
            lambda pair: pair[0] == pair[1], zip(found[n - 1], after, strict=False)
        )
        found[n] = tuple(one for one, _ in pairs)
    return found


def _noted(node: Node) -> Chain:
    """As the exporter noted it: paths, the last one being the call itself."""
    scopes = _texts(node.notes.get(_NOTED, ""))[1:-1]
    classes = _texts(node.notes.get(_CLASSES, ""))[1:-1]
    if len(scopes) != len(classes) or not all(map(_is_path, scopes)):
        return ()
    pairs = zip(scopes, classes, strict=True)
    return tuple(Module(path, name) for path, name in pairs)


def _texts(text: str) -> list[str]:
    try:
        found: Any = literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    if not is_sequence(found):
        return []
    return [part for part in found if isinstance(part, str)]


def _is_path(text: str) -> bool:
    return re.fullmatch(r"\w+(\.\w+)*", text, re.ASCII) is not None


# ---- names that are paths

_Path = tuple[str, ...]


def _slashed(name: str, own: set[_Path]) -> _Path:
    """`/layer1/layer1.0/conv1/Conv` as the names of modules in each other; those that
    name their children after themselves are noted as their `own`."""
    if not name.startswith("/"):
        return ()
    found: list[str] = []
    before = ""
    for part in name.split("/")[1:-1]:
        # children of a sequence are called by its name and theirs
        inner = part.removeprefix(f"{before}.") if before else part
        own.update([tuple(found)] if inner != part else ())
        found += inner.split(".")
        before = part
    return tuple(found) if all(re.fullmatch(r"\w+", p, re.ASCII) for p in found) else ()


def _again(paths: list[_Path], own: set[_Path]) -> list[_Path]:
    """The second call of `relu` is written `relu_1`: it is the same module, unless that
    is its own name."""
    known: set[_Path] = {path[:n] for path in paths for n in range(1, len(path) + 1)}
    found: list[_Path] = []
    for path in paths:
        parts: list[str] = []
        for n, part in enumerate(path):
            match = _AGAIN.fullmatch(part)
            same = match is not None and (*path[:n], match[1]) in known
            same = same and path[: n + 1] not in own
            parts.append(match[1] if match is not None and same else part)
        found.append(tuple(parts))
    return found


def _path(node: Node) -> _Path:
    """A name that is a path, without the operator at its end."""
    parts = [re.sub(r"\W", "_", part, flags=re.ASCII) for part in node.name.split("/")]
    return tuple(parts[:-1]) if all(parts) else ()


def _weight_path(name: str) -> _Path:
    """The same by the name of a weight, as Caffe2 has it."""
    plain = _ENDS.sub("", name)
    if not plain or _MADE_UP.fullmatch(name):
        return ()
    parts = [re.sub(r"\W", "_", p, flags=re.ASCII) for p in re.split("[/.]", plain)]
    return tuple(filter(None, parts))


def _in_unit(path: _Path) -> _Path:
    """`res2_0_branch2a` stands in `res2_0`, and `conv2_block1_1_conv` in
    `conv2_block1`."""
    found: list[str] = []
    for part in path:
        match = _UNIT.fullmatch(part)
        found += [part] if match is None else [match[1], match[2]]
    return tuple(found)


def _apart(paths: list[_Path], weights: Mapping[int, str]) -> list[_Path]:
    """Paths of which none stands in a module that has tensors itself."""
    leaves = {paths[n] for n in weights}
    found: list[_Path] = []
    for path in paths:
        depth = next((n for n in range(1, len(path)) if path[:n] in leaves), len(path))
        last = path[depth - 1 :]
        found.append((*path[: depth - 1], "_".join(last)) if path else ())
    return found


def _without_common(paths: list[_Path]) -> list[_Path]:
    """Paths without the modules that all of them stand in."""
    given = [path for path in paths if path]
    while given and all(len(p) > 1 and p[0] == given[0][0] for p in given):
        given = [path[1:] for path in given]
        paths = [path[1:] for path in paths]
    return paths


def _with_classes(paths: list[_Path]) -> list[Chain]:
    """The same with classes, told by what modules hold."""
    children: dict[_Path, set[str]] = {}
    for path in paths:
        for n in range(1, len(path) + 1):
            children.setdefault(path[:n], set())
            if n > 1:
                children[path[: n - 1]].add(path[n - 1])
    classes = _classes(children)
    return [
        tuple(Module(".".join(path[:n]), classes[path[:n]])
              for n in range(1, len(path) + 1))
        for path in paths
    ]  # fmt: skip


def _classes(children: dict[_Path, set[str]]) -> dict[_Path, str]:
    found: dict[_Path, str] = {}
    known: dict[str, set[str]] = {}
    for path in sorted(children, key=lambda p: -len(children[p])):
        inside = children[path]
        if inside and all(name.isdigit() for name in inside):
            found[path] = SEQUENTIAL
            continue
        alike = next((name for name, other in known.items()
                      if inside and _similar(inside, other)), None)  # fmt: skip
        if alike is None:
            alike = _class_name(path, known)
            known[alike] = inside
        found[path] = alike
    return found


def _similar(one: set[str], other: set[str]) -> bool:
    return 2 * len(one & other) > len(one | other)


def _class_name(path: _Path, taken: Iterable[str]) -> str:
    """What the modules of a class are called, without what tells them apart."""
    own = next((part for part in reversed(path) if not part.isdigit()), "Module")
    words = re.sub(r"(_?\d+[a-z]?)+$", "", own).strip("_") or own
    base = "file." + "".join(word.capitalize() for word in words.split("_"))
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}{number}"
    return name
