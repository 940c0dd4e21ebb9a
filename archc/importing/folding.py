"""Skips, gates and branches, found by who reads what."""

from __future__ import annotations

from collections import Counter

from archc.importing.items import (
    BranchesItem,
    Item,
    OpItem,
    Scope,
    SkipItem,
    all_items,
    lists_of,
    merges,
    settle,
)


def fold(root: Scope, outputs: list[int]) -> None:
    """Puts composite items where merges bring the paths from one value together."""
    join_concats(root)
    settle(root, outputs)
    readers = Counter(outputs)
    for item in all_items(root.items):
        if not isinstance(item, Scope):
            readers.update(item.reads)
    _fold(root, readers)
    named = outputs if len(outputs) > 1 else []
    _unfold(root, readers, named)
    _join_sums(root, readers)
    _flatten(root)
    settle(root, outputs)


_DEEP = 3
"""So many skips of one value, each in the next, are written one after the other."""


def _flatten(item: Item) -> None:
    """Writes sums with one value, taken again and again, one after the other, as where
    a recursion adds what it began with to each of its steps."""
    for items in lists_of(item):
        found: list[Item] = []
        for each in items:
            steps = _steps(each)
            if len(steps) < _DEEP:
                found.append(each)
            else:
                found += [part for step in reversed(steps) for part in step]
        items[:] = found
        for each in items:
            _flatten(each)


def _steps(item: Item) -> list[list[Item]]:
    """The steps of a recursion, the last first, each with the sum that ends it."""
    steps: list[list[Item]] = []
    while isinstance(item, SkipItem) and _is_step(item):
        inner, *rest = item.body
        begins = _is_step(inner) and inner.reads == item.reads
        body = rest if begins else item.body
        last = item.body[-1].makes[0]
        total = OpItem(None, [last, item.reads[0]], item.makes, "add", {}, False)
        steps.append([*body, total])
        item = inner
        if not begins:
            break
    return steps


def _is_step(item: Item) -> bool:
    return isinstance(item, SkipItem) and item.op == "add" and not item.shortcut


def _fold(scope: Scope, readers: Counter[int]) -> None:
    found: list[Item] = []
    for item in scope.items:
        if isinstance(item, Scope):
            _fold(item, readers)
        found.append(item)
        if merges(item):
            _fold_last(found, readers)
    scope.items = found


def _unfold(scope: Scope, readers: Counter[int], outputs: list[int]) -> None:
    """Opens branches up whose merge needs a name, because it is read more than once:
    the name of branches would open a scope."""
    found: list[Item] = []
    for n, item in enumerate(scope.items):
        if isinstance(item, Scope):
            _unfold(item, readers, outputs)
        ends_module = scope.path and n == len(scope.items) - 1
        if isinstance(item, BranchesItem) and not ends_module:
            (made,) = item.makes
            if readers[made] > 1 or made in outputs:
                found += _opened(item)
                continue
        found.append(item)
    scope.items = found


def _opened(item: BranchesItem) -> list[Item]:
    """What stands in branches, and the op that merges it."""
    found: list[Item] = []
    reads: list[int] = []
    for branch in item.branches:
        passes = isinstance(branch[0], OpItem) and branch[0].op == "identity"
        reads.append(item.reads[0] if passes else branch[-1].makes[0])
        found += [] if passes else branch
    return [*found, OpItem(None, reads, item.makes, item.op, {}, False)]


def _fold_last(items: list[Item], readers: Counter[int]) -> None:
    """Makes one item of the merge that comes last and of the paths to it."""
    merge = items[-1]
    assert isinstance(merge, OpItem)
    start = len(items) - 1
    made: set[int] = set()
    while start > 0:
        start -= 1
        made.update(items[start].makes)
        segment = items[start:-1]
        reads = [v for item in (*segment, merge) for v in _reads(item)]
        entries = {v for v in reads if v not in made}
        if len(entries) > 1:
            continue
        if len(entries) != 1:
            return
        (entry,) = entries
        inside = Counter(reads)
        if any(readers[v] != inside[v] for v in made):
            return
        paths = [_path(v, segment) for v in merge.reads]
        taken = [item for path in paths for item in path]
        if len(taken) != len({*map(id, taken)}) or len(taken) != len(segment):
            return
        if not all(_fits(path, entry) for path in paths):
            return
        del items[start:]
        # a value of which only an outer item knows is read by it
        readers[entry] -= inside[entry] - 1
        for v in made:
            del readers[v]
        items.append(_composite(merge, entry, paths))
        return


def _join_sums(item: Item, readers: Counter[int]) -> None:
    """Writes sums of a sum, which nothing else reads, as one of all, where they are
    taken in that order."""
    for items in lists_of(item):
        sums: dict[int, OpItem] = {}
        gone: set[int] = set()
        for each in items:
            _join_sums(each, readers)
            if not (isinstance(each, OpItem) and each.op == "add"):
                continue
            first = sums.get(each.reads[0])
            if first is not None and readers[each.reads[0]] == 1:
                each.reads[:1] = first.reads
                gone.add(id(first))
            sums[each.makes[0]] = each
        items[:] = [each for each in items if id(each) not in gone]


def _reads(item: Item) -> list[int]:
    return list(item.reads)


def _path(value: int, segment: list[Item]) -> list[Item]:
    """What in the segment a value is made by, in order."""
    wanted = {value}
    found: list[Item] = []
    for item in reversed(segment):
        if wanted.intersection(item.makes):
            found.append(item)
            wanted.update(_reads(item))
    return found[::-1]


def _fits(path: list[Item], entry: int) -> bool:
    """Whether a path may stand alone: what it reads first is what all read."""
    return not path or path[0].reads[:1] == [entry]


def _composite(merge: OpItem, entry: int, paths: list[list[Item]]) -> Item:
    if len(paths) == 2:
        first, second = paths
        op = merge.op
        if not second and first and op in ("add", "mul"):
            return SkipItem(None, [entry], merge.makes, op, first, [])
        if not first and second:
            return SkipItem(None, [entry], merge.makes, op, second, [])
        # paths of one class are branches, whatever they hold
        unlike = [*map(_kind, first)] != [*map(_kind, second)]
        if op == "add" and unlike and _size(first) != _size(second):
            body, way = sorted(paths, key=_size, reverse=True)
            return SkipItem(None, [entry], merge.makes, op, body, way)
    filled = [path or [_identity(entry, merge)] for path in paths]
    return BranchesItem(None, [entry], merge.makes, merge.op, filled)


def _kind(item: Item) -> str:
    """What an item is, whatever its numbers are."""
    if isinstance(item, Scope) and item.class_name.endswith(".Sequential"):
        return " ".join(map(_kind, item.items))
    if isinstance(item, Scope):
        return item.class_name
    return item.op if isinstance(item, OpItem) else type(item).__name__


def _identity(entry: int, merge: OpItem) -> OpItem:
    return OpItem(None, [entry], [-merge.makes[0] - 1], "identity", {}, False)


def _size(items: list[Item]) -> int:
    return sum(1 for item in all_items(items) if isinstance(item, OpItem))


def join_concats(root: Scope) -> None:
    """Writes a concat that begins as another one as a concat of that.

    So are networks said in which each layer reads all before it: where a module joins
    what it is given first of all, that is done before it.
    """
    known: dict[tuple[int, ...], int] = {}
    same: dict[int, int] = {}

    def visit(scope: Scope) -> None:
        found: list[Item] = []
        for item in scope.items:
            if isinstance(item, Scope):
                visit(item)
                while item.items and _leads(item, item.items[0]):
                    found.append(item.items.pop(0))
                if item.items:
                    found.append(item)
                continue
            item.reads = [same.get(v, v) for v in item.reads]
            if isinstance(item, OpItem) and item.op == "concat":
                whole = tuple(item.reads)
                if whole in known:
                    same[item.makes[0]] = known[whole]
                    continue
                for length in range(len(whole) - 1, 1, -1):
                    if whole[:length] in known:
                        item.reads = [known[whole[:length]], *whole[length:]]
                        break
                known[whole] = item.makes[0]
            found.append(item)
        scope.items = found

    def _leads(scope: Scope, first: Item) -> bool:
        if not (
            isinstance(first, OpItem) and first.op == "concat" and first.path is None
        ):
            return False
        made = {
            v
            for i in all_items(scope.items)
            if not isinstance(i, Scope)
            for v in i.makes
        }
        others = {v for i in all_items(scope.items[1:]) for v in i.reads}
        return not made.intersection(first.reads) and not others.intersection(
            first.reads
        )

    visit(root)
    for item in all_items(root.items):
        item.reads = [same.get(v, v) for v in item.reads]
