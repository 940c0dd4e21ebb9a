"""Nodes as arguments: a slot is an argument of the constructor that makes modules.

    norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d     self.bn = norm_layer(16)

Whatever is put into a slot is called alike. So slots that hand theirs on to each other
are looked at together: where one of their nodes is made of the channels that it reads,
all are told these, and one that does not take them is a `lambda _: nn.ReLU()`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from archc.emit import annotations, rewrite
from archc.emit.builder import Builder
from archc.emit.plan import ClassPlan, Convention, Factory, Slot, Use, slot_key
from archc.emit.symbols import symbols_in, wish
from archc.emit.tree import Assign, Body, If, Parameter, Statement
from archc.emit.usage import locals_in
from archc.ops.base import Call
from archc.ops.code import Apply, Argument, Global, Lambda, Local, Nothing
from archc.spec.expressions import BoolOp, Compare, Expr

_IDENTITY = "nn.Identity"
"""It takes any arguments."""
_PARTIAL = Global("partial")

Given = tuple[Any, str | None]
"""An argument in the plan's terms, and its name where it is given by that."""


class Constructed(Protocol):
    """A class that has been lowered."""

    def given(self, values: Mapping[str, object]) -> list[Given]: ...


class Classes(Protocol):
    """Where the module's classes are lowered."""

    def lowered(self, plan: ClassPlan) -> Constructed: ...

    def is_begun(self, plan: ClassPlan) -> bool: ...


class Conventions:
    """How the slots of a module's classes are called, each found once."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._found: dict[Slot, Convention] = {}

    def of(self, slot: Slot) -> Convention:
        if slot not in self._found:
            together = list(slot.together())
            made = [factory for each in together for factory in each.factories()]
            forms = [self._form(factory) for factory in made]
            told = any(form is None or form.reads for form in forms)
            functions = any(f is None or f.needs_function(told=told) for f in forms)
            found = Convention(told, functions)
            self._found |= dict.fromkeys(together, found)
        return self._found[slot]

    def _form(self, factory: Factory) -> _Form | None:
        """How it is constructed; None of a class that is just being written, of which
        nobody knows whether it takes channels."""
        made = factory.made
        if isinstance(made, Call):
            named = [(v, name) for name, v in made.kwargs.items()]
            given: list[Given] = [*((v, None) for v in made.args), *named]
            return _Form(factory, made.function, given)
        if self._classes.is_begun(made.made):
            return None
        return _Form(factory, "", self._classes.lowered(made.made).given(made.given))


@dataclass(frozen=True, slots=True)
class _Form:
    factory: Factory
    function: str
    given: list[Given]

    @property
    def reads(self) -> bool:
        return any(self._reads(value) for value, _ in self.given)

    def _reads(self, value: Any) -> bool:
        return self.factory.channels.id in symbols_in(value)

    def needs_function(self, *, told: bool) -> bool:
        """Whether neither a class nor a `partial` of it is made of channels alone."""
        if not self.reads:
            return told and self.function != _IDENTITY
        places = [n for n, (value, _) in enumerate(self.given) if self._reads(value)]
        positional = [value for value, name in self.given if name is None]
        last = len(positional) - 1
        return places != [last] or positional[last] != self.factory.channels


def factory(builder: Builder, slot: Slot, made: Factory) -> Expr:
    """What is put into a slot: a class, a `partial` of it, or a `lambda`."""
    called = _constructed(builder, made)
    channels = Local(made.channels.id)
    told = builder.program.convention(slot).told
    positional = [a for a in called.arguments if a.name is None]
    named = [a for a in called.arguments if a.name is not None]
    reads = channels.id in locals_in(called)
    if reads and positional and positional[-1].value == channels:
        rest = Apply(called.function, (*positional[:-1], *named))
        if channels.id not in locals_in(rest):
            return _partial(rest)
    if not reads and (not told or called.function == Global(_IDENTITY)):
        return _partial(called)
    return _function(builder, called, channels if reads else None, told=told)


def _constructed(builder: Builder, made: Factory) -> Apply:
    if isinstance(made.made, Use):
        return builder.program.lowered(made.made.made).call(
            made.made.given, builder, by_name=True
        )
    if made.op is not None and (helper := made.op.helper_of(made.made.function)):
        builder.program.helpers[made.made.function] = helper
    called = builder.tree(made.made)
    assert isinstance(called, Apply)
    return called


def _partial(called: Apply) -> Expr:
    if not called.arguments:
        return called.function
    return Apply(_PARTIAL, (Argument(called.function), *called.arguments))


def _function(
    builder: Builder, called: Apply, channels: Local | None, *, told: bool
) -> Lambda:
    """A `lambda`; inside a loop it keeps what the loop changes."""
    own = [Local("_") if channels is None else channels] if told else []
    kept: dict[str, Local] = {}
    if builder.loops:
        for name in dict.fromkeys(locals_in(called)):
            if channels is None or name != channels.id:
                kept[name] = builder.local(wish(name))
    body = Apply(called.function, called.arguments)
    if kept:
        names = {name: local.id for name, local in kept.items()}
        body = rewrite.expression(body, rewrite.renamed(names))
    return Lambda((*own, *kept.values()), tuple(map(Local, kept)), body)


class SlotArguments:
    """The slots of a class as arguments of its constructor."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        plan = builder.plan
        self._slots = {plan.env[slot_key(n)].id: s for n, s in plan.slots.items()}
        self._defaults: dict[str, Expr] = {}

    def prelude(self, read: Collection[str]) -> Body:
        """What settles the slots that are read, where a signature can't say their
        defaults."""
        found: list[Statement] = []
        read = set(read)
        # one may hand on another that was declared before it
        for symbol, slot in reversed(self._slots.items()):
            own = self._builder.plan.kind != "group" and slot.default is not None
            if symbol not in read or not own:
                continue
            if isinstance(slot.default, Factory):
                made = factory(self._builder, slot, slot.default)
            else:
                made = self._builder.tree(slot.default)
            read.update(locals_in(made))
            # a call in a signature is made once for all, which linters do not like
            if not isinstance(made, Apply) and not [*locals_in(made)]:
                self._defaults[symbol] = made
                continue
            local, nothing = Local(symbol), Nothing()
            self._defaults[symbol] = nothing
            if isinstance(made, Lambda):  # which no linter likes to see assigned alone
                either = BoolOp("or", (local, made))
                found.append(Assign((local,), either))
            else:
                test = Compare(("is",), (local, nothing))
                found.append(If(test, (Assign((local,), made),)))
        return tuple(reversed(found))

    def parameter(self, symbol: str) -> Parameter | None:
        """The declaration of a slot's argument; None for any other."""
        slot = self._slots.get(symbol)
        if slot is None:
            return None
        convention = self._builder.program.convention(slot)
        kind = annotations.factory(
            told=convention.told if convention.functions else None
        )
        default = self._defaults.get(symbol)
        if default == Nothing():
            kind = annotations.either(kind, Nothing())
        return Parameter(Local(symbol), kind, default)
