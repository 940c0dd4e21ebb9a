"""Loops over what lists hold, as a person writes them.

`for i in range(len(depths))` that reads `depths[i]` becomes `for i, depth in
enumerate(depths)`, or `for depth in depths` where nothing else reads `i`. Lists of one
length are walked together, by `zip`; rows are unpacked. `sum(depths[:i])` is a total
that each iteration adds to.
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit import rewrite
from archc.emit.passes.item_names import Names, choices
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Assign, Body, Class, For, If, Method, Module, Statement
from archc.emit.usage import every, expressions, locals_in, parts, reads_of, written
from archc.ops import code
from archc.ops.code import Apply, Argument, Global, Local, Sequence
from archc.spec.expressions import Binary, Call, Const, Expr, Index, Slice, is_whole

MOST = 6
"""How many lists are walked together."""


def items(module: Module, symbols: Symbols) -> Module:
    """A module whose loops run over items."""
    names = Names(module)

    def of(made: Class) -> Class:
        return replace(made, methods=tuple(method(m, made) for m in made.methods))

    def method(made: Method, cls: Class) -> Method:
        lists = _lists(made) if cls.name == module.network else {}
        rows = {p.local.id: _typed(p.annotation) for p in made.parameters}
        rows |= {symbol: _columns(held) for symbol, held in lists.items()}
        taken = {wish(p.local.id) for p in made.parameters}
        loops = _Loops(symbols, names, lists, rows)
        return replace(made, body=loops.body(made.body, taken))

    return replace(module, classes=tuple(map(of, module.classes)))


def _lists(method: Method) -> dict[str, Sequence]:
    """The arguments and locals that are lists, with what they hold by default."""
    found = {
        p.local.id: p.default
        for p in method.parameters
        if isinstance(p.default, Sequence)
    }
    for made in method.body:
        match made:
            case Assign(targets=(Local(id=symbol),), value=Sequence() as value):
                found[symbol] = value
            case _:
                pass
    return found


class _Loops:
    def __init__(
        self,
        symbols: Symbols,
        names: Names,
        lists: dict[str, Sequence],
        rows: dict[str, list[bool]],
    ) -> None:
        self._symbols = symbols
        self._names = names
        self._lists = lists
        self._rows = rows
        """The columns of lists of rows: whether each holds whole numbers."""

    def body(self, statements: Body, taken: set[str]) -> Body:
        """Statements whose loops give no item a name that is `taken`."""
        found: list[Statement] = []
        for made in statements:
            match made:
                case For():
                    before, made = self._loop(made, taken)
                    found += before
                    inside = taken | {wish(t.id) for t in made.targets}
                    made = For(made.targets, made.over, self.body(made.body, inside))
                case If(test=test, body=body, orelse=orelse):
                    made = If(test, self.body(body, taken), self.body(orelse, taken))
                case _:
                    pass
            found.append(made)
        return tuple(found)

    def _loop(self, made: For, taken: set[str]) -> tuple[list[Statement], For]:
        counted = _counted(made)
        if counted is None:
            return [], made
        over, first = counted
        counter = made.targets[0]
        taken = taken | {wish(counter.id)}
        walked: dict[Local, Local] = {}
        changes: dict[Expr, Expr] = {}
        for source in self._together(made.body, over, counter, first):
            taken_index = Index(source, _plus(counter, first))
            word = self._word(made.body, taken_index, source, taken)
            if word is None:
                continue
            taken.add(word)
            whole = source.id in self._symbols.whole
            walked[source] = changes[taken_index] = self._fresh(word, whole=whole)
        if not walked:
            return [], made
        totals = {} if first else self._totals(made.body, counter, walked, taken)
        changes |= totals
        body = rewrite.body(made.body, lambda part: _changed(part, changes))
        before: list[Statement] = []
        for summed, total in totals.items():
            assert isinstance(total, Local)
            before.append(Assign((total,), Const(0)))
            source = _summed(summed, counter)
            assert source is not None
            following = Binary("+", total, walked[source])
            body = (*body, Assign((total,), following))
        targets = tuple(walked.values())
        if len(walked) == 1:
            (only,) = walked
            targets, body = self._unpacked(only, targets[0], body, taken)
        return before, _over(list(walked), first, counter, targets, body)

    def _fresh(self, word: str, *, whole: bool) -> Local:
        return Local(self._symbols.fresh(word, whole=whole).id)

    # ---- lists of one length

    def _together(
        self, body: Body, over: Local, counter: Local, first: int
    ) -> list[Local]:
        """The lists whose items a loop reads, in the order of the arguments."""
        changed = {n for s in every(body) for n in written(s)}
        if over.id in changed or counter.id in changed:
            return []
        read = {
            part.value.id
            for statement in every(body)
            for expr in expressions(statement)
            for part in parts(expr)
            if isinstance(part, Index)
            and isinstance(part.value, Local)
            and part.index == _plus(counter, first)
        }
        own = self._lists.get(over.id)
        if own is None:
            return [over] if over.id in read else []
        length = len(own.items)
        found = [
            Local(symbol)
            for symbol, held in self._lists.items()
            if symbol in read and len(held.items) == length and symbol not in changed
        ]
        return found if len(found) <= MOST else [over] if over.id in read else []

    def _word(
        self, body: Body, item: Expr, source: Local, taken: set[str]
    ) -> str | None:
        """What to call an item: after what it is given to, or one of the list."""
        words = choices(self._names, body, item, wish(source.id))
        return next((w for w in words if w not in taken), None)

    # ---- rows

    def _unpacked(
        self, source: Local, item: Local, body: Body, taken: set[str]
    ) -> tuple[tuple[Local, ...], Body]:
        """The targets of a loop over a list, one for each column where it has rows."""
        columns = self._rows.get(source.id, [])
        read = [e for s in every(body) for e in expressions(s)]
        if not columns:
            return (item,), body
        used: dict[int, Expr] = {}
        for expr in read:
            for part in parts(expr):
                match part:
                    case Index(value=Local() as row, index=Const(value=int(number))):
                        if row == item and 0 <= number < len(columns):
                            used[number] = part
                    case _:
                        pass
        times = sum(name == item.id for e in read for name in locals_in(e))
        kept = sum(part in used.values() for e in read for part in parts(e))
        if times != kept or 2 * len(used) <= len(columns):
            return (item,), body
        targets = [Local("_") for _ in columns]
        changes: dict[Expr, Expr] = {}
        for number in sorted(used):
            words = choices(self._names, body, used[number], None)
            word = next((w for w in words if w not in taken), None)
            if word is None:
                return (item,), body
            taken.add(word)
            made = self._fresh(word, whole=columns[number])
            changes[used[number]] = targets[number] = made
        return tuple(targets), rewrite.body(body, lambda p: _changed(p, changes))

    # ---- totals

    def _totals(
        self,
        body: Body,
        counter: Local,
        walked: dict[Local, Local],
        taken: set[str],
    ) -> dict[Expr, Expr]:
        """Locals for what the items before this one come to."""
        found: dict[Expr, Expr] = {}
        for statement in every(body):
            for expr in expressions(statement):
                for part in parts(expr):
                    source = _summed(part, counter)
                    if source not in walked or source.id not in self._symbols.whole:
                        continue
                    assert isinstance(part, Expr)
                    if part in found:
                        continue
                    words = choices(self._names, body, part, None)
                    word = next((w for w in words if w not in taken), None)
                    if word is not None:
                        taken.add(word)
                        found[part] = self._fresh(word, whole=True)
        return found


def _changed(part: Expr | Argument, changes: dict[Expr, Expr]) -> Expr | None:
    return changes.get(part) if isinstance(part, Index | Call) else None


def _plus(counter: Local, number: int) -> Expr:
    return Binary("+", counter, Const(number)) if number else counter


def _counted(made: For) -> tuple[Local, int] | None:
    """The list that a loop counts through, and the item that it begins with."""
    match made:
        case For(
            targets=(_,),
            over=Apply(
                function=Global(name="range"), arguments=(Argument(value=count),)
            ),
        ):
            pass
        case _:
            return None
    match count:
        case Call(function="len", args=(Local() as over,)):
            return over, 0
        case Binary(
            op="-",
            left=Call(function="len", args=(Local() as over,)),
            right=Const(value=1),
        ):
            return over, 1
        case _:
            return None


def _over(
    sources: list[Local],
    first: int,
    counter: Local,
    targets: tuple[Local, ...],
    body: Body,
) -> For:
    """A loop over lists, counted where its body reads the counter."""
    lists: list[Expr] = [
        Slice(s, Const(first), None, None) if first else s for s in sources
    ]
    over = lists[0]
    if len(lists) > 1:
        given = [*map(Argument, lists), Argument(Const(True), "strict")]
        over = Apply(Global("zip"), tuple(given))
    if counter.id not in reads_of(body):
        return For(targets, over, body)
    return For((counter, *targets), code.call(Global("enumerate"), over), body)


def _columns(rows: Sequence) -> list[bool]:
    """The columns of rows that are all of one length."""
    held = [row.items for row in rows.items if isinstance(row, Sequence)]
    if len(held) < len(rows.items) or len({len(row) for row in held}) != 1:
        return []
    return [all(map(is_whole, column)) for column in zip(*held, strict=True)]


def _typed(annotation: Expr) -> list[bool]:
    """The columns of rows of which only the type is known."""
    match annotation:
        case Index(
            value=Global("Sequence"),
            index=Index(value=Global("tuple"), index=Sequence(items=items)),
        ):
            return [kind == Global("int") for kind in items]
        case _:
            return []


def _summed(part: object, counter: Local) -> Local | None:
    """The list of `sum(depths[:i])`."""
    match part:
        case Call(
            function="sum",
            args=(
                Slice(
                    value=Local() as source, lower=None, upper=Local() as to, step=None
                ),
            ),
        ) if to == counter:
            return source
        case _:
            return None
