"""Drops what a constructor computes and then does not use."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence


def without_unused(lines: Sequence[str], *, names_only: bool = False) -> list[str]:
    """Statements without assignments to locals that nothing reads.

    Which number of channels a later layer needs is known only when it is written, so
    more is written down than is used in the end. With `names_only` another name or an
    iterator is all that an assignment may lose.
    """
    rows = list(lines)
    while True:
        # numbered from the line of the `def`
        tree = ast.parse(
            "def _():\n" + "\n".join(f" {row}" for row in rows) + "\n pass"
        )
        body = tree.body[0]
        written = {
            node.value
            for node in ast.walk(body)
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
        }
        read = {
            node.id
            for node in ast.walk(body)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
            if node not in written
        }
        # a dict that was handed in has readers elsewhere
        read |= {n.id for n in written if isinstance(n, ast.Name)} - _made(body)
        unused = [s for s in _statements(body) if _is_unused(s, read, names_only)]
        if not unused:
            for statement in _statements(body):
                _call_underscore(statement, rows)
                if names_only:
                    _call_for_its_own_sake(statement, read, rows)
            return rows
        for statement in sorted(unused, key=lambda s: -s.lineno):
            del rows[statement.lineno - 2 : (statement.end_lineno or 0) - 1]
        rows = _without_empty(rows)


def _made(body: ast.AST) -> set[str]:
    """The dicts that are made here."""
    return {
        node.target.id
        for node in ast.walk(body)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.walk(node):
        if isinstance(child, ast.stmt) and child is not node:
            yield child


def _is_unused(statement: ast.stmt, read: set[str], names_only: bool) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            simple = isinstance(value, ast.Name) or ast.unparse(value) == "iter(self)"
            return name not in read and (simple or not names_only)
        case ast.AugAssign(target=ast.Name(id=name)):
            return name not in read and not names_only
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name not in read
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))]):
            return name not in read
        case _:
            return False


def _call_underscore(loop: ast.stmt, rows: list[str]) -> None:
    """A counter that nothing reads any more is called `_`."""
    if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
        return
    inside = (node for part in loop.body for node in ast.walk(part))
    if not any(isinstance(n, ast.Name) and n.id == loop.target.id for n in inside):
        header = rows[loop.lineno - 2]
        rows[loop.lineno - 2] = header.replace(f"for {loop.target.id} ", "for _ ", 1)


def _call_for_its_own_sake(
    statement: ast.stmt, read: set[str], rows: list[str]
) -> None:
    """A layer is run where nothing reads what it gives, as the spec has it."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call()):
            row = rows[statement.lineno - 2]
            if name not in read and statement.lineno == statement.end_lineno:
                rows[statement.lineno - 2] = row.replace(f"{name} = ", "", 1)
        case _:
            pass


def _without_empty(rows: list[str]) -> list[str]:
    """Rows without the headers that nothing stands under any more."""
    kept: list[str] = []
    for row in reversed([*rows, ""]):
        deeper = bool(kept) and _indent(kept[-1]) > _indent(row)
        header = row.rstrip().endswith(":") and row.lstrip().startswith(("for ", "if "))
        if deeper or not header:
            kept.append(row)
    return kept[:0:-1]


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())
