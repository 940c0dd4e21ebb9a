"""The channels that a loop starts with are a number that is written once.

layers = [Stem(3, 32)]      becomes    in_channels = 32
in_channels = 32                       layers = [Stem(3, in_channels)]
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Assign, Body, Class, Evaluate, Method, Module, Statement
from archc.emit.usage import expressions, parts, reads_of, written
from archc.ops.code import Apply, Argument, ClassName, Global, Local
from archc.ops.registry import OPS
from archc.spec.expressions import Const, Expr


def started(module: Module, _: Symbols) -> Module:
    """A module whose constructors say such a number before what gives it."""
    widths = _Widths(module)

    def change(method: Method) -> Body:
        return widths.body(method.body) if method.name == "__init__" else method.body

    return rewrite.bodies(module, change)


class _Widths:
    def __init__(self, module: Module) -> None:
        self._category = {
            op.module_class: op.category for op in OPS.values() if op.module_class
        }
        self._blocks: dict[Expr, bool] = {
            made.name: _is_told(made) for made in module.classes
        }

    def body(self, body: Body) -> Body:
        found: list[Statement] = []
        for made in body:
            first = None
            match made:
                case Assign(
                    targets=(Local() as local,),
                    value=Const(value=int()) as width,
                    operator="",
                ):
                    first = self._giver(found, local, width)
                    if first is not None:
                        told = self._told(found[first:], width, local)
                        found[first:] = [made, *told]
                case _:
                    pass
            if first is None:
                found.append(made)
        return tuple(found)

    def _giver(self, before: list[Statement], local: Local, width: Const) -> int | None:
        """Where the module is built that gives so many channels, which is the last
        of those that may change them; None where it is not told them so."""
        for number in reversed(range(len(before))):
            made = before[number]
            # where another one has its name as well, it could not be called so
            known = {wish(n) for n in (*reads_of((made,)), *written(made))}
            if wish(local.id) in known or not isinstance(made, Assign | Evaluate):
                return None
            makers = [call for call in _calls(made) if self._makes(call)]
            if makers:
                return number if self._gives(makers[-1], width) else None
        return None

    def _gives(self, call: Apply, width: Const) -> bool:
        """Whether it is told a width, behind what it reads, and gives that."""
        told = len(call.arguments) > 1 and call.arguments[1] == Argument(width)
        return told and self._blocks.get(call.function, True)

    def _makes(self, call: Apply) -> bool:
        """Whether it builds what may change the channels."""
        match call.function:
            case Global(name=name):
                return self._category.get(name) in ("convolution", "linear")
            case ClassName():
                return True
            case _:
                return False

    def _told(
        self, statements: list[Statement], width: Const, local: Local
    ) -> list[Statement]:
        """Statements whose first one's last module that changes the channels, and
        normalisations behind it, are told a local."""
        last = [call for call in _calls(statements[0]) if self._makes(call)][-1]
        behind = False

        def change(part: Expr | Argument) -> Expr | None:
            nonlocal behind
            if part is last:
                behind = True
                read, _, *others = last.arguments
                return Apply(last.function, (read, Argument(local), *others))
            if behind and isinstance(part, Apply) and self._normalizes(part):
                place = sum(given.name is None for given in part.arguments) - 1
                if part.arguments[place : place + 1] == (Argument(width),):
                    given = list(part.arguments)
                    given[place] = Argument(local)
                    return Apply(part.function, tuple(given))
            return None

        return [rewrite.statement(made, change) for made in statements]

    def _normalizes(self, call: Apply) -> bool:
        """Whether it builds what is told its channels last."""
        match call.function:
            case Global(name=name):
                return self._category.get(name) == "normalization"
            case _:
                return False


def _calls(made: Statement) -> list[Apply]:
    found = (part for expr in expressions(made) for part in parts(expr))
    return [part for part in found if isinstance(part, Apply)]


def _is_told(made: Class) -> bool:
    """Whether the argument behind the first is how many channels a class gives."""
    init = made.method("__init__")
    parameters = () if init is None else init.parameters
    return len(parameters) > 1 and made.gives == parameters[1].local
