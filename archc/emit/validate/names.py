"""Names of a generated module that hide, break or become others."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

from archc.emit.tree import (
    Assign,
    Body,
    Class,
    Evaluate,
    For,
    If,
    Method,
    Parameter,
    Return,
)
from archc.emit.tree import Module as Tree
from archc.emit.validate.disagreement import Disagreement
from archc.emit.validate.modules import class_names, is_record
from archc.ops.code import Apply, Argument, Attribute, ClassName, Global, Local
from archc.spec.expressions import Call, Expr

_UNNAMED = "#"
"""In what is only a wish for a name, which no name has."""

_PARTS = (
    Expr, Argument, Assign, Evaluate, For, If, Return, Method, Parameter
)  # fmt: skip
_MATH = frozenset({"ceil", "floor"})


def names(module: Tree) -> Iterator[Disagreement]:
    """What is wrong with the names of a module, by Python's rules."""
    imported = {text.split()[-1] for text in module.imports}
    helpers = {_class_of(source) for source in module.helpers}
    used = set(imported)
    classes: set[str] = set()
    for cls in module.classes:
        used |= _heads(cls.base, *cls.fields, classes=False)
        for method in cls.methods:
            used |= _heads(method, classes=False)
    for cls in module.classes:
        key = cls.name.key
        yield from _name(key, "a class")
        if key in classes or key in helpers:
            yield Disagreement("", f"two classes are called `{key}`")
        if key in used:
            yield Disagreement(
                "", f"the class `{key}` hides what the module uses under this name"
            )
        classes.add(key)
    known = imported | helpers | classes
    for name in sorted(used - known):
        if not hasattr(builtins, name):
            yield Disagreement("", f"`{name}` is used, and not imported")
    for cls in module.classes:
        yield from _class(cls)


def _class(cls: Class) -> Iterator[Disagreement]:
    members = [f for f in cls.fields if isinstance(f, Assign)]
    fields = [t.id for f in members for t in f.targets if isinstance(t, Local)]
    listed = [*fields, *(m.name for m in cls.methods)]
    for name in listed:
        yield from _name(name, f"a member of `{cls.name.key}`")
        if listed.count(name) > 1:
            yield Disagreement("", f"`{cls.name.key}` has two members `{name}`")
        if is_record(cls) and name.startswith("_"):
            yield Disagreement(
                "", f"`{name}` is no field that a NamedTuple can have: it starts with _"
            )
    bound = class_names(cls) - {t for f in members if f.value is None for t in fields}
    for method in cls.methods:
        reads = _Reads(method)
        place = f"`{method.name}` of `{cls.name.key}`"
        for name in sorted(reads.assigned):
            yield from _name(name, f"a variable in {place}")
        for name in sorted(reads.attributes):
            yield from _name(name, f"an attribute in {place}")
        for name in sorted(reads.assigned & reads.outside):
            yield Disagreement(
                "",
                f"the variable `{name}` in {place} hides what is read under this name",
            )
        if "self" in reads.assigned:
            yield Disagreement("", f"{place} assigns to self")
        for name in sorted(reads.annotations & bound):
            yield Disagreement(
                "", f"the member `{name}` of `{cls.name.key}` hides a type of {place}"
            )


def _name(name: str, what: str) -> Iterator[Disagreement]:
    if _UNNAMED in name:
        return
    if not name.isidentifier() or keyword.iskeyword(name):
        yield Disagreement("", f"{what} is called {name!r}, which is no name in Python")
    elif name.startswith("__") and not name.endswith("__"):
        yield Disagreement("", f"{what} is called `{name}`, which Python mangles")
    elif not name.isascii() and unicodedata.normalize("NFKC", name) != name:
        folded = unicodedata.normalize("NFKC", name)
        yield Disagreement(
            "", f"{what} is called `{name}`, which Python folds to {folded}"
        )


class _Reads:
    """The names in a method: what it assigns, and what it reads from outside."""

    def __init__(self, method: Method) -> None:
        self.assigned: set[str] = set()
        self.outside: set[str] = set()
        """Heads of what is read in the body, classes included."""
        self.annotations: set[str] = set()
        """What the signature reads, in the scope of the class."""
        self.attributes: set[str] = set()
        for parameter in method.parameters:
            self.assigned.add(parameter.local.id)
            self.annotations |= _heads(parameter.annotation)
            if parameter.default is not None:
                self.annotations |= _heads(parameter.default)
        self.annotations |= _heads(method.returns)
        self._body(method.body)

    def _body(self, body: Body) -> None:
        for statement in body:
            match statement:
                case Assign():
                    for target in statement.targets:
                        self._target(target)
                    # a local's annotation is not evaluated
                    self._read(statement.value)
                case For():
                    self.assigned.update(t.id for t in statement.targets)
                    self._read(statement.over)
                    self._body(statement.body)
                case If():
                    self._read(statement.test)
                    self._body(statement.body)
                    self._body(statement.orelse)
                case _:
                    self._read(getattr(statement, "value", None))

    def _target(self, target: Expr) -> None:
        if isinstance(target, Local):
            self.assigned.add(target.id)
        else:
            if isinstance(target, Attribute):
                self.attributes.add(target.name)
            self._read(target)

    def _read(self, value: Any) -> None:
        self.outside |= _heads(value)


def _heads(*values: Any, classes: bool = True) -> set[str]:
    """The first parts of the names that expressions read from outside of a function.

    With `classes` also those of the module's own classes.
    """
    found: set[str] = set()
    stack: list[Any] = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, Global):
            found.add(value.name.partition(".")[0])
        elif isinstance(value, ClassName):
            if classes:
                found.add(value.key)
        elif isinstance(value, Apply):
            stack.append(value.function)
            stack.extend(a.value for a in value.arguments)
        elif isinstance(value, Call):
            found.add("math" if value.function in _MATH else value.function)
            stack.extend(value.args)
        elif isinstance(value, tuple):
            stack.extend(cast("tuple[Any, ...]", value))
        elif isinstance(value, _PARTS):
            stack.extend(getattr(value, slot) for slot in value.__slots__)
    return found


def _class_of(source: str) -> str:
    """The name of the class that a helper's source defines."""
    return source.partition("class ")[2].partition("(")[0].strip()
