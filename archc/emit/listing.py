"""Which lines of a generated module stand for which layer.

The tree is run as the validator runs it, statement by statement; a layer belongs to the
statements that are at work when it is computed, and to those that built its module. The
lines of a statement are those that Python's own parser gives it in the printed text.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from archc.emit.module import emitted
from archc.emit.tree import Body, Class, For, If, Remark, Statement
from archc.emit.tree import Module as Tree
from archc.emit.validate.expected import ValueGraph, expected
from archc.emit.validate.folding import folded, plain
from archc.emit.validate.machine import Machine
from archc.emit.validate.names import Names
from archc.emit.validate.placed import placed
from archc.emit.validate.values import (
    Called,
    Environment,
    Module,
    Parameter,
    Tensor,
    Value,
)
from archc.network.graph import Layer, Network

Lines = tuple[int, int]
"""The first and the last line, from 1."""


class LayerLines(NamedTuple):
    """Where a layer stands, the innermost statement first: its call, then the call of
    the block around it, and so on."""

    called: tuple[Lines, ...]
    built: tuple[Lines, ...]
    """Of its module; none of a layer without one."""


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A generated module, and where its layers stand in it."""

    source: str
    layers: dict[Layer, LayerLines]


def listing(network: Network) -> Listing:
    """The source of a network's module with the lines of its layers.

    Raises:
        WrongModule: if the module would not be the network.
    """
    module, source = emitted(network)
    if not Names(module).plain():
        module = folded(module)
    lines = dict(_lines(module, ast.parse(source)))
    follower = _Follower(module, expected(network), lines)
    return Listing(source, dict(follower.follow(network.all_layers())))


# ------------------------------------------------------------------ lines of statements


def _lines(module: Tree, parsed: ast.Module) -> Iterator[tuple[int, Lines]]:
    """The lines of each statement, by its `id`."""
    written = [node for node in parsed.body if isinstance(node, ast.ClassDef)]
    # the classes stand behind the helpers of ops
    for made, node in zip(
        module.classes, written[len(written) - len(module.classes) :], strict=True
    ):
        yield from _in_class(made, node)


def _in_class(made: Class, node: ast.ClassDef) -> Iterator[tuple[int, Lines]]:
    functions = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    for method, function in zip(made.methods, functions, strict=True):
        yield from _in_body(method.body, function.body)


def _in_body(body: Body, nodes: list[ast.stmt]) -> Iterator[tuple[int, Lines]]:
    statements = [s for s in body if not isinstance(s, Remark)]
    for statement, node in zip(statements, nodes, strict=True):
        last = node.end_lineno or node.lineno
        if isinstance(statement, For | If):
            assert isinstance(node, ast.For | ast.If)
            head = node.iter if isinstance(node, ast.For) else node.test
            last = head.end_lineno or head.lineno
            yield from _in_body(statement.body, node.body)
            if isinstance(statement, If):
                yield from _in_body(statement.orelse, node.orelse)
        yield id(statement), (node.lineno, last)


# --------------------------------------------------------------------- lines of layers


class _Follower(Machine):
    """The validator's machine, which also says where in the module it is."""

    def __init__(self, tree: Tree, graph: ValueGraph, lines: dict[int, Lines]) -> None:
        self._line_of = lines
        self._working: list[Statement] = []
        self._calls: dict[int, tuple[Lines, ...]] = {}
        self._makes: dict[int, tuple[Lines, ...]] = {}
        """By the `id` of what was built."""
        super().__init__(tree, graph)
        self._class = tree.network.key

    def follow(self, layers: Iterable[Layer]) -> Iterator[tuple[Layer, LayerLines]]:
        """Where each layer is built and called."""
        network = self.build(self._class)
        built = {
            path: self._makes.get(id(there), ())
            for path, there in placed(network, self.graph)
        }
        self.in_order(lambda: self._followed(network), training=True)
        for layer in layers:
            # equal calls on one value are one node
            called = self._calls.get(self.graph.of[layer.output], ())
            yield layer, LayerLines(called, built.get(plain(layer.path), ()))

    def _followed(self, network: Module) -> None:
        self._calls.clear()
        self.forward(network)

    def recalled(self, key: Hashable | None) -> Module | None:
        return None  # each is built, by the statements that it is told with

    def execute(self, statement: Statement, env: Environment) -> Value:
        self._working.append(statement)
        value = super().execute(statement, env)
        self._working.pop()
        return value

    def named(
        self,
        name: str,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        env: Environment,
    ) -> Value:
        made = super().named(name, args, kwargs, env)
        is_leaf = isinstance(made, Module) and made.kind == "leaf"
        if is_leaf or isinstance(made, Parameter):
            self._makes[id(made)] = self._here()
        return made

    def compute(
        self,
        key: Hashable,
        inputs: tuple[Tensor, ...],
        called: Called,
        module: Module | None = None,
    ) -> Tensor:
        made = super().compute(key, inputs, called, module)
        self._calls.setdefault(made.node, self._here())
        return made

    def _here(self) -> tuple[Lines, ...]:
        """The statements at work, the innermost first; of a loop only its body."""
        found = (
            self._line_of[id(s)]
            for s in reversed(self._working)
            if not isinstance(s, For | If) and id(s) in self._line_of
        )
        return tuple(dict.fromkeys(found))
