"""The server over stdio, as an editor talks to it, on whole and on broken text."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

SPECS = Path(__file__).parents[2] / "specs"
COMMAND = [sys.executable, "-m", "archc", "lsp"]
SPEC = """\
archc = 1
name = "net"
use = ["parts.toml"]

[params]
widths = [8, 16]

[slots]
act = { op = "relu" }

[network]
input = [3, 32, 32]
layers = [
  { name = "stem", op = "conv2d", out_channels = "widths[0]", kernel_size = 1 },
  { slot = "act" },
  { name = "stage{s}", repeat = 2, index = "s", block = "unit", width = "widths[s]" },
  { name = "low", from = "stem", op = "conv2d", out_channels = 16, kernel_size = 1 },
  { op = "add", from = ["low", "stage1"] },
]

[expect]
output = [16, 32, 32]
"""
PARTS = """\
archc = 1

[blocks.unit]
doc = "A convolution and its activation."
params = ["width"]
defaults = { stride = 1 }
layers = [
  { name = "conv", op = "conv2d", out_channels = "width",\
    kernel_size = 3, stride = "stride", padding = 1 },
  { op = "relu" },
]
"""
CHILD = (
    'archc = 1\nextends = "net.toml"\nname = "child"\n\n[params]\nwidths = [16, 16]\n'
)


@pytest_lsp.fixture(  # pyright: ignore[reportUnknownMemberType]
    config=ClientServerConfig(server_command=COMMAND)
)
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=client_capabilities("visual-studio-code"),
            workspace_folders=[],
        )
    )
    yield
    await lsp_client.shutdown_session()


class Editor:
    """What a test types into an editor, by words of the text and not by numbers."""

    def __init__(self, client: LanguageClient, path: Path, text: str) -> None:
        self.client, self.path, self.text = client, path, text
        self.uri = path.as_uri()
        self.version = 1
        language = path.suffix[1:]
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(self.uri, language, 1, text)
            )
        )

    @property
    def document(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    def type(self, text: str) -> None:
        self.version += 1
        self.text = text
        self.client.diagnostics.clear()  # of all files: each may read this one
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def at(self, words: str, into: int = 0) -> types.Position:
        """The place `into` the first mention of some words, in UTF-16 code units."""
        offset = self.text.index(words) + into
        line = self.text.count("\n", 0, offset)
        start = self.text.rfind("\n", 0, offset) + 1
        return types.Position(line, _units(self.text[start:offset]))

    def words(self, where: types.Range, text: str | None = None) -> str:
        """What stands in a range."""
        lines = (text or self.text).split("\n")
        assert where.start.line == where.end.line
        line = lines[where.start.line].encode("utf-16-le")
        return line[2 * where.start.character : 2 * where.end.character].decode(
            "utf-16-le"
        )

    async def hints(self) -> dict[int, str]:
        """The hints by the number of their line, from 0."""
        last = types.Position(self.text.count("\n") + 1, 0)
        found = await self.client.text_document_inlay_hint_async(
            types.InlayHintParams(
                self.document, types.Range(types.Position(0, 0), last)
            )
        )
        return {hint.position.line: str(hint.label) for hint in found or ()}

    async def diagnostics(self, *codes: str) -> list[types.Diagnostic]:
        """What is wrong, once the server has told that it is this and nothing else.

        What it tells of an earlier text may still be under way, and it may have told of
        the last one before anybody asks: so it is what was told that is waited for.
        """
        told: list[types.Diagnostic] = []
        try:
            async with asyncio.timeout(60):
                while True:
                    if self.uri in self.client.diagnostics:
                        told = list(self.client.diagnostics[self.uri])
                        if sorted(str(d.code) for d in told) == sorted(codes):
                            return told
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{told}, and not {codes}") from None

    async def complete(self, position: types.Position) -> dict[str, Any]:
        found = await self.client.text_document_completion_async(
            types.CompletionParams(self.document, position)
        )
        assert isinstance(found, types.CompletionList)
        return {item.label: item for item in found.items}

    async def hover(self, position: types.Position) -> str:
        found = await self.client.text_document_hover_async(
            types.HoverParams(self.document, position)
        )
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in (("net", SPEC), ("parts", PARTS), ("child", CHILD)):
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def editor(client: LanguageClient, tree: Path) -> Editor:
    return Editor(client, tree / "net.toml", SPEC)


def _line(text: str, words: str) -> int:
    return text.count("\n", 0, text.index(words))


@pytest.mark.asyncio
async def test_hints_say_what_each_node_gives(editor: Editor) -> None:
    hints = await editor.hints()
    assert hints[_line(SPEC, '"stem", op')] == "8 x 32 x 32"
    stage = "8 x 32 x 32 | 16 x 32 x 32"
    assert hints[_line(SPEC, "stage{s}")].startswith("16 x 32 x 32, repeated 2 times")
    await editor.client.workspace_execute_command_async(
        types.ExecuteCommandParams("archc.hints", ["params"])
    )
    hints = await editor.hints()
    assert hints[_line(SPEC, '"stem", op')] == "8 x 32 x 32, 32 parameters"
    await editor.client.workspace_execute_command_async(
        types.ExecuteCommandParams("archc.hints", ["macs"])
    )
    hints = await editor.hints()
    assert hints[_line(SPEC, '"stem", op')] == "8 x 32 x 32, 24,576 MACs"
    assert stage not in hints.values()


@pytest.mark.asyncio
async def test_hints_follow_each_keystroke(editor: Editor) -> None:
    await editor.hints()
    editor.type(SPEC.replace("widths = [8, 16]", "widths = [12, 16]"))
    assert (await editor.hints())[_line(SPEC, '"stem", op')] == "12 x 32 x 32"
    # what reads a mistake is not known, and what stands before it is
    editor.type(SPEC.replace('{ slot = "act" }', '{ slot = "at" }'))
    hints = await editor.hints()
    assert hints[_line(SPEC, '"stem", op')] == "8 x 32 x 32"
    assert _line(SPEC, "stage{s}") not in hints
    # the same of a line that does not parse
    editor.type(SPEC.replace('{ slot = "act" }', '{ slot = "act }'))
    hints = await editor.hints()
    assert hints[_line(SPEC, '"stem", op')] == "8 x 32 x 32"
    assert _line(SPEC, "stage{s}") not in hints
    editor.type("")
    assert await editor.hints() == {}


@pytest.mark.asyncio
async def test_hints_of_what_a_file_extends(client: LanguageClient, tree: Path) -> None:
    base = Editor(client, tree / "net.toml", SPEC)
    editor = Editor(client, tree / "child.toml", CHILD)
    hints = await editor.hints()
    assert hints[_line(CHILD, "extends")] == "3 x 32 x 32 → 16 x 32 x 32"
    assert hints[_line(CHILD, "widths")] == "in place of [8, 16]"
    base.type(SPEC.replace("widths = [8, 16]", "widths = [16, 16]"))
    assert _line(CHILD, "widths") not in await editor.hints()


@pytest.mark.asyncio
async def test_advice_is_a_hint_that_can_be_switched_off(editor: Editor) -> None:
    await editor.diagnostics()
    editor.type(SPEC.replace('{ slot = "act" },', '{ slot = "act" }, { op = "relu" },'))
    (found,) = await editor.diagnostics("activations-in-a-row")
    assert found.severity == types.DiagnosticSeverity.Hint
    settings = types.DidChangeConfigurationParams({"archc": {"advice": False}})
    editor.client.workspace_did_change_configuration(settings)
    await editor.diagnostics()


@pytest.mark.asyncio
async def test_hints_and_diagnostics_across_files(
    client: LanguageClient, tree: Path
) -> None:
    parts = Editor(client, tree / "parts.toml", PARTS)
    editor = Editor(client, tree / "net.toml", SPEC)
    await editor.diagnostics()
    parts.type(PARTS.replace("padding = 1", "padding = 0"))
    hints = await editor.hints()
    assert "28 x 28" in hints[_line(SPEC, "stage{s}")]
    await editor.diagnostics("merge-mismatch")


@pytest.mark.asyncio
async def test_diagnostics_as_one_types(editor: Editor) -> None:
    await editor.diagnostics()
    editor.type(
        SPEC.replace('"conv2d", out_channels = 16', '"conv2", out_channels = 16')
    )
    (found,) = await editor.diagnostics("unknown-op")
    assert found.source == "archc"
    assert editor.words(found.range) == '"conv2"'
    assert "conv2d" in found.message
    editor.type(SPEC)
    await editor.diagnostics()


@pytest.mark.asyncio
async def test_hover_tells_numbers_and_what_words_mean(editor: Editor) -> None:
    text = await editor.hover(editor.at('"conv2d", out_channels = "w', 2))
    assert "3 x 32 x 32 → 8 x 32 x 32" in text
    assert "parameters: 32" in text and "multiply-adds: 24,576" in text
    assert "receptive field: 1" in text and "memory of a training step" in text
    assert "torch.nn.Conv2d" in text
    assert "kernel_size" in await editor.hover(editor.at("kernel_size = 1", 2))
    assert "A convolution and its activation." in await editor.hover(
        editor.at('"unit"', 2)
    )
    assert "widths" in await editor.hover(editor.at("widths[s]", 2))
    editor.type(SPEC.replace("out_channels = 16", "out_chanels = 16"))
    assert "**unknown-attribute**" in await editor.hover(editor.at("out_chanels", 2))


BROKEN = [
    # what is typed, at | the cursor; what is offered
    ('  { name = "x", op = "conv|\n', "conv2d"),
    ('  { name = "x", op = "conv2d", |\n', "kernel_size"),
    ('  { name = "x", op = "conv2d", out|\n', "out_channels"),
    ('  { name = "x", op = "conv2d", kernel_size = 3, padding_mode = "|\n', "reflect"),
    ('  { name = "x", block = "|\n', "unit"),
    ('  { name = "x", block = "unit", |\n', "width"),
    ('  { name = "x", block = "unit", |\n', "stride"),
    ('  { op = "add", from = ["|\n', "stem"),
    ('  { op = "add", from = ["low", "|\n', "prev"),
    ('  { op = "relu", from = "|\n', "low"),
    ('  { share = "|\n', "low"),
    ('  { slot = "|\n', "act"),
    ('  { name = "x", op = "conv2d", out_channels = "wid|\n', "widths"),
    ("  { |\n", "branches"),
    ('  { op = "relu", |\n', "when"),
    ('  { skip = "|\n', "add"),
]


@pytest.mark.asyncio
async def test_completion_in_text_that_is_not_finished(editor: Editor) -> None:
    place = '  { op = "add", from = ["low", "stage1"] },\n'
    missing: list[str] = []
    for typed, wanted in BROKEN:
        before, after = typed.split("|")
        editor.type(SPEC.replace(place, place + before + after))
        offers = await editor.complete(
            editor.at(place + before, len(place) + len(before))
        )
        if wanted not in offers:
            missing.append(f"{typed!r}: {wanted} not in {list(offers)[:8]}")
    assert not missing, "\n".join(missing)


@pytest.mark.asyncio
async def test_completion_of_keys_and_files(editor: Editor) -> None:
    editor.type(SPEC.replace("[slots]", "ti\n[slots]"))
    editor.type("archc = 1\nti" + SPEC.partition("\n")[2])
    offers = await editor.complete(editor.at("ti", 2))
    assert "title" in offers and "archc" not in offers
    assert offers["title"].text_edit.new_text == "title"
    editor.type(SPEC.replace('"parts.toml"', '"'))
    assert "child.toml" in await editor.complete(editor.at('use = ["', 8))
    editor.type(SPEC.replace("output = [16, 32, 32]", ""))
    offers = await editor.complete(editor.at("[expect]\n", 9))
    assert {"params", "macs", "output"} <= offers.keys()
    editor.type(SPEC)
    offers = await editor.complete(editor.at("kernel_size = 1 }", 15))
    assert offers == {} or "widths" in offers
    offers = await editor.complete(editor.at('{ slot = "act" }', 1))
    assert "shape" in offers and offers["shape"].text_edit.new_text.startswith(
        "shape ="
    )


@pytest.mark.asyncio
async def test_definition_and_references(editor: Editor, tree: Path) -> None:
    async def definition(words: str, into: int) -> list[tuple[str, str]]:
        found = await editor.client.text_document_definition_async(
            types.DefinitionParams(editor.document, editor.at(words, into))
        )
        assert isinstance(found, list)
        texts = {"net.toml": editor.text, "parts.toml": PARTS, "child.toml": CHILD}
        named: list[tuple[str, str]] = []
        for location in found:
            assert isinstance(location, types.Location)
            name = location.uri.rpartition("/")[2]
            named.append((name, editor.words(location.range, texts[name])))
        return named

    assert await definition('"unit"', 2) == [("parts.toml", "unit")]
    assert await definition("widths[0]", 2) == [("net.toml", "widths")]
    assert await definition('from = "stem"', 9) == [("net.toml", "stem")]
    assert await definition('slot = "act"', 9) == [("net.toml", "act")]
    assert await definition("width = ", 2) == [("parts.toml", "width")]
    assert await definition('"parts.toml"', 4) == [("parts.toml", "")]
    found = await editor.client.text_document_references_async(
        types.ReferenceParams(
            types.ReferenceContext(True), editor.document, editor.at("widths[0]", 1)
        )
    )
    files = [location.uri.rpartition("/")[2] for location in found or ()]
    assert sorted(files) == ["child.toml", *["net.toml"] * 3]
    # broken elsewhere, the places are the same
    editor.type(SPEC.replace("input = [3, 32, 32]", "input = [3, 32"))
    assert await definition('from = "stem"', 9) == [("net.toml", "stem")]


async def _renamed(
    editor: Editor, words: str, into: int, name: str, texts: dict[str, str]
) -> dict[str, str]:
    """The texts after a renaming."""
    position = editor.at(words, into)
    ready = await editor.client.text_document_prepare_rename_async(
        types.PrepareRenameParams(editor.document, position)
    )
    assert ready is not None
    edit = await editor.client.text_document_rename_async(
        types.RenameParams(editor.document, position, name)
    )
    assert edit is not None and edit.changes is not None
    changed = dict(texts)
    for uri, edits in edit.changes.items():
        file = uri.rpartition("/")[2]
        lines = changed[file].split("\n")
        for e in sorted(edits, key=lambda e: e.range.start, reverse=True):
            line, start, end = (
                e.range.start.line,
                e.range.start.character,
                e.range.end.character,
            )
            lines[line] = lines[line][:start] + e.new_text + lines[line][end:]
        changed[file] = "\n".join(lines)
    return changed


@pytest.mark.asyncio
async def test_rename_reaches_all_that_name_it(editor: Editor) -> None:
    texts = {"net.toml": SPEC, "parts.toml": PARTS, "child.toml": CHILD}

    async def renamed(words: str, into: int, name: str) -> dict[str, str]:
        return await _renamed(editor, words, into, name, texts)

    found = await renamed('"unit"', 2, "cell")
    assert found["net.toml"] == SPEC.replace('"unit"', '"cell"')
    assert found["parts.toml"] == PARTS.replace("blocks.unit", "blocks.cell")
    found = await renamed("widths[s]", 2, "planes")
    assert found["net.toml"] == SPEC.replace("widths", "planes")
    assert found["child.toml"] == CHILD.replace("widths", "planes")
    found = await renamed(", width =", 3, "planes")
    assert found["net.toml"] == SPEC.replace(", width =", ", planes =")
    assert found["parts.toml"] == PARTS.replace('"width"', '"planes"')
    found = await renamed('"stem"', 2, "first")
    assert found["net.toml"] == SPEC.replace('"stem"', '"first"')
    found = await renamed('slot = "act"', 9, "activation")
    assert found["net.toml"] == SPEC.replace('"act"', '"activation"').replace(
        "act =", "activation ="
    )
    for wrong in ("low", "forward", 'x"y', ""):
        with pytest.raises(Exception, match=r"name|called|character"):
            await renamed('"stem"', 2, wrong)


@pytest.mark.asyncio
async def test_symbols_and_lenses(editor: Editor) -> None:
    found = await editor.client.text_document_document_symbol_async(
        types.DocumentSymbolParams(editor.document)
    )
    names = {entry.name: entry for entry in found or ()}
    network = names["network"]
    assert isinstance(network, types.DocumentSymbol)
    inside = [entry.name for entry in network.children or ()]
    assert inside == ["stem", "act", "stage{s}", "low", "add"]
    lenses = await editor.client.text_document_code_lens_async(
        types.CodeLensParams(editor.document)
    )
    titles = [lens.command.title for lens in lenses or () if lens.command]
    assert any("parameters" in title and "multiply-adds" in title for title in titles)
    assert "open picture" in titles
    parts = Editor(editor.client, editor.path.parent / "parts.toml", PARTS)
    lenses = await editor.client.text_document_code_lens_async(
        types.CodeLensParams(parts.document)
    )
    titles = [lens.command.title for lens in lenses or () if lens.command]
    assert titles == ["used 1 time"]


@pytest.mark.asyncio
async def test_places_in_text_that_is_not_ascii(
    client: LanguageClient, tree: Path
) -> None:
    # a mark of two code units, CRLF, and no end of the last line
    text = SPEC.replace(
        'name = "stem", op', 'doc = "\U0001f642\U0001f642", name = "stem", op'
    )
    text = text.replace("out_channels = 16", "out_chanels = 16").rstrip("\n")
    text = text.replace("\n", "\r\n")
    text = text.replace(
        '"low", from', 'doc = "é\U0001f642", name = "low", from'
    ).replace("name = doc", "doc")
    editor = Editor(client, tree / "net.toml", text)
    (found,) = await editor.diagnostics("unknown-attribute")
    assert editor.words(found.range) == "out_chanels"
    hints = await editor.client.text_document_inlay_hint_async(
        types.InlayHintParams(
            editor.document,
            types.Range(types.Position(0, 0), types.Position(99, 0)),
        )
    )
    stem = _line(text, '"stem"')
    (hint,) = (h for h in hints or () if h.position.line == stem)
    line = text.split("\n")[stem].rstrip("\r")
    assert hint.position.character == _units(line)
    position = editor.at('"stem", op', 2)
    edit = await client.text_document_rename_async(
        types.RenameParams(editor.document, position, "first")
    )
    assert edit is not None and edit.changes is not None
    for change in edit.changes[editor.uri]:
        assert editor.words(change.range) == "stem"


@pytest.mark.asyncio
async def test_json_is_served_as_toml_is(client: LanguageClient, tree: Path) -> None:
    data = {
        "archc": 1,
        "name": "net",
        "network": {
            "input": [3, 8, 8],
            "layers": [
                {"name": "conv", "op": "conv2d", "out_channels": 4, "kernel_size": 3},
                {"name": "fc", "from": "conv", "op": "relu"},
            ],
        },
    }
    text = json.dumps(data, indent=1)
    editor = Editor(client, tree / "net.json", text)
    hints = await editor.hints()
    assert sorted(hints.values()) == ["4 x 6 x 6", "4 x 6 x 6"]
    assert "torch.nn.Conv2d" in await editor.hover(editor.at('"conv2d"', 2))
    found = await client.text_document_definition_async(
        types.DefinitionParams(editor.document, editor.at('"from": "conv"', 10))
    )
    assert isinstance(found, list) and len(found) == 1
    editor.type(text.replace('"relu"', '"re'))
    assert "relu" in await editor.complete(editor.at('"op": "re', 9))
    await editor.diagnostics("syntax-error")


@pytest.mark.asyncio
async def test_files_of_others_are_left_alone(
    client: LanguageClient, tree: Path
) -> None:
    editor = Editor(client, tree / "pyproject.toml", '[project]\nname = "x"\n')
    await editor.diagnostics()
    assert await editor.hints() == {}
    assert await editor.hover(editor.at("name")) == ""


@pytest.mark.asyncio
async def test_quick_fixes_are_those_of_the_diagnostics(editor: Editor) -> None:
    async def mended(text: str, words: str) -> str:
        editor.type(text)
        at = editor.at(words)
        found = await editor.client.text_document_code_action_async(
            types.CodeActionParams(
                editor.document, types.Range(at, at), types.CodeActionContext([])
            )
        )
        assert found is not None
        (action,) = found
        assert isinstance(action, types.CodeAction) and action.edit is not None
        assert action.kind == types.CodeActionKind.QuickFix
        assert action.edit.changes is not None
        (edit,) = action.edit.changes[editor.uri]
        lines = text.split("\n")
        line, start = edit.range.start.line, edit.range.start.character
        end = edit.range.end.character
        lines[line] = lines[line][:start] + edit.new_text + lines[line][end:]
        return "\n".join(lines)

    spoiled = SPEC.replace('"conv2d", out_channels = 16', '"conv2", out_channels = 16')
    assert await mended(spoiled, '"conv2"') == SPEC
    spoiled = SPEC.replace("output = [16, 32, 32]", "output = [16, 32, 31]")
    assert await mended(spoiled, "[16, 32, 31]") == SPEC
    spoiled = SPEC.replace('"low", from', '"low" from')
    assert await mended(spoiled, ' from = "stem"') == SPEC
