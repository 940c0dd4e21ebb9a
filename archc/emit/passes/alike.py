"""Classes that are written alike are one.

A block has a class for each order of axes that its instances work on; mostly the code
is the same for all of them.

class Mlp(nn.Module): ...      becomes   class Mlp(nn.Module): ...
class Mlp2(nn.Module): ...
self.tokens = Mlp(196, 384)              self.tokens = Mlp(196, 384)
self.channels = Mlp2(768, 3072)          self.channels = Mlp(768, 3072)
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit import rewrite
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Class, Module
from archc.ops.code import Argument, Local
from archc.spec.expressions import Expr


def alike(module: Module, _: Symbols) -> Module:
    """A module without those that only repeat one before."""
    # most modules have no two that would like one name
    if len({c.wish for c in module.classes}) == len(module.classes):
        return module
    kept: dict[object, tuple[Class, tuple[str, ...]]] = {}
    classes = {c.name.key: c.name.key for c in module.classes}
    arguments: dict[str, str] = {}
    found: list[Class] = []
    for made in module.classes:
        # those that it builds stand before it, and may have become one by now
        made = _rewritten(made, rewrite.renamed(arguments, classes))
        if made.name == module.network:
            found.append(made)
            continue
        symbols = _symbols(made)
        first, same = kept.setdefault(_written(made, symbols), (made, symbols))
        if first is made:
            found.append(made)
        else:
            classes[made.name.key] = first.name.key
            arguments |= zip(symbols, same, strict=True)
    return replace(module, classes=tuple(found))


def _symbols(made: Class) -> tuple[str, ...]:
    """The symbols of a class, in the order in which they first stand in it."""
    seen: dict[str, None] = {}

    def note(part: Expr | Argument) -> None:
        match part:
            case Local(id=symbol) if "#" in symbol:
                seen[symbol] = None
            case _:
                pass

    _rewritten(made, note)
    return tuple(seen)


def _written(made: Class, symbols: tuple[str, ...]) -> object:
    """A class but for which symbols they are, and what it itself is called."""
    names = {s: f"{wish(s)}#{number}" for number, s in enumerate(symbols)}
    same = _rewritten(made, rewrite.renamed(names))
    return same.wish, same.base, same.doc, same.fields, same.methods


def _rewritten(made: Class, change: rewrite.Change) -> Class:
    methods = tuple(rewrite.method(m, change) for m in made.methods)
    return replace(made, methods=methods)
