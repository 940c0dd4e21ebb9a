"""Names of a generated module that hide, break or become others."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from archc.emit.tree import (
    Assign,
    Body,
    Class,
    Evaluate,
    For,
    If,
    Method,
    Return,
    Statement,
)
from archc.emit.tree import Module as Tree
from archc.emit.validate.disagreement import Disagreement
from archc.emit.validate.expressions import Evaluator
from archc.emit.validate.folding import plain
from archc.emit.validate.modules import class_names, is_record
from archc.ops.code import (
    Anything,
    Apply,
    Argument,
    Attribute,
    ClassName,
    Comprehension,
    Global,
    Lambda,
    Local,
)
from archc.spec.expressions import Call, Const, Expr

_UNNAMED = "#"
"""In what is only a wish for a name, which no name has."""
_MATH = frozenset({"ceil", "floor", "log2", "sqrt"})
_SLOTS: dict[type[object], tuple[str, ...]] = {
    kind: tuple(kind.__slots__) for kind in Evaluator.HANDLERS
}
_SLOTS[Anything] = ()
_CONSTANTS = frozenset({int, float, bool, str})


class Names:
    """The names of a module, by Python's rules."""

    def __init__(self, module: Tree) -> None:
        self._module = module
        self._methods = {
            cls.name.key: [_Reads(m) for m in cls.methods] for cls in module.classes
        }
        self._sweeps = [
            _Sweep(cls.base, *(p for f in cls.fields for p in _parts(f)))
            for cls in module.classes
        ]
        for methods in self._methods.values():
            for reads in methods:
                self._sweeps += (reads.signature, reads.body)
                reads.body.odd |= not "".join(
                    reads.assigned | reads.attributes
                ).isascii()

    def plain(self) -> bool:
        """Whether all of them are ASCII, so that Python reads them as they stand."""
        classes = "".join(c.name.key for c in self._module.classes)
        return classes.isascii() and not any(s.odd for s in self._sweeps)

    def folded_classes(self) -> Iterator[Disagreement]:
        """The classes that `__all__`, being text, would call by another name."""
        for cls in self._module.classes:
            key = cls.name.key
            if plain(key) != key:
                yield Disagreement(
                    "", f"the class `{key}` is `{plain(key)}` to Python, not in __all__"
                )

    def disagreements(self) -> Iterator[Disagreement]:
        """What is wrong with them."""
        used: set[str] = set()
        for found in self._sweeps:
            used |= found.outside
            for part in sorted(found.unknown):
                yield Disagreement("", f"cannot be followed: {part}")
        yield from self._global(used)
        for cls in self._module.classes:
            yield from _class(cls, self._methods[cls.name.key])

    def _global(self, used: set[str]) -> Iterator[Disagreement]:
        """What is wrong with those of the module itself; `used` is read from it."""
        module = self._module
        imported = {text.split()[-1] for text in module.imports}
        imported |= {name.partition(".")[0] for name in module.packages}
        helpers = {_class_of(source) for source in module.helpers}
        classes: set[str] = set()
        for cls in module.classes:
            key = cls.name.key
            yield from _name(key, "a class")
            if key in classes or key in helpers:
                yield Disagreement("", f"two classes are called `{key}`")
            if key in used or key in imported:
                yield Disagreement(
                    "", f"the class `{key}` hides what the module uses under this name"
                )
            classes.add(key)
        known = imported | helpers | classes
        for source in module.helpers:
            used |= _used_by(source)
        for name in sorted(used - known):
            if not hasattr(builtins, name):
                yield Disagreement("", f"`{name}` is used, and not imported")


def _class(cls: Class, methods: list[_Reads]) -> Iterator[Disagreement]:
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
    for reads in methods:
        place = f"`{reads.method.name}` of `{cls.name.key}`"
        outside = reads.body.outside | reads.body.classes
        for name in sorted(reads.assigned):
            # a variable that Python mangles is so wherever it is read
            yield from _name(name, f"a variable in {place}", inside=True)
        for parameter in reads.method.parameters:
            yield from _name(parameter.local.id, f"an argument of {place}")
        for name in sorted(reads.attributes):
            yield from _name(name, f"an attribute in {place}")
        for name in sorted(reads.assigned & outside):
            yield Disagreement(
                "", f"the variable `{name}` in {place} hides what is read under it"
            )
        if "self" in reads.assigned:
            yield Disagreement("", f"{place} assigns to self")
        types = reads.signature.outside | reads.signature.classes
        for name in sorted(types & bound):
            yield Disagreement(
                "", f"the member `{name}` of `{cls.name.key}` hides a type of {place}"
            )


def _name(name: str, what: str, *, inside: bool = False) -> Iterator[Disagreement]:
    if _UNNAMED in name:
        return
    if not name.isidentifier() or keyword.iskeyword(name):
        yield Disagreement("", f"{what} is called {name!r}, which is no name in Python")
    elif name.startswith("__") and not inside and name != "__init__":
        yield Disagreement(
            "", f"{what} is called `{name}`, which Python mangles or has for itself"
        )


class _Reads:
    """The names in a method: what it assigns, and what it reads from outside."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.assigned = {p.local.id for p in method.parameters}
        self.attributes: set[str] = set()
        """What it assigns to attributes."""
        parameters = method.parameters
        self.signature = _Sweep(
            method.returns,
            *(p.annotation for p in parameters),
            *(p.default for p in parameters),
        )
        self.body = _Sweep()
        self._body(method.body)
        self.assigned |= self.body.bound

    def _body(self, body: Body) -> None:
        for statement in body:
            if isinstance(statement, For | If) and not statement.body:
                self.body.unknown.add("a statement with nothing in it")
            if isinstance(statement, Assign):
                for target in statement.targets:
                    self._target(target)
                # a local's annotation is not evaluated
                self.body.over(statement.value)
            elif isinstance(statement, Evaluate | Return):
                self.body.over(statement.value)
            elif isinstance(statement, For):
                self.assigned.update(t.id for t in statement.targets)
                self.body.over(statement.over)
                self._body(statement.body)
            elif isinstance(statement, If):
                self.body.over(statement.test)
                self._body(statement.body)
                self._body(statement.orelse)

    def _target(self, target: Expr) -> None:
        if isinstance(target, Local):
            self.assigned.add(target.id)
        elif isinstance(target, Attribute):
            self.attributes.add(target.name)
            self.body.over(target.value)
        else:
            self.body.over(target)


class _Sweep:
    """What stands in expressions, run or not."""

    def __init__(self, *values: object) -> None:
        self.outside: set[str] = set()
        """The first parts of names that are imported or built in."""
        self.classes: set[str] = set()
        """The module's own classes."""
        self.bound: set[str] = set()
        """The variables of comprehensions."""
        self.odd = False
        """Whether a name in them is not ASCII."""
        self.unknown: set[str] = set()
        """What is no expression of generated code."""
        self.over(*values)

    def over(self, *values: object) -> None:
        """Takes in what stands in these."""
        stack: list[Any] = list(values)
        while stack:
            value = stack.pop()
            kind = cast("type[object]", type(value))
            if value is None:
                continue
            if kind is Local:
                self.odd |= not value.id.isascii()
            elif kind is Const:
                if type(value.value) not in _CONSTANTS:
                    self.unknown.add(f"the constant {value.value!r}"[:80])
            elif kind is Global:
                self.outside.add(value.name.partition(".")[0])
            elif kind is ClassName:
                self.classes.add(value.key)
            elif kind is Apply:
                stack.append(value.function)
                for argument in value.arguments:
                    self._name(argument.name)
                    stack.append(argument.value)
            elif kind is Attribute:
                self.odd |= not value.name.isascii()
                self._name(value.name)
                stack.append(value.value)
            elif kind is tuple:
                stack += value
            elif kind is Call:
                name = "math" if value.function in _MATH else value.function
                self.outside.add(name)
                stack += value.args
            elif kind in _SLOTS:
                if isinstance(value, Comprehension):
                    self.bound.update(t.id for t in value.targets)
                if isinstance(value, Lambda):
                    self.bound.update(p.id for p in value.parameters)
                stack += [getattr(value, slot) for slot in _SLOTS[kind]]
            elif isinstance(value, Expr | Argument):
                self.unknown.add(f"an expression of the kind {kind.__name__}")

    def _name(self, name: str | None) -> None:
        if name is not None and not name.isidentifier():
            self.unknown.add(f"{name!r}, which is no name in Python,")


def _parts(field: Statement) -> tuple[Expr | None, ...]:
    """The expressions of a field of a class, all of which are evaluated."""
    return (field.value, field.annotation) if isinstance(field, Assign) else ()


def _class_of(source: str) -> str:
    """The name of the class that a helper's source defines."""
    return source.partition("class ")[2].partition("(")[0].strip()


@cache
def _used_by(source: str) -> frozenset[str]:
    """The names that a helper's source reads and does not give itself."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [n for n in nodes if isinstance(n, ast.Name)]
    own = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    own |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    return frozenset(n.id for n in names) - own
