"""What an editor shows beside and above the text, in the protocol's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsprotocol import types

from archc.live.lsp import hints as inlay
from archc.live.lsp.hover import diagnostic_text, hover
from archc.live.lsp.server import Server, uri_of
from archc.live.lsp.structure import Entry, lenses, symbols
from archc.live.lsp.text import Text
from archc.live.workspace import resolved
from archc.output import Output, write

_KINDS = {
    "network": types.SymbolKind.Module,
    "block": types.SymbolKind.Class,
    "node": types.SymbolKind.Field,
    "param": types.SymbolKind.Constant,
    "table": types.SymbolKind.Namespace,
}


def register(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def _(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
        path = ls.path(params.text_document.uri)
        if path is None or not ls.is_spec(path):
            return []
        text = ls.text(path)
        found: list[types.InlayHint] = []
        for hint in inlay.hints(ls.specs, path, ls.detail):
            at = hint.offset
            at += text.text.startswith(",", at)
            position = text.position(at)
            if params.range.start.line <= position.line <= params.range.end.line:
                found.append(types.InlayHint(position, hint.text, padding_left=True))
        return found

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def _(ls: Server, params: types.HoverParams) -> types.Hover | None:
        file = ls.file(params.text_document.uri)
        if file is None or not ls.is_spec(file.path):
            return None
        text = ls.text(file.path)
        offset = text.offset(params.position)
        state = ls.specs.look(file.path)
        told = [
            diagnostic_text(d)
            for d in state.diagnostics
            if resolved(Path(d.place.file)) == file.path
            and _inside(params.position, ls.range(d.place))
        ]
        found = hover(ls.family, file, state, ls.memories, offset)
        if found is None and not told:
            return None
        parts = [*([found[0]] if found else []), *dict.fromkeys(told)]
        content = types.MarkupContent(
            types.MarkupKind.Markdown, "\n\n---\n\n".join(parts)
        )
        where = None if found is None else text.range(found[1], found[2])
        return types.Hover(content, where)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def _(
        ls: Server, params: types.DocumentSymbolParams
    ) -> list[types.DocumentSymbol] | None:
        file = ls.file(params.text_document.uri)
        if file is None or not ls.is_spec(file.path):
            return None
        text = ls.text(file.path)
        return [_symbol(entry, text) for entry in symbols(file)]

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def _(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens] | None:
        file = ls.file(params.text_document.uri)
        if file is None or not ls.is_spec(file.path):
            return None
        text = ls.text(file.path)
        found: list[types.CodeLens] = []
        for lens in lenses(ls.family, file, ls.specs.look(file.path)):
            command = types.Command(lens.text, "")
            if lens.picture:
                uri = params.text_document.uri
                command = types.Command(lens.text, "archc.picture", arguments=[uri])
            where = text.range(lens.offset, lens.offset)
            found.append(types.CodeLens(where, command))
        return found

    @server.command("archc.picture")
    def _(ls: Server, uri: Any) -> str | None:
        return _picture(ls, str(uri))


def _picture(server: Server, uri: str) -> str | None:
    """Draws a network into a file of its own and asks the editor to show it."""
    path = server.path(uri)
    state = None if path is None else server.specs.look(path)
    if path is None or state is None or state.analysis is None:
        return None
    import tempfile

    from archc.draw.diagram import diagram

    network, facts = state.analysis.network, state.analysis.facts
    content = diagram(network, facts).picture("svg")
    folder = Path(tempfile.mkdtemp(prefix="archc-"))
    target = folder / f"{network.name}.svg"
    write([Output(target, content)])
    window = server.client_capabilities.window
    if window is not None and window.show_document is not None:
        server.window_show_document(
            types.ShowDocumentParams(uri_of(target), external=True)
        )
    return str(target)


def _symbol(entry: Entry, text: Text) -> types.DocumentSymbol:
    whole = text.range(min(entry.start, entry.at[0]), max(entry.end, entry.at[1]))
    return types.DocumentSymbol(
        name=entry.name or "?",
        kind=_KINDS[entry.sort],
        range=whole,
        selection_range=text.range(*entry.at),
        detail=entry.detail,
        children=[_symbol(child, text) for child in entry.children],
    )


def _inside(position: types.Position, where: types.Range) -> bool:
    return where.start <= position <= where.end
