"""A spec with the values that were found, as text."""

from __future__ import annotations

from archc.diagnostics.model import Sink, Span
from archc.network.graph import Network
from archc.source.document import Document, KeyPath, KeyPlace, parse_document
from archc.spec.standalone import standalone


def written(network: Network) -> tuple[str, int]:
    """The spec of a variant in one file, with the comments and the layout of the
    original; and how many of its claims were left out, since they no longer hold."""
    text = standalone(network.spec)
    paths = {
        claim.place.path
        for claim in network.claims
        if claim.stated != claim.inferred.dims and isinstance(claim.place, KeyPlace)
    }
    left_out = 0
    for path in sorted(paths, key=str):
        document = parse_document(text, "", "toml", Sink())
        if document is not None and _has(document, path):
            text = _without(document, path)
            left_out += 1
    return text, left_out


def _has(document: Document, path: KeyPath) -> bool:
    found: object = document.data
    for key in path:
        try:
            found = found[key]  # type: ignore[index]  # pyright: ignore
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _without(document: Document, path: KeyPath) -> str:
    """The text without a key, its value, and the comma that parts it from others."""
    text = document.text
    start = _offset(text, document.place(path, "key").span())
    end = _offset(text, document.place(path).span(), end=True)
    before = text[:start].rstrip(" ")
    after = text[end:].lstrip(" ")
    if before.endswith(","):
        return before[:-1] + text[end:]
    if after.startswith(","):
        return text[:start] + after[1:].lstrip(" ")
    if before.endswith("\n"):
        return before + after.partition("\n")[2]
    return text[:start] + text[end:]


def _offset(text: str, span: Span, *, end: bool = False) -> int:
    line, column = (span.end_line, span.end_column) if end else (span.line, span.column)
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
