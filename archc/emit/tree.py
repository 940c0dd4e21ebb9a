"""The tree of a generated module: what lowering makes, passes rewrite, printing prints.

Expressions are those of `archc.spec.expressions` and of `archc.ops.code`; here are the
statements, methods, classes and the module. All of it is frozen: a pass gives a new
tree.
"""

from __future__ import annotations

from dataclasses import dataclass

from archc.ops.code import Apply, ClassName, Global, Local
from archc.spec.expressions import Expr


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`, `target += value`, `target: annotation = value`.

    Several targets unpack a tuple: `x, a = self.stem(x)`. Without a value it declares a
    field.
    """

    targets: tuple[Expr, ...]
    value: Expr | None
    operator: str = ""
    """The arithmetic operator before the equals sign, if there is one."""
    annotation: Expr | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression for what it does: `self.append(...)`."""

    value: Expr
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class For:
    targets: tuple[Local, ...]
    """Several unpack an item of `over`; where that enumerates, the first is the counter
    and the rest is the item. A target that nothing reads is `_`."""
    over: Expr
    body: Body

    @property
    def counts_rows(self) -> bool:
        """Whether the targets are `i, (a, b)`."""
        match self.over:
            case Apply(function=Global(name="enumerate")):
                return len(self.targets) > 2
            case _:
                return False


@dataclass(frozen=True, slots=True)
class If:
    test: Expr
    body: Body
    orelse: Body = ()


@dataclass(frozen=True, slots=True)
class Return:
    value: Expr
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment on lines of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Pass:
    pass


Statement = Assign | Evaluate | For | If | Return | Remark | Pass
Body = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that a method declares."""

    local: Local
    annotation: Expr
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method; `self` is not among its parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Expr
    body: Body


@dataclass(frozen=True, slots=True)
class Class:
    name: ClassName
    wish: str
    """What it would like to be called."""
    base: Expr
    doc: str | None
    fields: Body
    methods: tuple[Method, ...]
    gives: Expr | None = None
    """The channels of what it gives, over its constructor's arguments; passes that
    call something after them look at it."""

    def method(self, name: str) -> Method | None:
        return next((m for m in self.methods if m.name == name), None)


@dataclass(frozen=True, slots=True)
class Module:
    doc: tuple[str, ...]
    """Paragraphs."""
    imports: tuple[str, ...]
    """The names that are imported, as `archc.emit.passes.imports` finds them."""
    helpers: tuple[str, ...]
    """Sources of the helper classes of ops."""
    classes: tuple[Class, ...]
    """In the order in which they depend; the network's is `network`."""
    network: ClassName
    packages: tuple[str, ...] = ()
    """The modules that ops of the spec's own are imported from."""


SELF = Local("self")
