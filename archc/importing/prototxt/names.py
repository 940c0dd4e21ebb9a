"""What the layers of a file are called in the spec, and in which modules they stand.

A `/` parts a module's name from that of what stands in it. Where an Eltwise is called
`res2a`, layers called `res2a_branch1` and `bn2a_branch1` are `branch1` and `bn_branch1`
in the module `res2a`: so are residual networks written in Caffe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archc.importing.prototxt.layers import Layer
from archc.spec.identifiers import of_layer

_UNIT = re.compile(r"([A-Za-z]+)_?(\d[A-Za-z0-9]*)")


@dataclass(slots=True)
class Names:
    """Of each layer by its id: the module around it, empty for the network, and its
    path as a key of the `state_dict`."""

    scopes: dict[int, str] = field(default_factory=dict[int, str])
    paths: dict[int, str] = field(default_factory=dict[int, str])
    classes: dict[str, str] = field(default_factory=dict[str, str])
    """Of each module: those that are called alike and hold much the same have one."""
    heads: set[str] = field(default_factory=set[str])
    """The modules that are auxiliary classifiers."""


def named(layers: list[Layer], heads: Mapping[int, str]) -> Names:
    """The names of layers; `heads` are the modules in which some have to stand."""
    units = _units(layers)
    wanted: list[tuple[str, str]] = []
    for layer in layers:
        scope, child = _parted(_plain(layer.name), units)
        if id(layer) in heads:
            own = heads[id(layer)]
            child = child if scope == own else _plain(layer.name).replace("/", "_")
            scope = own
        wanted.append((scope, child))
    alone = {child for scope, child in wanted if not scope}
    broken = _broken([scope for scope, _ in wanted]) | alone
    found = Names()
    taken: dict[str, set[str]] = {"": {scope for scope, _ in wanted} - broken}
    modules: dict[str, str] = {}
    for layer, (scope, child) in zip(layers, wanted, strict=True):
        if scope in broken and id(layer) not in heads:
            child, scope = _plain(layer.name).replace("/", "_"), ""
        if scope:
            scope = modules.setdefault(scope, _allowed(scope, lambda _: False))
        inner = taken.setdefault(scope, set())
        child = _allowed(child, inner.__contains__)
        inner.add(child)
        found.scopes[id(layer)] = scope
        found.paths[id(layer)] = f"{scope}.{child}" if scope else child
    found.heads = set(heads.values())
    found.classes = _classes(taken, found.heads)
    return found


def _classes(children: Mapping[str, set[str]], heads: set[str]) -> dict[str, str]:
    """Classes of modules, by their names and those of what they hold."""
    found: dict[str, str] = {}
    known: dict[str, set[str]] = {}
    for scope in sorted(filter(None, children), key=lambda s: -len(children[s])):
        letters = re.match(r"[A-Za-z]*", scope)
        name = letters[0].capitalize() if letters and letters[0] else "Unit"
        name = "Head" if scope in heads else name
        number = 1
        same = name
        while same in known and 2 * len(known[same] & children[scope]) < len(
            children[scope]
        ):
            number += 1
            same = f"{name}{number}"
        known.setdefault(same, children[scope])
        found[scope] = same
    return found


def head_name(loss: str) -> str:
    """The module of an auxiliary classifier, by the name of its loss."""
    return _plain(loss).partition("/")[0]


def _plain(name: str) -> str:
    """A name without what no name may have."""
    return re.sub(r"[^A-Za-z0-9_/]", "_", name).strip("/") or "layer"


def _units(layers: list[Layer]) -> dict[str, str]:
    """The Eltwise layers after which others are called, by what stands behind their
    first letters."""
    names = [_plain(layer.name) for layer in layers]
    found: dict[str, str] = {}
    for layer, name in zip(layers, names, strict=True):
        match = _UNIT.fullmatch(name)
        if layer.type != "Eltwise" or match is None:
            continue
        if sum(other.startswith(f"{name}_") for other in names) > 1:
            found[match[2]] = name
    return found


def _parted(name: str, units: Mapping[str, str]) -> tuple[str, str]:
    """The module and the name in it."""
    if "/" in name:
        scope, _, child = name.partition("/")
        return scope, child.replace("/", "_") or scope
    head, _, rest = name.partition("_")
    match = _UNIT.fullmatch(head)
    unit = units.get(match[2]) if match is not None else None
    if match is None or unit is None:
        return "", name
    if head == unit or not rest:
        return unit, rest or "sum"
    return unit, f"{match[1]}_{rest}"


def _broken(scopes: list[str]) -> set[str]:
    """Modules whose layers do not stand one after the other."""
    met: set[str] = set()
    broken: set[str] = set()
    before = ""
    for scope in scopes:
        if scope and scope != before and scope in met:
            broken.add(scope)
        met.add(scope)
        before = scope
    return broken


def _allowed(name: str, taken: Callable[[str], bool]) -> str:
    """The name, or one near it that a child of a module may have."""
    while of_layer(name) is not None:
        name += "_"
    near, number = name, 1
    while taken(near):
        number += 1
        near = f"{name}_{number}"
    return near
