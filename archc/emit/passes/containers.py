"""Containers are called with their children, instead of filled by `append`.

    self.features = nn.Sequential(stem)         layers: list[nn.Module] = [stem]
    for width in widths:                        for width in widths:
        self.features.append(Block(width))          layers.append(Block(width))
        self.features.append(nn.ReLU())             layers.append(nn.ReLU())
                                                self.features = nn.Sequential(*layers)

A loop that does nothing but append is a comprehension: within the call, if it is the
only one, or else as `layers += [Block(width) for _ in range(depth)]`. Modules are made
in the order in which they were, and children have their numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.annotations import indexed
from archc.emit.passes.filling import (
    CHILDREN,
    Filled,
    appended_to,
    children_of,
    element_of,
    first_children,
    is_only_filled,
    listed,
)
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
from archc.emit.usage import every, expressions, locals_in, written
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Comprehension,
    Global,
    Local,
    Starred,
)
from archc.spec.expressions import Expr


def containers(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors make containers so."""
    return replace(
        module, classes=tuple(_class(made, symbols) for made in module.classes)
    )


def expressed(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors make a local container by one expression where they
    can, so that it may stand where it is put into another one."""
    return replace(
        module,
        classes=tuple(_class(made, symbols, whole=True) for made in module.classes),
    )


def _class(made: Class, symbols: Symbols, *, whole: bool = False) -> Class:
    methods = tuple(
        replace(m, body=_Constructor(made.base, m, symbols, whole).body(m.body))
        if m.name == "__init__" and any(map(element_of, every(m.body)))
        else m
        for m in made.methods
    )
    return replace(made, methods=methods)


class _Constructor:
    """One constructor being rewritten."""

    def __init__(
        self, base: Expr, method: Method, symbols: Symbols, whole: bool
    ) -> None:
        kind = base.name if isinstance(base, Global) else ""
        self._base = kind if kind in CHILDREN and not whole else None
        self._whole = whole
        """Whether only local containers are made, and those by one expression."""
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

    def _fitting(self, statements: Body) -> Iterator[Filled]:
        found: dict[Expr, Filled] = {}
        twice: set[Expr] = set()
        for number, statement in enumerate(statements):
            made = self._creation(statement, number)
            if made is not None:
                twice.update({made.container} & found.keys())
                found[made.container] = made
            for inner in every((statement,)):
                owner = appended_to(inner)
                if owner in found:
                    found[owner].end = number
        for container, made in found.items():
            region = statements[made.start + 1 : made.end + 1]
            if not region or (self._whole and not _is_whole(made, statements)):
                continue
            if container not in twice and is_only_filled(container, region):
                yield made

    def _creation(self, statement: Statement, number: int) -> Filled | None:
        match statement:
            case Assign(
                targets=(Local() | Attribute(value=Local(id="self")) as container,),
                value=Apply(function=Global(name=kind)) as call,
            ) if kind in CHILDREN:
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
        made = Filled(container, kind, statement, call, number)
        return None if first_children(made) is None else made

    # ---- what it becomes

    def _rewritten(self, statements: Body, filled: list[Filled]) -> Body:
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
                started_with, done = children_of(made, statements)
                if done == made.end:
                    found.append(_renamed(made.creation(started_with), lists, calls))
                    continue
                made.items = lists[made.container] = self._list_for(made)
                rest = statements[done + 1 : made.end + 1]
                started = _started(made, started_with, rest)
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

    def _is_read_once(self, made: Filled, statements: Body) -> bool:
        """Whether a local container is read by one statement behind those that fill it,
        and by nothing else."""
        if not isinstance(made.container, Local) or made.container == SELF:
            return False
        name = made.container.id
        filling = statements[made.start + 1 : made.end + 1]
        appended = sum(appended_to(s) == made.container for s in every(filling))
        behind = [
            n
            for s in statements[made.end + 1 :]
            for e in expressions(s)
            for n in locals_in(e)
            if n == name
        ]
        return len(behind) == 1 and self._reads[name] == appended + 1

    def _list_for(self, made: Filled) -> Local:
        words = ["layers", "blocks", "modules", "members"]
        if made.kind == "nn.ParameterList":
            words = ["parameters", "weights"]
        if isinstance(made.container, Local) and made.container != SELF:
            words.insert(0, f"{wish(made.container.id)}_layers")
        free = [w for w in words if w not in self._taken]
        return Local(self._symbols.fresh((free or words)[0]).id)


def _is_whole(made: Filled, statements: Body) -> bool:
    return isinstance(made.container, Local) and (
        children_of(made, statements)[1] == made.end
    )


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
    filling = [n for n, s in enumerate(rest) if SELF in map(appended_to, every((s,)))]
    if not kept or not filling:
        return statements
    end = filling[-1] + 1
    if not is_only_filled(SELF, tuple(rest[:end])):
        return statements
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


def _started(made: Filled, children: list[Argument], region: Body) -> Assign:
    """The list with the first children.

    Where all are of one class, this is the type of the list.
    """
    assert made.items is not None
    items = listed(children)
    comment = None
    if len(children) == 1:
        comment, items = children[0].comment, replace(items, comments=())
    classes = {_class_of(c.value) for c in children}
    for statement in every(region):
        element = element_of(statement)
        if element is not None and element[0] == made.container:
            classes.add(_class_of(element[1].value))
    annotation = None
    if not children or len(classes) > 1 or None in classes:
        annotation = indexed("list", Global(CHILDREN[made.kind]))
    return Assign((made.items,), items, annotation=annotation, comment=comment)


def _class_of(value: Expr) -> Expr | None:
    return value.function if isinstance(value, Apply) else None


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


def _added(made: Statement, lists: frozenset[Local]) -> tuple[Local, Expr] | None:
    """The list and the child, where a statement does no more than to append."""
    match element_of(made):
        case (Local() as owner, Argument(value=child, comment=None)) if (
            owner in lists and owner.id not in locals_in(child)
        ):
            return owner, child
        case _:
            return None


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
                found.append(Assign((owner,), listed(run), "+"))
        run.clear()

    for statement in statements:
        element = element_of(statement)
        if element is not None and element[0] in lists:
            if element[0] != owner:
                flush()
                owner = element[0]
            run.append(element[1])
            continue
        flush()
        match statement:
            case For(targets=targets, over=over, body=(inner,)) if added := _added(
                inner, lists
            ):
                owner, child = added
                statement = Assign((owner,), Comprehension(child, targets, over), "+")
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
