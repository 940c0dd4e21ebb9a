"""Going to what is named, and naming it anew, in the protocol's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from archc.live.lsp.family import File
from archc.live.lsp.rename import Refused, renamable, rename
from archc.live.lsp.server import Server, uri_of
from archc.live.lsp.text import Text


def register(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def _(ls: Server, params: types.DefinitionParams) -> list[types.Location]:
        file = ls.file(params.text_document.uri)
        if file is None:
            return []
        offset = ls.text(file.path).offset(params.position)
        named = _named_file(file, offset)
        if named is not None:
            return [types.Location(uri_of(named), Text("").range(0, 0))]
        mention = ls.family.mention(file, offset)
        if mention is None:
            return []
        return [
            ls.location(other, m.start, m.end)
            for other, m in ls.family.definitions(file, mention.symbol)
        ]

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def _(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
        file = ls.file(params.text_document.uri)
        if file is None:
            return []
        mention = ls.family.mention(file, ls.text(file.path).offset(params.position))
        if mention is None:
            return []
        return [
            ls.location(other, m.start, m.end)
            for other, m in ls.family.everywhere(file, mention.symbol)
            if params.context.include_declaration or not m.defines
        ]

    @server.feature(
        types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True)
    )
    def _(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
        file = ls.file(params.text_document.uri)
        if file is None:
            return None
        offset = ls.text(file.path).offset(params.position)
        mention = renamable(ls.family, file, offset)
        if mention is None:
            return None
        try:
            found = rename(ls.family, file, mention, params.new_name)
        except Refused as error:
            raise JsonRpcInvalidParams(str(error)) from error
        changes: dict[str, list[types.TextEdit]] = {}
        for other, m, name in found:
            edit = types.TextEdit(ls.text(other.path).range(m.start, m.end), name)
            changes.setdefault(uri_of(other.path), []).append(edit)
        return types.WorkspaceEdit(changes=cast("Any", changes))

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def _(ls: Server, params: types.PrepareRenameParams) -> types.Range | None:
        file = ls.file(params.text_document.uri)
        if file is None:
            return None
        text = ls.text(file.path)
        mention = renamable(ls.family, file, text.offset(params.position))
        return None if mention is None else text.range(mention.start, mention.end)


def _named_file(file: File, offset: int) -> Path | None:
    """The file that `extends` or an entry of `use` names at an offset."""
    from archc.spec.named_files import named_file

    item = file.root.innermost(offset)
    path = item.path()
    if item.kind != "string" or path[:1] not in (("extends",), ("use",)):
        return None
    found = named_file(file.path, item.text)[0]
    return found if found.is_file() else None
