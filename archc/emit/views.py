"""What the template is given: decided, frozen, only to be laid out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MethodView:
    signature: tuple[str, ...]
    doc: str | None
    body: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassView:
    name: str
    base: str
    doc: tuple[str, ...]
    fields: tuple[str, ...]
    methods: tuple[MethodView, ...]


@dataclass(frozen=True, slots=True)
class ModuleView:
    doc: tuple[str, ...]
    imports: tuple[str, ...]
    exports: tuple[str, ...]
    sorted_exports: bool
    """Whether a linter would keep their order."""
    helpers: tuple[str, ...]
    classes: tuple[ClassView, ...]
