"""How text that a spec says is written into each kind of output.

Titles, names and paths come from whoever wrote the spec. A terminal, a table or a page
shows what they say and never does it. `visible` is the one rule for what may be shown
at all; the other functions apply it and escape what their own format would interpret.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
"""Letters and marks that are shown as nothing (Unicode's Default_Ignorable_Code_Point
outside of the categories below)."""
_HIDDEN_SIGNS = re.compile(f"[{_UNSEEN}]")
_HIDDEN_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, formats (bidi ones among them), halves of surrogate pairs, private and
unassigned characters, and what ends a line or a paragraph."""


def is_hidden(character: str) -> bool:
    """Whether a character steers what shows it, or is not seen."""
    if character.isprintable():
        return _HIDDEN_SIGNS.match(character) is not None
    return unicodedata.category(character) in _HIDDEN_KINDS


def has_hidden(text: str) -> bool:
    """Whether a text has a character that is only shown escaped."""
    if text.isprintable():
        return not text.isascii() and _HIDDEN_SIGNS.search(text) is not None
    return any(map(is_hidden, text))


def visible(text: str) -> str:
    r"""Text in which all that is hidden is seen: `\x1b`, `\u202e`, `\n`.

    A backslash that stands in the text is left as it is.
    """
    if not has_hidden(text):
        return text
    return "".join(escaped(c) if is_hidden(c) else c for c in text)


def escaped(character: str) -> str:
    """A hidden character as it is shown."""
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str) -> str:
    """Text for a line of prose: its line breaks and further blanks are one blank."""
    return visible(re.sub(r"[ \t\r\n]+", " ", text).strip(" "))


# ---------------------------------------------------------------------------- formats


def json_text(text: str) -> str:
    """The text of a JSON document, with what is hidden in its strings escaped.

    Line breaks between the values stay.
    """
    if not has_hidden(text.replace("\n", "")):
        return text
    return "".join(c if c == "\n" or not is_hidden(c) else _units(c) for c in text)


def _units(character: str) -> str:
    """A character as JSON escapes it, in units of UTF-16."""
    data = character.encode("utf-16-be", "surrogatepass")
    return "".join(
        f"\\u{data[i] << 8 | data[i + 1]:04x}" for i in range(0, len(data), 2)
    )


def json_in_script(text: str) -> str:
    """The text of a JSON document as it stands in a script element of HTML, which no
    string in it can end."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return json_text(text)


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip()[:1] in tuple("=+-@＝＋－＠") else shown


def xml(text: str) -> str:
    """Text between the tags of HTML, SVG and Graphviz' labels, or in an attribute."""
    return escape(visible(text), quote=True)


def dot_label(text: str) -> str:
    r"""Text in an HTML-like label of Graphviz, which puts a graph's name for `\G`."""
    return re.sub(r"\\([EGHLT])", r"\\<font>\1</font>", xml(text))


_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~$&#]|(?<=\w):(?=//)|(?<=www)\.", re.IGNORECASE)


def markdown(text: str) -> str:
    """Text with Markdown's own characters escaped; what looks like a link is none."""
    return _MARKDOWN.sub(r"\\\g<0>", visible(text))


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    }
)


def latex(text: str) -> str:
    """Text with LaTeX's own characters escaped and sizes set with a times sign."""
    # between digits an x is a sign: 3x3
    parts = re.split(r"(?<=\d)x(?=\d)", visible(text))
    return r"$\times$".join(part.translate(_LATEX) for part in parts)


def mermaid(text: str) -> str:
    """Text in a quoted label of Mermaid, which takes HTML and codes such as `#35;`."""
    shown = visible(text).translate({ord(c): f"#{ord(c)};" for c in '#;&<>"\\`*_~[]{}'})
    # a number and a point at its beginning would make a list of it
    return re.sub(r"^(\d+)\.", r"\1#46;", shown)


def annotation(text: str) -> str:
    """The message of a GitHub workflow command; its line breaks end no command."""
    parts = re.split(r"([\r\n])", text.replace("%", "%25"))
    return "".join(_BREAKS.get(part) or visible(part) for part in parts)


def annotation_property(value: object) -> str:
    """A property of a GitHub workflow command."""
    return annotation(str(value)).replace(":", "%3A").replace(",", "%2C")


_BREAKS = {"\r": "%0D", "\n": "%0A"}


def dot(text: str) -> str:
    """A quoted string of Graphviz' language; a backslash in it stands for itself.

    Line breaks are the drawing's own.
    """
    lines = (visible(line).replace("\\", "\\\\") for line in text.split("\n"))
    shown = "\\n".join(line.replace('"', '\\"') for line in lines)
    return f'"{shown}"'


_ORDER = (
    r"\s*(?=(?:no(?:qa|sec|pycln)|(?:end)?region|%%|pyre-"
    r"|(?:type|ruff|flake8|fmt|isort|yapf|mypy|pyright|pylint|pytype|pragma)\s*:))"
)
_DIRECTIVE = re.compile(f"(?:^|#){_ORDER}", re.IGNORECASE)
_QUOTED_DIRECTIVE = re.compile(f"#{_ORDER}", re.IGNORECASE)


def docstring(text: str) -> str:
    """Text as it can stand in a docstring, up to the closing quotes.

    No tool that reads lines takes orders from one that begins inside it.
    """
    text = _QUOTED_DIRECTIVE.sub("- ", one_line(text))
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    text = f'{text[:-1]}\\"' if text.endswith('"') else text
    return f" {text}" if text.startswith('"') else text


def comment(row: str) -> str:
    """A row of a Python comment, behind its `# `; no tool takes orders from it.

    It may become two characters longer.
    """
    return _DIRECTIVE.sub("- ", row)
