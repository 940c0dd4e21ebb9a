"""Writes a network as a PyTorch module."""

from __future__ import annotations

import re
from os.path import normpath
from pathlib import Path

from archc.emit.names import docstring
from archc.emit.program import Program
from archc.emit.views import ClassView, ModuleView
from archc.network.graph import Network

_IMPORTS = (
    ("standard", "import math", r"(?<!\.)\bmath\."),
    ("standard", "from collections import OrderedDict", r"(?<!\.)\bOrderedDict\("),
    ("standard", "from collections.abc import Sequence", r"(?<!\.)\bSequence\["),
    ("torch", "import torch", r"(?<!\.)\btorch\."),
    ("torch", "import torch.nn.functional as F", r"(?<!\.)\bF\."),
)


def emit(network: Network) -> str:
    """The source of a module that depends on torch alone."""
    program = Program(network)
    program.write_network()
    classes = tuple(program.classes)
    exports = _exports(program)
    view = ModuleView(
        doc=tuple(_docstring(network)),
        imports=tuple(_imports(classes, program.helpers)),
        exports=tuple(exports),
        sorted_exports=exports == sorted(exports, key=_natural),
        helpers=tuple(
            program.helpers[name].rstrip() for name in sorted(program.helpers)
        ),
        classes=classes,
    )
    return _render(view)


def _docstring(network: Network) -> list[str]:
    spec = network.spec
    # after the opening quotes
    lines = _wrapped(f"{(spec.title or spec.name).rstrip('.')}.", 85)
    if spec.source:
        lines += ["", *_wrapped(f"Source: {spec.source.rstrip('.')}.")]
    # the way to the file may lead through another one's directory
    path = Path(normpath(spec.origin.merged.document(()).path))
    shown = list(path.parts)
    if "specs" in shown:
        shown = shown[len(shown) - 1 - shown[::-1].index("specs") :]
    else:
        shown = shown[-1:]
    lines += ["", *_wrapped(f"Compiled by archc from {'/'.join(shown)}.")]
    return lines


def _wrapped(text: str, width: int = 88) -> list[str]:
    import textwrap

    return textwrap.wrap(docstring(text), width)


def _exports(program: Program) -> list[str]:
    others = [c.name for c in program.classes if c.name != program.class_name]
    return [program.class_name, *others]


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """The order of Ruff's RUF022: kinds of names apart, numbers by their value."""
    kind = (
        False,
        0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2,
        "",
    )
    parts = re.findall(r"\d+|\D", name)
    return [kind, *((not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts)]


def _imports(classes: tuple[ClassView, ...], helpers: dict[str, str]) -> list[str]:
    lines = [
        line
        for view in classes
        for method in view.methods
        for line in (*method.signature, *method.body)
    ]
    text = "\n".join([*lines, *helpers.values()])
    standard = [
        i
        for kind, i, pattern in _IMPORTS
        if kind == "standard" and re.search(pattern, text)
    ]
    typing = [
        name
        for name, wanted in (
            (
                "ClassVar",
                any(f.startswith("loss_weights") for c in classes for f in c.fields),
            ),
            ("NamedTuple", any(c.base == "NamedTuple" for c in classes)),
        )
        if wanted
    ]
    if typing:
        standard.append(f"from typing import {', '.join(typing)}")
    torch = [
        i
        for kind, i, pattern in _IMPORTS
        if kind == "torch" and re.search(pattern, text)
    ]
    names = "Tensor, nn" if re.search(r"(?<!\.)\bTensor\b", text) else "nn"
    torch.append(f"from torch import {names}")
    return [*standard, *([""] if standard else []), *torch]


def _render(view: ModuleView) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("archc.emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template("module.py.jinja").render(view=view)
