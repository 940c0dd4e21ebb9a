"""Completion and quick fixes, in the protocol's words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from lsprotocol import types

from archc.diagnostics.model import Diagnostic
from archc.live.lsp.completion import Offer, complete
from archc.live.lsp.server import Server, uri_of
from archc.live.lsp.text import Text
from archc.live.workspace import resolved

_SORTS = {
    "key": types.CompletionItemKind.Field,
    "op": types.CompletionItemKind.Function,
    "attribute": types.CompletionItemKind.Property,
    "block": types.CompletionItemKind.Class,
    "param": types.CompletionItemKind.Variable,
    "node": types.CompletionItemKind.Reference,
    "name": types.CompletionItemKind.Variable,
    "file": types.CompletionItemKind.File,
    "value": types.CompletionItemKind.Value,
}


def register(server: Server) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=['"', "=", "{", " ", ".", "/"]),
    )
    def _(ls: Server, params: types.CompletionParams) -> types.CompletionList | None:
        file = ls.file(params.text_document.uri)
        if file is None or not ls.is_spec(file.path):
            return None
        text = ls.text(file.path)
        offers = complete(ls.family, file, text.offset(params.position))
        return types.CompletionList(False, list(_items(offers, text)))

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix]),
    )
    def _(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
        path = ls.path(params.text_document.uri)
        if path is None or not ls.is_spec(path):
            return []
        return [
            action
            for d in ls.specs.look(path).diagnostics
            if resolved(Path(d.place.file)) == resolved(path)
            and _touches(ls.range(d.place), params.range)
            and (action := _fix(ls, d)) is not None
        ]


def _items(offers: Iterable[Offer], text: Text) -> Iterable[types.CompletionItem]:
    for number, offer in enumerate(offers):
        yield types.CompletionItem(
            label=offer.label,
            kind=_SORTS[offer.sort],
            detail=offer.detail or None,
            sort_text=f"{number:04}",
            text_edit=types.TextEdit(text.range(offer.start, offer.end), offer.text),
        )


def _touches(a: types.Range, b: types.Range) -> bool:
    return a.start <= b.end and b.start <= a.end


def _fix(server: Server, found: Diagnostic) -> types.CodeAction | None:
    """The quick fix of a diagnostic, where it has one."""
    fix = found.fix
    if fix is None:
        return None
    changes: dict[str, list[types.TextEdit]] = {}
    for change in fix:
        path = Path(change.file)
        edit = types.TextEdit(server.text(path).of_span(change.span), change.text)
        changes.setdefault(uri_of(path), []).append(edit)
    return types.CodeAction(
        title=found.help or f"mend {found.code}",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[server.diagnostic(found)],
        is_preferred=True,
        edit=types.WorkspaceEdit(changes=cast("Any", changes)),
    )
