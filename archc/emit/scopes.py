"""Scopes of names in a body, and what names in `from` and `share` stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from archc.spec.expressions import Name, as_expr, filled, to_source
from archc.spec.model import Node, Template


@dataclass(frozen=True, slots=True)
class Source:
    """One name in `from`; `key` is the path of a value or the key of a feature."""

    kind: Literal["prev", "input", "value", "feature"]
    key: Template


@dataclass(frozen=True, slots=True)
class Shared:
    """The module that a share applies: the path at which it is, and what makes it, or
    one of those that may, as a name with braces leaves open."""

    key: Template
    node: Node | None
    sure: bool = True
    """Whether it is this node, in this iteration of the loops around."""
    alone: bool = True
    """Whether it is this node, in whichever iteration of loops that only that is in."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the nodes inside a group read from outside it."""

    values: tuple[str, ...] = ()
    """Paths of values; the empty path is the input of the body."""
    features: bool = False
    """Whether they read the dict, or write to it."""
    modules: tuple[Shared, ...] = ()
    """What they apply that stands outside."""

    def __bool__(self) -> bool:
        return bool(self.values) or self.features or bool(self.modules)


@dataclass(frozen=True, slots=True)
class Scope:
    paths: tuple[Template, ...]
    """The path of this scope and of those around it, outermost first, with final
    dots."""
    within: tuple[Node, ...] = ()
    """The loops and conditions around."""
    counters: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the counters of the loops around are called in paths."""

    def child(self, name: Template) -> Template:
        return joined(self.paths[-1], self.told(name))

    def told(self, name: Template) -> Template:
        """A name in which each counter is that of one loop."""
        if name.fixed:
            return name
        names = {own: Name(told) for own, told in self.counters.items()}
        parts = tuple(
            p if isinstance(p, str) else as_expr(filled(p, names)) for p in name.parts
        )
        text = "".join(
            p if isinstance(p, str) else f"{{{to_source(p)}}}" for p in parts
        )
        return Template(text, parts)

    def opened(self, path: Template, within: tuple[Node, ...]) -> Scope:
        """The scope that a node opens, inside those that its name puts it into."""
        own = path.parts[len(self.paths[-1].parts) :]
        first = own[0] if own else ""
        *around, _ = first.split(".") if isinstance(first, str) else [""]
        paths = [*self.paths]
        for name in around:
            paths.append(joined(paths[-1], Template(f"{name}.", (f"{name}.",))))
        return Scope((*paths, joined(path, _DOT)), within, self.counters)


_DOT = Template(".", (".",))


def joined(first: Template, second: Template) -> Template:
    return Template(first.text + second.text, first.parts + second.parts)
