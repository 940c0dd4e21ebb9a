"""Children that are no attributes: those in lists of modules, and keys.

Lowering says `self.convs.0` and `self.block1-0` as if these were attributes. Here each
gets the code that makes and finds it: `self.convs` is an nn.ModuleList where its keys
are 0, 1, 2, ... in the order in which they are made, or else an nn.ModuleDict; a key
that is no identifier is added by `add_module`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.builder import text
from archc.emit.keyed import Key, Path, counted, fill_of, key_of, keys_in
from archc.emit.names import identifier, is_name
from archc.emit.symbols import Symbols
from archc.emit.tree import (
    SELF,
    Assign,
    Body,
    Class,
    Evaluate,
    For,
    If,
    Method,
    Module,
    Statement,
)
from archc.emit.usage import every, expressions, parts
from archc.ops import code
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Comprehension,
    Global,
    Local,
    Text,
)
from archc.spec.expressions import Const, Expr, Index

_LIST, _DICT = Global("nn.ModuleList"), Global("nn.ModuleDict")


def keys(module: Module, symbols: Symbols) -> Module:
    """A module in which each child is made and found by what holds it."""
    return replace(module, classes=tuple(_class(m, symbols) for m in module.classes))


def _class(made: Class, symbols: Symbols) -> Class:
    constructor = made.method("__init__")
    if constructor is None or not any(map(_has_keys, made.methods)):
        return made
    writing = _Writing(constructor.body, symbols)

    def of(method: Method) -> Body:
        if method is constructor:
            return writing.constructor()
        return writing.calling(method.body)

    methods = tuple(replace(m, body=of(m)) for m in made.methods)
    return replace(made, methods=methods)


def _has_keys(method: Method) -> bool:
    return any(True for s in method.body for _ in keys_in(s))


class _Writing:
    """The code of one class for its keys."""

    def __init__(self, body: Body, symbols: Symbols) -> None:
        self._body = body
        self._symbols = symbols
        self._counted = counted(body)
        self._containers: dict[Path, Expr] = {}
        """What the constructor calls those that it has made."""
        self._locals: dict[Key, Local] = {}
        """What it calls children that it needs once they are made."""
        self._rows: dict[str, Local] = {}
        """What a method calls the lists that a list holds."""

    # ---- what the constructor makes

    def constructor(self) -> Body:
        """The constructor, with the containers that it fills."""
        return self._made(self._body, self._counted.starts)

    def _made(self, body: Body, starts: dict[int, list[Path]] | None = None) -> Body:
        found: list[Statement] = []
        waiting: dict[int, list[tuple[Key, Statement]]] = defaultdict(list)
        for number, statement in enumerate(body):
            for path in (starts or {}).get(number, ()):
                container = self._containers[path] = self._container(path)
                kind = _LIST if path in self._counted.lists else _DICT
                found.append(Assign((container,), code.call(kind)))
                if not _is_attribute(path):
                    key = Key(path[:-1], path[-1:])
                    put = self._put(key, container, None)
                    last = _filled_up_to(path, body, number)
                    if last is None:
                        found.append(put)
                    else:
                        waiting[last].append((key, put))
            match statement:
                case For(targets=targets, over=over, body=inner):
                    found.append(For(targets, self._told(over), self._made(inner)))
                case If(test=test, body=inner, orelse=orelse):
                    made, other = self._made(inner), self._made(orelse)
                    found.append(If(self._told(test), made, other))
                case _:
                    fill = fill_of(statement)
                    if fill is None:
                        found.append(rewrite.statement(statement, self._child))
                    else:
                        last = _needed_up_to(fill[0], body, number)
                        put = self._filled(fill, found, needed=last is not None)
                        waiting[last or number].append((fill[0], put))
            # what is inside first
            ended = sorted(waiting.pop(number, ()), key=lambda e: -len(e[0].path))
            found += (put for _, put in ended)
        return tuple(found)

    def _container(self, path: Path) -> Expr:
        """What the constructor calls a container."""
        if _is_attribute(path):
            return Attribute(SELF, path[0])
        return Local(self._symbols.fresh(identifier("_".join(path))).id)

    def _filled(
        self,
        fill: tuple[Key, Expr, str | None],
        found: list[Statement],
        *,
        needed: bool,
    ) -> Statement:
        """What puts a child to its place; one that is needed on is a local first."""
        key, made, comment = fill
        made = self._told(made)
        if needed:
            words = "_".join(map(str, (*key.path, *key.last)))
            local = self._locals[key] = Local(self._symbols.fresh(identifier(words)).id)
            found.append(Assign((local,), made))
            made = local
        return self._put(key, made, comment)

    def _put(self, key: Key, made: Expr, comment: str | None) -> Statement:
        """The statement that makes something the child of this key."""
        if not key.path:
            own = made.function if isinstance(made, Apply) else None
            kind = "parameter" if own == Global("nn.Parameter") else "module"
            method = "register_parameter" if kind == "parameter" else "add_module"
            added = code.call(Attribute(SELF, method), text(key.last), made)
            return Evaluate(added, comment)
        container = self._containers[key.path]
        if key.path in self._counted.lists:
            return Evaluate(code.call(Attribute(container, "append"), made), comment)
        return Assign((Index(container, text(key.last)),), made, comment=comment)

    def _told(self, expr: Expr) -> Expr:
        return rewrite.expression(expr, self._child)

    def _child(self, part: Expr | Argument) -> Expr | None:
        """How the constructor says a child that it has made."""
        key = key_of(part)
        if key is None:
            return None
        return self._locals[key] if key in self._locals else self._found(key)

    # ---- how the others find it

    def calling(self, body: Body) -> Body:
        """The body of a method that calls what the constructor has made.

        What a list of modules holds has no type that says that it is a list too, so
        lists in lists are opened once, before their first use:

            convs = [tuple(row.children()) for row in self.convs]
            x = convs[0][1](x)
        """
        self._rows = {}
        found: list[Statement] = []
        for statement in body:
            for key in keys_in(statement):
                if self._in_two_lists(key.path) and key.path[0] not in self._rows:
                    name = key.path[0]
                    rows = self._rows[name] = Local(self._symbols.fresh(name).id)
                    row = Local(self._symbols.fresh("row").id)
                    children = code.call(Attribute(row, "children"))
                    item = code.call(Global("tuple"), children)
                    over = Attribute(SELF, name)
                    found.append(Assign((rows,), Comprehension(item, (row,), over)))
            found += self._calling((statement,))
        return tuple(found)

    def _in_two_lists(self, path: Path) -> bool:
        lists = self._counted.lists
        both = len(path) == 2 and path in lists and path[:1] in lists
        return both and is_name(path[0])

    def _calling(self, body: Body) -> Body:
        found: list[Statement] = []
        for statement in body:
            match statement:
                case For(targets=targets, over=over, body=inner):
                    over = rewrite.expression(self._items(over), self._read)
                    found.append(For(targets, over, self._calling(inner)))
                case If(test=test, body=inner, orelse=orelse):
                    test = rewrite.expression(test, self._read)
                    found.append(If(test, self._calling(inner), self._calling(orelse)))
                case _:
                    found.append(rewrite.statement(statement, self._read))
        return tuple(found)

    def _items(self, over: Expr) -> Expr:
        """What a loop over the children of a child goes through."""
        match over:
            case Apply(function=function, arguments=(Argument(value=inner),)) if (
                function == Global("enumerate")
            ):
                return code.call(function, self._items(inner))
            case _:
                key = key_of(over)
                if key is None or not key.path:
                    return over
                return code.call(Attribute(self._found(key), "children"))

    def _read(self, part: Expr | Argument) -> Expr | None:
        match part:
            case Index(value=owner, index=Const(value=int(number))):
                key = key_of(owner)
                if key is None or not key.path:
                    return None
                below = (*key.path, _last_text(key))
                return self._found(Key(below, (str(number),)))
            case _:
                key = key_of(part)
                return None if key is None else self._found(key)

    def _found(self, key: Key) -> Expr:
        """How a method finds a child."""
        if not key.path:
            return code.call(Global("getattr"), SELF, text(key.last))
        if self._in_two_lists(key.path) and key.path[0] in self._rows:
            rows = self._rows[key.path[0]]
            (last,) = key.last
            place = last if isinstance(last, Expr) else Const(int(last))
            return Index(Index(rows, Const(int(key.path[1]))), place)
        if not _is_attribute(key.path):
            # what is in the first container has no type that says that it is one
            dotted = (".".join(key.path) + ".", *key.last)
            return code.call(Attribute(SELF, "get_submodule"), text(dotted))
        container = Attribute(SELF, key.path[0])
        if key.path not in self._counted.lists:
            return Index(container, text(key.last))
        (last,) = key.last
        return Index(container, last if isinstance(last, Expr) else Const(int(last)))


def _is_attribute(path: Path) -> bool:
    return len(path) == 1 and is_name(path[0])


def _last_text(key: Key) -> str:
    """The last part of a key whose children are known by their numbers."""
    made = text(key.last)
    assert isinstance(made, Text)
    return made.value


def _needed_up_to(key: Key, body: Body, number: int) -> int | None:
    """The last of the statements behind one that do something to the child that it
    makes; None where nothing does. What makes another child comes behind it."""
    later = range(number + 1, len(body))
    readers = [n for n in later if key in _read_in(body[n])]
    if not readers:
        return None
    others = (n for n in later if any(map(_registers, every((body[n],)))))
    end = next(others, len(body))
    return max((number, *(n for n in readers if n < end)))


def _filled_up_to(path: Path, body: Body, number: int) -> int | None:
    """The last statement that fills a container, from the first one on; None where what
    it is in itself gets other children meanwhile."""
    around = path[:-1]
    own: list[int] = []
    others: list[int] = []
    for later in range(number, len(body)):
        for key in keys_in(body[later]):
            if key.path[: len(path)] == path:
                own.append(later)
            elif key.path[: len(around)] == around:
                others.append(later)
    return None if others and min(others) <= max(own) else max(own)


def _read_in(statement: Statement) -> Iterator[Key]:
    for inner in every((statement,)):
        for expr in expressions(inner):
            for part in parts(expr):
                key = key_of(part)
                if key is not None:
                    yield key


def _registers(statement: Statement) -> bool:
    """Whether a statement gives `self` a child."""
    match statement:
        case Assign(targets=(Attribute(value=Local(id="self")),)):
            return True
        case Evaluate(
            value=Apply(function=Attribute(value=Local(id="self"), name=name))
        ):
            return name in ("add_module", "register_parameter", "append")
        case _:
            return False
