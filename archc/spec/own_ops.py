"""Ops of a spec's own: `[ops.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from archc.diagnostics.model import Label
from archc.diagnostics.suggest import did_you_mean
from archc.ops.base import Op
from archc.ops.own import Own, own_op
from archc.ops.registry import OPS
from archc.ops.sizes import axis_names
from archc.source.kinds import is_table
from archc.spec import tables
from archc.spec.expressions import Expr, ListOf, names_in
from archc.spec.model import Origin
from archc.spec.validate import validate, whole
from archc.spec.written import Written, said

_SIZES = frozenset(name for count in (1, 2, 3) for name in axis_names(count))
_KNOWN = frozenset({"in_channels"})
_NONE = "None"
"""What `arguments` say where the constructor is given Python's None."""


def parse_own_ops(
    table: Any, written: Written, origin: Origin
) -> dict[str, type[Op] | None]:
    """The ops that a spec defines; None for one in which something is wrong."""
    found: dict[str, type[Op] | None] = {}
    for name, value in table.items() if is_table(table) else ():
        if is_table(value):
            found[name] = _Parser(name, value, written, origin.below(name)).parsed()
    return found


class _Parser:
    def __init__(
        self, name: str, table: dict[str, Any], written: Written, origin: Origin
    ) -> None:
        self.name = name
        self.table = table
        self.written = written
        self.sink = written.sink
        self.origin = origin
        self.fine = True

    def parsed(self) -> type[Op] | None:
        origin, name = self.origin, self.name
        what = f"[ops.{name}]"
        self.fine &= self.written.identifier(name, origin.at(part="key"), "op")
        if name in OPS:
            self._refuse("duplicate-name", f"archc has an op `{name}` already",
                         origin.at(part="key"), f"call it `my_{name}`")  # fmt: skip
        model = validate(tables.OwnOpTable, self.table, origin, self.sink, what)
        if model is None or not whole(model, self.table):
            return None
        self._names(model)
        module = self._module(model.module)
        parameters = [*model.params, *model.defaults]
        seen = _KNOWN | set(model.params)
        defaults: dict[str, Any] = {}
        for key, value in model.defaults.items():
            defaults[key] = self._value(value, seen, "defaults", key)
            seen |= {key}
        arguments = model.arguments
        if arguments is None:
            arguments = {key: key for key in parameters}
            given = {key: self.written.argument(key, origin) for key in parameters}
        else:
            given = {
                key: None if value == _NONE
                else self._value(value, seen, "arguments", key)
                for key, value in arguments.items()
            }  # fmt: skip
        for key in arguments:
            if not key.isidentifier():
                self._refuse("bad-name", f"`{key}` cannot name an argument in Python",
                             origin.at("arguments", key, part="key"), None)  # fmt: skip
        sized = seen | _SIZES
        own = Own(
            module=module,
            required=tuple(model.params),
            defaults=defaults,
            arguments=given,
            output=self._sizes(model.output, sized, "output"),
            parameters=self._tensors(model.parameters, sized, "parameters"),
            buffers=self._tensors(model.buffers, sized, "buffers"),
            macs=None if model.macs is None else self._value(model.macs, sized, "macs"),
            doc=said(model.doc) or "",
        )
        return own_op(name, own, self.table) if self.fine else None

    def _names(self, model: tables.OwnOpTable) -> None:
        origin = self.origin
        places = {n: origin.below("params", i) for i, n in enumerate(model.params)}
        for key in model.defaults:
            place = origin.below("defaults", key)
            if key in places:
                self._refuse("duplicate-name", f"two parameters are called `{key}`",
                             place.at(part="key"), None,
                             Label(places[key].at(), "the other one"))  # fmt: skip
            places[key] = place
        for key, place in places.items():
            at = place.at(part="key")
            self.fine &= self.written.identifier(key, at, "parameter")
            why = ""
            if key in _SIZES:
                why = "the size of what it reads is called so"
            elif hasattr(Op, key) or key.startswith("_"):
                why = "all ops have something of this name"
            if why:
                message = f"`{key}` cannot name a parameter of an op: {why}"
                help = f"call it `{key.strip('_')}_`, and hand it on in `arguments`"
                self._refuse("bad-name", message, at, help)

    def _module(self, text: str) -> str:
        """The class as code calls it: PyTorch's own are imported already."""
        parts = text.split(".")
        top = parts[0]
        if not all(p.isidentifier() and p.isascii() for p in parts) or len(parts) < 2:
            self._refuse("bad-value", "`module` must be a class with its package",
                         self.origin.at("module"),
                         'write module = "package.Class"')  # fmt: skip
        elif parts[:2] == ["torch", "nn"] and len(parts) == 3:
            return f"nn.{parts[2]}"
        elif top in ("torch", "nn", "F", "math"):
            self._refuse("bad-value", f"`{top}` is imported by all generated modules",
                         self.origin.at("module"),
                         'of PyTorch, a class of torch.nn can be named: module ='
                         ' "torch.nn.Class"')  # fmt: skip
        return text

    def _value(self, value: Any, seen: AbstractSet[str], *keys: str) -> Any:
        origin = self.origin.below(*keys)
        made = self.written.argument(value, origin)
        self._check(made, seen, origin)
        return made

    def _check(self, value: Any, seen: AbstractSet[str], origin: Origin) -> None:
        if isinstance(value, ListOf):
            for number, item in enumerate(value.items):
                self._check(item, seen, origin.below(number))
        elif isinstance(value, Expr):
            for name, at in names_in(value).items():
                if name not in seen:
                    size = name in _SIZES
                    self._refuse(
                        "unknown-name", f"there is no `{name}` here",
                        origin.at(within=at),
                        "a module is made before it knows the size of what it reads"
                        if size
                        else did_you_mean(name, seen),
                    )  # fmt: skip

    def _sizes(
        self, values: Any, seen: AbstractSet[str], *keys: str
    ) -> tuple[Any, ...]:
        origin = self.origin.below(*keys)
        found: list[Any] = []
        for number, value in enumerate(values):
            below = origin.below(number)
            made = self.written.argument(value, below)
            self._check(made, seen, below)
            found.append(made)
        return tuple(found)

    def _tensors(
        self, claims: Mapping[str, Any], seen: AbstractSet[str], key: str
    ) -> dict[str, tuple[Any, ...]]:
        return {n: self._sizes(dims, seen, key, n) for n, dims in claims.items()}

    def _refuse(
        self, code: str, message: str, place: Any, help: str | None, *labels: Label
    ) -> None:
        self.fine = False
        self.sink.error(code, message, place, *labels, help=help)
