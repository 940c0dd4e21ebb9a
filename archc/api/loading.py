"""Networks of specs: files, texts and dicts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archc import catalog
from archc.api.network import Network, Recipe, Shape, SpecError
from archc.diagnostics.model import Sink
from archc.source.document import parse_document
from archc.spec.load import Loader


def load(
    path: str | os.PathLike[str],
    /,
    *,
    input_shape: Shape | None = None,
    allow_outside: bool = False,
    **params: Any,
) -> Network:
    """The network of the spec at `path`, or of the name that `archc list` shows.

    `params` override the spec's [params] and, with nodes as dicts, its [slots], and
    `input_shape` its input (channels, height, width), or those of its `inputs` by name;
    with one of them the spec's claims are not checked. `allow_outside` lets it name
    files outside its own tree.

    Raises:
        SpecError: if the spec has errors.
        TypeError: if `path` is none, or a parameter nothing that a spec could hold.
        ValueError: if there is no network in the file, or several have the name.
    """
    if not isinstance(path, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"archc.load takes the path of a spec, or a name that `archc list` shows,"
            f" not {_kind(path)}"
        )
    entry = catalog.locate(Path(path))
    spec = Path(path) if entry is None else entry.path
    loader = Loader(Sink(), anywhere=allow_outside)
    return Recipe(spec, loader, str(path), "load", params, input_shape).network()


def loads(
    text: str,
    /,
    *,
    input_shape: Shape | None = None,
    allow_outside: bool = False,
    **params: Any,
) -> Network:
    """The network of a spec that is text, in TOML or JSON.

    Files that it extends or uses are looked for from the current directory. The other
    arguments, and what is raised, are those of `load`.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"archc.loads takes the text of a spec, in TOML or JSON, not {_kind(text)}"
        )
    format = "json" if text.lstrip("\ufeff \t\r\n").startswith("{") else "toml"
    return _of_text(text, format, "loads", params, input_shape, allow_outside)


def from_dict(
    spec: Mapping[str, Any],
    /,
    *,
    input_shape: Shape | None = None,
    allow_outside: bool = False,
    **params: Any,
) -> Network:
    """The network of a spec that is a dict, as TOML or JSON would give it.

    It is not kept: what is changed in it later changes nothing. The other arguments,
    and what is raised, are those of `loads`.

    Raises:
        TypeError: if something in it is nothing that a spec could hold.
    """
    if not isinstance(spec, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"archc.from_dict takes a dict, not {_kind(spec)}")
    try:
        text = json.dumps(spec, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"this is nothing that a spec could hold: {error}") from error
    return _of_text(text, "json", "from_dict", params, input_shape, allow_outside)


def _kind(value: object) -> str:
    """What was given instead, and who takes that."""
    name = "None" if value is None else type(value).__name__
    return f"{name}; archc.from_dict takes one" if isinstance(value, dict) else name


def _of_text(
    text: str,
    format: str,
    caller: str,
    params: dict[str, Any],
    input_shape: Shape | None,
    allow_outside: bool,
) -> Network:
    sink, name = Sink(), f"archc.{caller}"
    document = parse_document(text, name, format, sink)
    if document is None:
        raise SpecError(tuple(sink))
    loader = Loader(sink, anywhere=allow_outside)
    return Recipe(document, loader, name, caller, params, input_shape).network()
