"""The server: what an editor asks, in the protocol's words."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from archc.diagnostics.model import Diagnostic, Place, Sink
from archc.live.lsp import hints as inlay
from archc.live.lsp.family import Family, File
from archc.live.lsp.hover import Memories
from archc.live.lsp.text import Encoding, Text
from archc.live.workspace import Workspace, resolved
from archc.source.files import SUFFIXES
from archc.source.kinds import is_table
from archc.version import __version__

_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "advice": types.DiagnosticSeverity.Hint,
}
_WAIT = 0.15
"""Seconds without a keystroke before diagnostics are told,"""
_REST = 2.0
"""and from then on before garbage is collected."""


class Server(LanguageServer):
    """A language server for specs, over one workspace."""

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            "archc",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
        )
        self.specs = Workspace()
        self.family = Family(self.specs)
        self.memories = Memories()
        self.detail: inlay.Detail = "shape"
        self.advises = True
        self.waiting: asyncio.TimerHandle | None = None
        self.published: set[Path] = set()
        self.texts: dict[Path, Text] = {}

    # ---- files and texts

    def path(self, uri: str) -> Path | None:
        """The file of a document, if it is one that specs can be."""
        found = to_fs_path(uri)
        if found is None or not found.lower().endswith(SUFFIXES):
            return None
        return Path(found)

    def text(self, path: Path) -> Text:
        """A file's text, with its places as the editor counts them."""
        text = self.specs.text(path) or ""
        key = resolved(path)
        known = self.texts.get(key)
        if known is None or known.text != text:
            known = self.texts[key] = Text(text, self.encoding())
        return known

    def encoding(self) -> Encoding:
        """What the editor counts columns in."""
        agreed = self.protocol.workspace.position_encoding
        return cast("Encoding", getattr(agreed, "value", agreed) or "utf-16")

    def file(self, uri: str) -> File | None:
        """A document that is or may become a spec, as it is written now."""
        path = self.path(uri)
        return None if path is None else self.family.file(path)

    def is_spec(self, path: Path) -> bool:
        """Whether a file says that it is one of archc's; others are left alone."""
        file = self.family.file(path)
        if file is None:
            return False
        return file.root.get("archc") is not None or "specs" in path.parts

    def changed(self, uri: str, text: str) -> None:
        """Takes a document's new text, and will tell what is wrong with it."""
        path = self.path(uri)
        if path is not None:
            self.specs.open(path, text)
            self.tell_soon()

    # ---- diagnostics

    def tell_soon(self) -> None:
        """Tells diagnostics once nothing has been typed for a moment."""
        if self.waiting is not None:
            self.waiting.cancel()
        self.waiting = asyncio.get_running_loop().call_later(_WAIT, self.tell)

    def tell(self) -> None:
        """Publishes what is wrong with open files, and with those that they name."""
        self.waiting = None
        found: dict[Path, dict[Any, Diagnostic]] = {}
        for path in self.specs.opened():
            found.setdefault(path, {})
            if not self.is_spec(path):
                continue
            for d in self.found(path):
                key = (d.code, d.place.span(), d.message)
                found.setdefault(resolved(Path(d.place.file)), {}).setdefault(key, d)
        for path in self.published - found.keys():
            found[path] = {}
        for path, diagnostics in found.items():
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(
                    uri=uri_of(path),
                    diagnostics=[self.diagnostic(d) for d in diagnostics.values()],
                )
            )
        self.published = {path for path, known in found.items() if known}
        # of many open specs it takes a while, which nobody is to wait for
        self.waiting = asyncio.get_running_loop().call_later(_REST, gc.collect)

    def found(self, path: Path) -> list[Diagnostic]:
        """What is wrong with a spec, and of one that is right, what advice there is."""
        state = self.specs.look(path)
        told = list(state.diagnostics)
        if state.analysis is not None and self.advises:
            from archc.advice.advise import advise

            sink = Sink()
            advise(state.analysis.network, state.analysis.facts, sink)
            told += sink
        return told

    def diagnostic(self, found: Diagnostic) -> types.Diagnostic:
        """A diagnostic in the protocol's words."""
        message = found.message
        if found.help:
            message += f"\nhelp: {found.help}"
        unused = found.code.startswith(("unused", "unread"))
        return types.Diagnostic(
            range=self.range(found.place),
            message=message,
            severity=_SEVERITIES[found.severity],
            code=found.code,
            source="archc",
            tags=[types.DiagnosticTag.Unnecessary] if unused else None,
            related_information=[
                types.DiagnosticRelatedInformation(
                    types.Location(
                        uri_of(Path(label.place.file)), self.range(label.place)
                    ),
                    label.message,
                )
                for label in found.labels
            ],
        )

    def range(self, place: Place) -> types.Range:
        """Where a place is."""
        return self.text(Path(place.file)).of_span(place.span())

    def location(self, file: File, start: int, end: int) -> types.Location:
        """A stretch of a file."""
        return types.Location(uri_of(file.path), self.text(file.path).range(start, end))


def uri_of(path: Path) -> str:
    """The URI of a file."""
    return from_fs_path(str(path)) or path.as_uri()


def register(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def _(ls: Server, params: types.InitializeParams) -> None:
        options = params.initialization_options
        _configure(ls, options)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def _(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        ls.changed(params.text_document.uri, params.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def _(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        change = params.content_changes[-1]
        ls.changed(params.text_document.uri, change.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def _(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        path = ls.path(params.text_document.uri)
        if path is not None:
            ls.specs.close(path)
            ls.tell_soon()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def _(ls: Server, params: Any) -> None:
        ls.tell_soon()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def _(ls: Server, params: types.DidChangeConfigurationParams) -> None:
        _configure(ls, params.settings)
        _refresh(ls)
        ls.tell_soon()

    @server.command("archc.hints")
    def _(ls: Server, detail: Any = None) -> None:
        _configure(ls, {"hints": detail})
        _refresh(ls)


def _configure(server: Server, options: Any) -> None:
    """Takes `{"hints": "shape" | "params" | "macs", "advice": true | false}`, below
    `archc` or not."""
    table: Any = options.get("archc", options) if is_table(options) else {}
    detail = table.get("hints") if is_table(table) else None
    if detail in ("shape", "params", "macs"):
        server.detail = detail
    advises = table.get("advice") if is_table(table) else None
    if isinstance(advises, bool):
        server.advises = advises


def _refresh(server: Server) -> None:
    capabilities = server.client_capabilities.workspace
    hints = None if capabilities is None else capabilities.inlay_hint
    if hints is not None and hints.refresh_support:
        server.workspace_inlay_hint_refresh(None)
