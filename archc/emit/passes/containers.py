"""Containers are called with their children, instead of filled by `append`.

    self.features = nn.Sequential(stem)         layers: list[nn.Module] = [stem]
    for width in widths:                        for width in widths:
        self.features.append(Block(width))          layers.append(Block(width))
        self.features.append(nn.ReLU())             layers.append(nn.ReLU())
                                                self.features = nn.Sequential(*layers)

A loop that does nothing but append is a comprehension, if it is the only one. Modules
are made in the order in which they were, and children have their numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archc.emit import rewrite
from archc.emit.annotations import indexed
from archc.emit.symbols import Symbols, wish
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
from archc.emit.usage import every, expressions, locals_in, parts, written
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Comprehension,
    Global,
    Local,
    Sequence,
    Starred,
)
from archc.spec.expressions import Expr

_CHILDREN = {
    "nn.Sequential": "nn.Module",
    "nn.ModuleList": "nn.Module",
    "nn.ParameterList": "nn.Parameter",
}
"""What each kind of container holds."""


def containers(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors make containers so."""
    return replace(
        module, classes=tuple(_class(made, symbols) for made in module.classes)
    )


def _class(made: Class, symbols: Symbols) -> Class:
    methods = tuple(
        replace(m, body=_Constructor(made.base, m, symbols).body(m.body))
        if m.name == "__init__" and any(map(_element, every(m.body)))
        else m
        for m in made.methods
    )
    return replace(made, methods=methods)


@dataclass(slots=True)
class _Filled:
    """A container that statements of one body fill."""

    container: Expr
    """`self` where the class is the container."""
    kind: str
    made: Statement
    """What creates it, and what it is called with there."""
    call: Apply
    start: int
    end: int = -1
    """Where the last child is appended."""
    items: Local | None = None
    """The list that is filled instead; None where one expression does it all."""

    def with_children(self, items: list[Argument]) -> Apply:
        """Its constructor called with these."""
        if self.kind == "nn.Sequential":
            return replace(self.call, arguments=tuple(items))
        match items:
            case [Argument(value=Starred(value=value))]:
                return replace(self.call, arguments=(Argument(value),))
            case _:
                listed = _listed(items)
                return replace(self.call, arguments=(Argument(listed),))

    def creation(self, items: list[Argument]) -> Statement:
        call = self.with_children(items)
        if isinstance(self.made, Assign):
            return replace(self.made, value=call)
        return Evaluate(call)


class _Constructor:
    """One constructor being rewritten."""

    def __init__(self, base: Expr, method: Method, symbols: Symbols) -> None:
        kind = base.name if isinstance(base, Global) else ""
        self._base = kind if kind in _CHILDREN else None
        self._symbols = symbols
        self._taken = {wish(p.local.id) for p in method.parameters}
        self._reads: Counter[str] = Counter()
        for statement in every(method.body):
            self._taken.update(map(wish, written(statement)))
            for expr in expressions(statement):
                self._reads.update(locals_in(expr))

    def body(self, statements: Body) -> Body:
        statements = tuple(self._inside(s) for s in statements)
        if self._base is not None:
            statements = _attributes_last(statements)
        filled = list(self._fitting(statements))
        if not filled:
            return statements
        return self._rewritten(statements, filled)

    def _inside(self, made: Statement) -> Statement:
        match made:
            case For(targets=targets, over=over, body=body):
                return For(targets, over, self.body(body))
            case If(test=test, body=body, orelse=orelse):
                return If(test, self.body(body), self.body(orelse))
            case _:
                return made

    # ---- what can be rewritten

    def _fitting(self, statements: Body) -> Iterator[_Filled]:
        found: dict[Expr, _Filled] = {}
        twice: set[Expr] = set()
        for number, statement in enumerate(statements):
            made = self._creation(statement, number)
            if made is not None:
                twice.update({made.container} & found.keys())
                found[made.container] = made
            for inner in every((statement,)):
                owner = _appended_to(inner)
                if owner in found:
                    found[owner].end = number
        for container, made in found.items():
            region = statements[made.start + 1 : made.end + 1]
            if region and container not in twice and _is_only_filled(made, region):
                yield made

    def _creation(self, statement: Statement, number: int) -> _Filled | None:
        match statement:
            case Assign(
                targets=(Local() | Attribute(value=Local(id="self")) as container,),
                value=Apply(function=Global(name=kind)) as call,
            ) if kind in _CHILDREN:
                pass
            case Evaluate(
                value=Apply(
                    function=Attribute(
                        value=Apply(function=Global(name="super")), name="__init__"
                    )
                ) as call
            ) if self._base is not None:
                container, kind = SELF, self._base
            case _:
                return None
        made = _Filled(container, kind, statement, call, number)
        return None if _first_children(made) is None else made

    # ---- what it becomes

    def _rewritten(self, statements: Body, filled: list[_Filled]) -> Body:
        starts = {f.start: f for f in filled}
        calls: dict[Expr, Expr] = {}
        """What stands for a container at the one place that reads it."""
        lists: dict[Expr, Local] = {}
        found: list[Statement] = []
        done = -1
        for number, statement in enumerate(statements):
            made = starts.get(number)
            if number <= done:
                pass
            elif made is None:
                found.append(_renamed(statement, lists, calls))
            else:
                first, done = _first(made, statements)
                if done == made.end:
                    found.append(_renamed(made.creation(first), lists, calls))
                    continue
                made.items = lists[made.container] = self._list_for(made)
                started = _started(made, first, statements[done + 1 : made.end + 1])
                found.append(_renamed(started, lists, calls))
            for ended in filled:
                if ended.end != number or ended.items is None:
                    continue
                children = [Argument(Starred(ended.items))]
                if self._is_read_once(ended, statements):
                    calls[ended.container] = ended.with_children(children)
                else:
                    found.append(ended.creation(children))
        return _runs_joined(tuple(found), frozenset(lists.values()))

    def _is_read_once(self, made: _Filled, statements: Body) -> bool:
        """Whether a local container is read by one statement behind those that fill it,
        and by nothing else."""
        if not isinstance(made.container, Local) or made.container == SELF:
            return False
        name = made.container.id
        filling = statements[made.start + 1 : made.end + 1]
        appended = sum(_appended_to(s) == made.container for s in every(filling))
        behind = [
            n
            for s in statements[made.end + 1 :]
            for e in expressions(s)
            for n in locals_in(e)
            if n == name
        ]
        return len(behind) == 1 and self._reads[name] == appended + 1

    def _list_for(self, made: _Filled) -> Local:
        words = ["layers", "blocks", "modules", "members"]
        if made.kind == "nn.ParameterList":
            words = ["parameters", "weights"]
        if isinstance(made.container, Local) and made.container != SELF:
            words.insert(0, f"{wish(made.container.id)}_layers")
        free = [w for w in words if w not in self._taken]
        return Local(self._symbols.fresh((free or words)[0]).id)


# ------------------------------------------------------------------------- reading


def _first_children(made: _Filled) -> list[Argument] | None:
    """The children that a container is created with; None where they have names."""
    given = made.call.arguments
    if made.kind == "nn.Sequential":
        return list(given) if all(map(_is_child, given)) else None
    match given:
        case ():
            return []
        case (Argument(value=Sequence(items=items, comments=())),):
            return list(map(Argument, items))
        case _:
            return None


def _is_child(given: Argument) -> bool:
    match given.value:
        case Starred() | Apply(function=Global(name="OrderedDict")):
            return False
        case _:
            return given.name is None


def _element(statement: Statement) -> tuple[Expr, Argument] | None:
    """The container and the child of `container.append(child)`."""
    match statement:
        case Evaluate(
            value=Apply(
                function=Attribute(value=owner, name="append"),
                arguments=(Argument(value=child, name=None),),
            ),
            comment=comment,
        ):
            return owner, Argument(child, None, comment)
        case _:
            return None


def _appended_to(statement: Statement) -> Expr | None:
    found = _element(statement)
    return None if found is None else found[0]


def _is_only_filled(made: _Filled, region: Body) -> bool:
    """Whether nothing in a region does anything to the container but append to it, nor
    to `self`, of which it is a child that keeps its place."""
    own = made.container
    of_self = own if isinstance(own, Local) else SELF
    for statement in every(region):
        allowed = 0
        if _appended_to(statement) == own:
            allowed = 1
        read = [*expressions(statement)]
        found = sum(part == of_self for expr in read for part in parts(expr))
        if found > allowed or of_self in map(Local, written(statement)):
            return False
    return True


def _attributes_last(statements: Body) -> Body:
    """What a container keeps for `forward` behind its children, which come first."""
    match statements:
        case (Evaluate() as first, *rest):
            pass
        case _:
            return statements
    kept: list[Statement] = []
    while rest and _is_kept(rest[0]):
        kept.append(rest.pop(0))
    filling = [n for n, s in enumerate(rest) if SELF in map(_appended_to, every((s,)))]
    if not kept or not filling:
        return statements
    end = filling[-1] + 1
    changed = {name for s in every(rest[:end]) for name in written(s)}
    if changed & {name for s in kept for e in expressions(s) for name in locals_in(e)}:
        return statements
    return (first, *rest[:end], *kept, *rest[end:])


def _is_kept(statement: Statement) -> bool:
    match statement:
        case Assign(targets=(Attribute(value=Local(id="self")),), value=Local()):
            return True
        case _:
            return False


# ------------------------------------------------------------------------- writing


def _first(made: _Filled, statements: Body) -> tuple[list[Argument], int]:
    """The children that a container can be created with, and the last of the statements
    that make them: all of them, or those before the first loop or condition."""
    found = _first_children(made) or []
    plain = found, made.start
    loops = 0
    for number in range(made.start + 1, made.end + 1):
        match statements[number]:
            case For(targets=targets, over=over, body=(inner,)):
                element = _element(inner)
                loops += 1
            case statement:
                element = _element(statement)
                targets, over = (), None
        if element is None or element[0] != made.container or loops > 1:
            return plain
        child = element[1]
        if over is not None:
            child = Argument(Starred(Comprehension(child.value, targets, over)))
        found = [*found, child]
        if not loops:
            plain = found, number
    return found, made.end


def _started(made: _Filled, children: list[Argument], region: Body) -> Assign:
    """The list with the first children.

    Where all are of one class, this is the type of the list.
    """
    assert made.items is not None
    listed = _listed(children)
    comment = None
    if len(children) == 1:
        comment, listed = children[0].comment, replace(listed, comments=())
    classes = {_class_of(c.value) for c in children}
    for statement in every(region):
        element = _element(statement)
        if element is not None and element[0] == made.container:
            classes.add(_class_of(element[1].value))
    annotation = None
    if not children or len(classes) > 1 or None in classes:
        annotation = indexed("list", Global(_CHILDREN[made.kind]))
    return Assign((made.items,), listed, annotation=annotation, comment=comment)


def _class_of(value: Expr) -> Expr | None:
    return value.function if isinstance(value, Apply) else None


def _listed(items: list[Argument]) -> Sequence:
    comments = tuple(i.comment for i in items)
    return Sequence(
        tuple(i.value for i in items), "[]", comments if any(comments) else ()
    )


def _renamed(
    statement: Statement, lists: dict[Expr, Local], calls: dict[Expr, Expr]
) -> Statement:
    """A statement that appends to lists instead of containers, and makes containers
    where it reads them."""
    if not lists:
        return statement

    def change(part: Expr | Argument) -> Expr | None:
        match part:
            case Attribute(value=owner, name="append") if owner in lists:
                return Attribute(lists[owner], "append")
            case Local() if part in calls:
                return calls[part]
            case _:
                return None

    return rewrite.statement(statement, change)


def _runs_joined(statements: Body, lists: frozenset[Local]) -> Body:
    """What is appended one after the other is added at once: `layers += [a, b]`."""
    found: list[Statement] = []
    run: list[Argument] = []
    owner: Expr | None = None

    def flush() -> None:
        match run, owner:
            case [], _:
                return
            case [only], Expr():
                call = Apply(Attribute(owner, "append"), (replace(only, comment=None),))
                found.append(Evaluate(call, only.comment))
            case _:
                assert owner is not None
                found.append(Assign((owner,), _listed(run), "+"))
        run.clear()

    for statement in statements:
        element = _element(statement)
        if element is not None and element[0] in lists:
            if element[0] != owner:
                flush()
                owner = element[0]
            run.append(element[1])
            continue
        flush()
        match statement:
            case For(targets=targets, over=over, body=body):
                statement = For(targets, over, _runs_joined(body, lists))
            case If(test=test, body=body, orelse=orelse):
                statement = If(
                    test, _runs_joined(body, lists), _runs_joined(orelse, lists)
                )
            case _:
                pass
        found.append(statement)
    flush()
    return tuple(found)
