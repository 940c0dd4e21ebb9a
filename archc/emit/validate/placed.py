"""Where the modules and parameters of a generated module are."""

from __future__ import annotations

from collections.abc import Iterator

from archc.emit.validate.disagreement import Fault
from archc.emit.validate.expected import ValueGraph
from archc.emit.validate.folding import plain
from archc.emit.validate.values import Module, Parameter


def placed(root: Module, graph: ValueGraph) -> Iterator[tuple[str, Module | Parameter]]:
    """Every module and parameter below `root`, which is told its path."""
    weighted = graph.weighted
    seen: set[int] = {id(root)}
    stack: list[tuple[str, Module | Parameter]] = list(_below(root))
    while stack:
        path, there = stack.pop()
        if id(there) in seen:
            raise Fault(f"this is the same module or parameter as {there.path}", path)
        seen.add(id(there))
        there.path = path = plain(path)
        yield path, there
        if isinstance(there, Module):
            if there.call is not None:
                there.key = path if path in weighted else there.call.key
            else:
                stack.extend(_below(there))


def _below(module: Module) -> Iterator[tuple[str, Module | Parameter]]:
    prefix = f"{module.path}." if module.path else ""
    return ((f"{prefix}{name}", child) for name, child in module.children.items())
