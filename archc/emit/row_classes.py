"""The classes of rows: a NamedTuple for each kind of table in a list of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archc.emit.annotations import type_of
from archc.emit.names import camel_case, singular
from archc.emit.tree import Assign, Class
from archc.emit.usage import every, expressions, parts
from archc.network.graph import Network, Region
from archc.ops.code import Global, Local
from archc.ops.source import row_class
from archc.spec.expressions import ListOf, Row, RowOf, is_tuple, rows_in
from archc.spec.model import BlockNode, walk

_Fields = tuple[str, ...]


def row_classes(network: Network, classes: Sequence[Class]) -> tuple[Class, ...]:
    """A class for the rows of each set of fields that the module's classes speak of,
    called after what they are first given to, one by one rather than in lists of lists:
    a `StageConfig` for `stages`, and a `UnitConfig` where each of these has `units`."""
    found: dict[_Fields, list[Row]] = {}
    names: dict[_Fields, str] = {}
    for name, value in sorted(_given(network), key=lambda given: _is_nested(given[1])):
        for row in rows_in(value):
            found.setdefault(row.fields, []).append(row)
            names.setdefault(row.fields, f"{camel_case(singular(name) or name)}Config")
    for name, value in _written(network):
        for row in _rows_of(value):
            if row.fields not in names:
                found.setdefault(row.fields, []).append(row)
                names[row.fields] = f"{camel_case(singular(name) or name)}Config"
    used = set(_spoken_of(classes))
    return tuple(
        _class(names[fields], rows)
        for fields, rows in found.items()
        if row_class(fields) in used
    )


def _is_nested(value: object) -> bool:
    """Whether it is a list of lists."""
    return is_tuple(value) and any(map(is_tuple, value))


def _spoken_of(classes: Sequence[Class]) -> Iterator[object]:
    """What stands in the expressions of classes, types included."""
    for method in (method for made in classes for method in made.methods):
        for parameter in method.parameters:
            yield from parts(parameter.annotation)
        for statement in every(method.body):
            for expr in expressions(statement):
                yield from parts(expr)


def _given(network: Network) -> Iterator[tuple[str, object]]:
    """The values of all parameters, of the network and of its blocks."""
    yield from network.params.items()
    yield from network.lets.items()
    for part in network.distinct():
        if isinstance(part, Region):
            yield from part.arguments.items()


def _written(network: Network) -> Iterator[tuple[str, object]]:
    """What is given to blocks that are left out, as it is written."""
    spec = network.spec
    heads = tuple(head.node for head in spec.heads)
    bodies = (block.layers for block in spec.blocks.values())
    for body in (spec.layers, heads, *bodies):
        for node in walk(body):
            if isinstance(node, BlockNode):
                yield from node.arguments.items()
    for block in spec.blocks.values():
        yield from (*block.defaults.items(), *block.lets.items())


def _rows_of(value: object) -> Iterator[Row]:
    match value:
        case Row():
            yield value
        case RowOf():
            yield Row(value.fields, value.items)
        case ListOf():
            yield from _rows_of(value.items)
        case _ if is_tuple(value):
            for item in value:
                yield from _rows_of(item)
        case _:
            pass


def _class(wish: str, rows: list[Row]) -> Class:
    fields = rows[0].fields
    columns = zip(*(row.items for row in rows), strict=True)
    declared = tuple(
        Assign((Local(name),), None, annotation=type_of(column))
        for name, column in zip(fields, columns, strict=True)
    )
    return Class(row_class(fields), wish, Global("NamedTuple"), None, declared, ())
