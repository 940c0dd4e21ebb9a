"""The reference of all diagnostics, `docs/errors.md`, made from the register."""

from __future__ import annotations

from archc.diagnostics.codes import CODES, Code

_HEAD = """\
# Diagnostics

Every diagnostic has a code, which `archc explain CODE` explains in the terminal. Errors
keep a network from being compiled; warnings do not.

This page is made from `archc/diagnostics/codes.toml`.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    rows = [
        f"| [`{code.slug}`](#{code.slug}) | {code.severity} | {code.summary} |"
        for code in CODES.values()
    ]
    table = "\n".join(["| code | severity | meaning |", "|---|---|---|", *rows])
    sections = "\n".join(map(_section, CODES.values()))
    return f"{_HEAD}\n{table}\n\n{sections}"


def _section(code: Code) -> str:
    example = code.example.strip()
    parts = [
        f"## {code.slug}",
        f"**{code.summary}** ({code.severity})",
        code.explanation.strip(),
        _listing(example, "json" if example[0] in "[{" else "toml"),
    ]
    for name, text in code.files.items():
        parts += [f"with `{name}`:", _listing(text.strip(), name.rpartition(".")[2])]
    mend = code.mend.strip()
    parts.append(
        f"The mend: {mend}" if "\n" not in mend else f"The mend: {_lines(mend)}"
    )
    return "\n\n".join(parts) + "\n"


def _lines(mend: str) -> str:
    said, _, written = mend.partition("\n")
    return f"{said}\n\n{_listing(written, 'toml')}"


def _listing(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"
