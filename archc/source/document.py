"""Reading a file: its values, and for any key path the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Place, Sink, Span
from archc.source import files, folding, values
from archc.source.positions import KeyPath, Locator, Part, Range

Format = Literal["toml", "json"]


@dataclass(slots=True, eq=False)
class Document:
    """What one file says, and where it says it. Compared by identity."""

    path: Path
    name: str
    text: str
    data: dict[str, Any]
    format: Format
    written: dict[str, Any] | None = field(default=None, repr=False)
    """The data with its keys as they stand in the text, where folding changed some."""
    _locator: Locator | None = field(default=None, repr=False)

    def place(
        self, path: KeyPath, part: Part = "value", within: Range | None = None
    ) -> KeyPlace:
        """The place of a key path, to be worked out only when it is shown."""
        return KeyPlace(self, path, part, within)

    def locate(
        self, path: KeyPath, part: Part = "value", within: Range | None = None
    ) -> Span:
        """The span of a key path; of its nearest ancestor where there is no such path.

        `within` narrows a string to a slice of its value, in characters.
        """
        return self.locator().locate(self.as_written(path), part, within)

    def locator(self) -> Locator:
        """Where each value stands, worked out when it is first asked for."""
        if self._locator is None:
            # Imported here: a spec without mistakes never needs a place.
            from archc.source import json, toml

            module = toml if self.format == "toml" else json
            self._locator = module.locator(self.text)
        return self._locator

    def as_written(self, path: KeyPath) -> KeyPath:
        """A path with its keys as they stand in the text."""
        return path if self.written is None else folding.as_written(path, self.written)


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a key path of a document stands."""

    document: Document
    path: KeyPath
    part: Part = "value"
    within: Range | None = None

    @property
    def file(self) -> str:
        """The document's name."""
        return self.document.name

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document.text

    def span(self) -> Span:
        """The span, worked out now."""
        return self.document.locate(self.path, self.part, self.within)


def read(
    path: Path, sink: Sink, *, name: str | None = None, at: Place | None = None
) -> Document | None:
    """Read a spec file. What is wrong with it goes to `sink`.

    `name` is what users see; `at` is the place in another file which named this one.
    """
    name = str(path) if name is None else name
    text = files.load(path, name, sink, at)
    if text is None:
        return None
    return parse_document(text, name, path.suffix[1:].lower(), sink, path)


def parse_document(
    text: str, name: str, format: str, sink: Sink, path: Path | None = None
) -> Document | None:
    """Make a document of a text in TOML or JSON. What is wrong goes to `sink`."""
    if format not in ("toml", "json"):
        raise ValueError(f"a document is toml or json, not {format}")
    text = text.removeprefix("\ufeff")
    parse = values.from_toml if format == "toml" else values.from_json
    data = parse(text, name, sink)
    if data is None:
        return None
    document = Document(path or Path(name), name, text, data, format)
    deep = values.too_deep(data)
    if deep is not None:
        values.report_depth(document.place(deep), sink)
        return None
    twins: list[folding.Twins] = []
    names = folding.fold_keys(data, (), twins)
    if twins:
        for twin in twins:
            _report_twins(document, twin, sink)
        return None
    if names is not data:
        document.data, document.written = names, data
    return document


_LEFT_OUT = Edit("", "gone")


def _report_twins(document: Document, twin: folding.Twins, sink: Sink) -> None:
    first, second = (*twin.table, twin.first), (*twin.table, twin.second)
    help = "Python reads names in their NFKC form; give one of them another name"
    table: Any = document.data
    for key in twin.table:
        table = table[key]
    if table[twin.first] == table[twin.second]:
        help = Mend(f"{help}, or leave this one out: both say the same", _LEFT_OUT)
    sink.error(
        "duplicate-key",
        f"`{twin.second}` and `{twin.first}` are one name to Python",
        document.place(second, "key"),
        Label(document.place(first, "key"), "the other one"),
        help=help,
    )
