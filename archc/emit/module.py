"""Writes a network as a PyTorch module: plan, lower, passes, validate, print."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from os.path import normpath
from pathlib import Path

from archc.emit.digest import signed
from archc.emit.keys import keys
from archc.emit.lower import Lowering
from archc.emit.passes.alike import alike
from archc.emit.passes.appended import appended
from archc.emit.passes.assignments import assignments
from archc.emit.passes.beside import beside
from archc.emit.passes.children import children
from archc.emit.passes.containers import containers, expressed
from archc.emit.passes.copies import copies
from archc.emit.passes.counting import counting
from archc.emit.passes.derived import derived
from archc.emit.passes.either import either
from archc.emit.passes.guards import guards
from archc.emit.passes.halves import halves
from archc.emit.passes.held import held
from archc.emit.passes.imports import imports
from archc.emit.passes.inlined import inlined
from archc.emit.passes.items import items
from archc.emit.passes.joined import joined
from archc.emit.passes.naming import named
from archc.emit.passes.nested import nested
from archc.emit.passes.parts import parts
from archc.emit.passes.returns import returns
from archc.emit.passes.running import running
from archc.emit.passes.stages import stages
from archc.emit.passes.started import started
from archc.emit.passes.strides import strides
from archc.emit.passes.subexpressions import subexpressions
from archc.emit.passes.tests import tests
from archc.emit.passes.unread import unread
from archc.emit.passes.walked import walked
from archc.emit.print import printed
from archc.emit.symbols import Symbols
from archc.emit.tree import Module
from archc.emit.usage import unnamed
from archc.emit.validate import validate
from archc.emit.wrong import WrongModule
from archc.network.graph import Network

Pass = Callable[[Module, Symbols], Module]
PASSES: tuple[Pass, ...] = (
    parts, walked, stages, derived, items, counting, strides, nested, tests, beside,
    joined, unread, guards, held, subexpressions, children, expressed, appended,
    containers, appended, copies, halves, running, started, alike,
    inlined, either,
)  # fmt: skip
"""What makes a module read well, in this order. Behind each it is the same network."""


def emit(network: Network) -> str:
    """The source of a module that depends on torch alone, with its digest.

    Raises:
        WrongModule: if it would not be the network. That is a fault of archc's.
    """
    return emitted(network)[1]


def emitted(network: Network) -> tuple[Module, str]:
    """The tree of a module that depends on torch alone, and its source with
    its digest.

    Raises:
        WrongModule: if it would not be the network. That is a fault of archc's.
    """
    module = _made(network)
    differences = [f"`{name}` has no name" for name in sorted(unnamed(module))]
    differences += map(str, validate(module, network))
    if differences:
        raise WrongModule(network.name, differences)
    source = printed(module)
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise WrongModule(network.name, [f"no Python: {error}"]) from error
    return module, signed(source)


def unproven(network: Network) -> str:
    """The same source, and nobody asked whether it is the network: a text to hold
    another one to, which is not run.

    Raises:
        WrongModule: if there is none.
    """
    return signed(printed(_made(network)))


def _made(network: Network) -> Module:
    try:
        return tree(network)
    except Exception as error:
        # whatever it is, the spec passed all checks, so that no spec is to blame
        raise WrongModule(network.name, [f"{type(error).__name__}: {error}"]) from error


def tree(network: Network, passes: tuple[Pass, ...] = PASSES) -> Module:
    """The tree of a network's module, with all names given."""
    lowering = Lowering(network)
    module = keys(lowering.module(), lowering.symbols)
    module = replace(
        module, doc=(*module.doc, f"Compiled by archc from {_path(network)}.")
    )
    for rewritten in passes:
        module = rewritten(module, lowering.symbols)
    tops = {package.partition(".")[0] for package in module.packages}
    module = named(module, frozenset({*lowering.helpers, *tops}))
    module = assignments(module)
    module = returns(module)
    return imports(module)


def _path(network: Network) -> str:
    """The spec's file, from `specs` on where it lies below such a directory."""
    # the way to the file may lead through another one's directory
    path = Path(normpath(network.spec.origin.merged.document(()).path))
    shown = list(path.parts)
    if "specs" in shown:
        shown = shown[len(shown) - 1 - shown[::-1].index("specs") :]
    else:
        shown = shown[-1:]
    return "/".join(shown)
