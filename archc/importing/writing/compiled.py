"""A spec of its tables, with its totals, and the network that it is."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archc.diagnostics.model import Diagnostic, Sink
from archc.diagnostics.render import render_text
from archc.emit.module import emit
from archc.emit.wrong import WrongModule
from archc.importing.text import text_of
from archc.importing.trace import TOO_LARGE, Refusal
from archc.pipeline import Analysis, analyse
from archc.spec.identifiers import of_network
from archc.spec.load import Loader


class NotASpec(Exception):
    """The text that an import made has errors: a fault of archc's."""


_NO_SPEC = ("bad-name", "expression-too-large", "file-too-large", "nested-too-deeply",
            "network-too-large", "shape-too-large")  # fmt: skip
"""What is wrong with the text of a network that no spec can be."""


class NoSpec(NotASpec):
    """The network is larger or deeper than any spec may be, or has a name that none may
    have."""

    def __init__(self, diagnostic: Diagnostic, text: str) -> None:
        super().__init__(text)
        mend = "give it another name" if diagnostic.code == "bad-name" else TOO_LARGE
        self.refusal = Refusal(
            "", f"no spec is like that: {diagnostic.message}", mend=mend
        )


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A spec's text, what is known of its network, and the code of its module."""

    text: str
    analysis: Analysis
    source: str
    blocks: int

    @property
    def repeats(self) -> int:
        """How many repetitions the text has."""
        return self.text.count("repeat = ")


def compiled(tables: dict[str, Any], name: str, remark: str = "") -> Compiled:
    """The spec of these tables, to which its totals are added; a `remark` stands at the
    input.

    Raises:
        NoSpec: if no spec can be like that.
        NotASpec: if it has errors otherwise.
    """
    facts = _analysed(text_of(tables), name).facts
    expect: dict[str, Any] = {"params": facts.params}
    if tables.get("heads"):
        expect["params_with_heads"] = facts.params_with_heads
    tables["expect"] = {**expect, "macs": facts.macs}
    text = text_of(tables, remark)
    analysis = _analysed(text, name)
    return Compiled(text, analysis, _written(analysis), len(tables.get("blocks", {})))


def _written(analysis: Analysis) -> str:
    try:
        return emit(analysis.network)
    except WrongModule as error:
        raise NotASpec(str(error)) from error


def _analysed(text: str, name: str) -> Analysis:
    """The text through the stages that any spec goes through."""
    sink = Sink()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, f"{name}.toml")
        path.write_text(text, "utf-8")
        analysis = analyse(path, Loader(sink), sink)
        if analysis is None:
            said = f"{render_text(tuple(sink))}\n\n{text}"
            errors = [d for d in sink if d.severity == "error"]
            if all(d.code in _NO_SPEC for d in errors):
                raise NoSpec(errors[0], said)
            raise NotASpec(said)
    return analysis


def identifier(name: str) -> str:
    """What a network of that name is called in a spec."""
    near = re.sub(r"\W+", "_", name).strip("_").lower() or "network"
    near = f"net_{near}" if not near[0].isalpha() else near
    return near if of_network(near) is None else f"{near}_net"
