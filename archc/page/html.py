"""The page as one file: the data as JSON, the script, the style and the layout engine.

Nothing of a spec is put into the page but as data, which the script only ever shows as
text. A policy in the page names its script and its style by their digests, so that no
other would run.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from base64 import b64encode
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from archc.escaping import json_in_script
from archc.page.model import Edge, Layer, Page, Row

# in the order in which they build on each other
_MODULES = (
    "text", "model", "graph", "layout", "picture", "select", "table", "source",
    "charts", "network", "compare", "live", "main",
)  # fmt: skip
_GENERATOR = b'name="generator" content="archc'
_LONG = {"layers": Layer, "edges": Edge, "rows": Row}
"""The lists that are written by columns."""
_LARGE = 400_000
"""From how many bytes on the data are compressed."""


def to_html(page: Page, *, revision: int = 0) -> str:
    """The page as one HTML file that needs no other.

    `revision` counts the pages of a server, which tells of later ones.
    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_read("static/page.html"))
    script, style, graphviz = _script(), _read("static/page.css"), _graphviz()
    data = to_json(page)
    large = len(data) > _LARGE
    if large:
        data = b64encode(gzip.compress(data.encode(), mtime=0)).decode()
    return template.render(
        title=page.title,
        version=page.version,
        revision=revision,
        data=_raw(data),
        large=large,
        script=_raw(script),
        style=_raw(style),
        graphviz=_raw(graphviz),
        policy=_policy(script, style),
    )


def target(path: Path) -> Path:
    """The file to write a page to, which is new or a page that archc has written.

    Raises:
        FileExistsError: if it is something else.
        ValueError: if it is no name of a page.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{path} is no name for a page: it must end in .html")
    if os.path.isfile(path):
        with path.open("rb") as file:
            start = file.read(1000)
        if _GENERATOR not in start:
            raise FileExistsError(f"{path} is there already and is no page of archc's")
    return path


def to_json(value: Any) -> str:
    """Data of the page as JSON that can stand in a script element."""
    return json_in_script(
        json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False)
    )


def _plain(value: Any) -> dict[str, Any]:
    """A part of the page as an object; long lists in it by columns, which are smaller
    and alike, so that they can be compressed."""
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is no part of a page")
    found: dict[str, Any] = {}
    for name in _names(type(value)):
        part = getattr(value, name)
        if name in _LONG:
            names = _names(_LONG[name])
            part = {n: [getattr(row, n) for row in part] for n in names}
        found[name] = part
    return found


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _raw(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


@cache
def _read(name: str) -> str:
    return files("archc.page").joinpath(name).read_text("utf-8")


@cache
def _script() -> str:
    """The modules of the page as one: their imports only say what they build on."""
    text = "\n".join(_read(f"static/{name}.js") for name in _MODULES)
    text = re.sub(r'^import [^;]*? from "[^"]*";\n', "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?=\w)", "", text, flags=re.MULTILINE)


@cache
def _graphviz() -> str:
    text = _read("vendor/wasm-graphviz.js")
    assert not re.search(r"</script|<!--", text, re.IGNORECASE)
    return text


def _policy(script: str, style: str) -> str:
    """What the page may do: run its own script, and the layout engine from a blob."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(script)} 'wasm-unsafe-eval' blob:",
            "worker-src blob:",
            f"style-src {_digest(style)}",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
