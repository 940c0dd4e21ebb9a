"""A trace, as it is made from nodes, with the weights under its keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archc.importing.onnx.naming import Naming
from archc.importing.onnx.scopes import Chain, Module
from archc.importing.trace import (
    BATCH,
    Call,
    Param,
    Place,
    Sizes,
    Tensor,
    Trace,
    Use,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Known:
    """A value that depends on no input."""

    array: NDArray[Any]
    name: str = ""
    """Of the initialiser that it comes from."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A value of the trace."""

    number: int
    axes: Sizes
    """Which axis of the trace's value each axis is: a transposition is only noted."""

    @property
    def is_plain(self) -> bool:
        return self.axes == tuple(range(len(self.axes)))


@dataclass(slots=True, eq=False)
class Drawing:
    """A trace to be."""

    trace: Trace
    naming: Naming
    file: str
    batch: int
    """How many samples the file reads at once; those of a trace where it says none."""
    weights: dict[str, Any] = field(default_factory=dict[str, Any])
    """Arrays by key."""
    sizes: list[Sizes] = field(default_factory=list[Sizes])
    """Of each value, with the file's batch."""
    makers: dict[int, int] = field(default_factory=dict[int, int])
    """The call that makes a value."""
    chain: Chain = ()
    """The modules around the node that is drawn."""
    name: str = ""
    """The node's."""
    is_open: bool = False
    """Whether the file takes maps of other sizes too."""
    lost_sizes: set[str] = field(default_factory=set[str])
    """The file's names of what depends on the shapes of what is refused, and on no
    numbers of it."""
    folded: set[str] = field(default_factory=set[str])
    """The paths of convolutions with the batch norm behind them in their weights."""
    spread: set[str] = field(default_factory=set[str])
    """The paths of batch norms that are only a factor and a summand in the file."""
    _open: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.trace.uses.append(Use("", self.trace.class_name, -1))

    def value(self, sizes: Sequence[int]) -> int:
        """A new value; its sizes are those of the file."""
        own = tuple(int(size) for size in sizes)
        self.sizes.append(own)
        first = BATCH if own and own[0] == self.batch else (own[0] if own else 0)
        self.trace.shapes.append((first, *own[1:]))
        return len(self.sizes) - 1

    def tensor(self, key: str, array: Any, *, trained: bool = True) -> Param:
        """A tensor of the network."""
        fill = None
        if array.ndim == 1 or array.size == max(array.shape, default=0):
            first = float(array.flat[0]) if array.size else 0.0
            fill = float(f"{first:.6g}") if (array == first).all() else None
        self.trace.tensors[key] = Tensor(tuple(array.shape), trained, fill)
        self.weights[key] = array
        return Param(key)

    def call(
        self,
        function: str,
        settings: dict[str, Any],
        *sizes: Sequence[int],
        path: str | None = None,
    ) -> int:
        """Adds a call that makes values of these sizes; the first one.

        `path` is the module of its tensors, if it has any.
        """
        made = tuple(self.value(each) for each in sizes)
        use = self._use(self.chain if path is None else self._around(path))
        place = Place(self.file, 0) if not self.name else Place(self.name, 0)
        self.trace.calls.append(Call(function, settings, made, use, place))
        for number in made:
            self.makers[number] = len(self.trace.calls) - 1
        return made[0]

    def change(self, number: int, **settings: Any) -> None:
        """Changes the settings of the call that makes a value."""
        at = self.makers[number]
        call = self.trace.calls[at]
        self.trace.calls[at] = replace(call, settings=call.settings | settings)

    def move(self, number: int, path: str) -> None:
        """Puts the call that makes a value around the module with its tensors."""
        at = self.makers[number]
        call, uses = self.trace.calls[at], self.trace.uses
        if uses[call.use].path == path:
            self.trace.calls[at] = replace(call, use=uses[call.use].parent)

    def maker(self, number: int) -> Call | None:
        """The call that makes a value; None for an input."""
        at = self.makers.get(number)
        return None if at is None else self.trace.calls[at]

    # ---- modules

    def _around(self, path: str) -> Chain:
        """The modules around one with tensors: those that it stands in by its name, of
        the node's or of those that are not left yet."""
        left = [self.trace.uses[n] for n in self._open]
        inside = (
            [m for m in modules if path.startswith(f"{m.path}.")]
            for modules in (self.chain, [Module(u.path, u.class_name) for u in left])
        )
        return tuple(max(inside, key=len))

    def _use(self, chain: Chain) -> int:
        """The use of the innermost module, which goes on as long as it is not left."""
        uses = self.trace.uses
        depth = 0
        while (
            depth < min(len(chain), len(self._open))
            and uses[self._open[depth]].path == chain[depth].path
        ):
            depth += 1
        del self._open[depth:]
        for module in chain[depth:]:
            parent = self._open[-1] if self._open else 0
            uses.append(Use(module.path, module.class_name, parent))
            self._open.append(len(uses) - 1)
            self.trace.containers[module.path] = module.class_name
        return self._open[-1] if self._open else 0

    def settle(self) -> None:
        """Opens up modules that are left and entered again with other tensors in them,
        or of which some stand elsewhere: their nodes do not stand together."""
        uses = self.trace.uses
        keys: list[set[str]] = [set() for _ in uses]
        outside: set[str] = set()
        for call in self.trace.calls:
            own = {v.key for v in call.settings.values() if isinstance(v, Param)}
            around = {parent for key in own for parent in _parents(key)}
            at = call.use
            while at >= 0:
                keys[at] |= own
                around.discard(uses[at].path)
                at = uses[at].parent
            outside |= around
        by_path: dict[str, list[int]] = {}
        for n, use in enumerate(uses[1:], 1):
            by_path.setdefault(use.path, []).append(n)
        broken = {
            n for path, same in by_path.items() for n in same
            if path in outside or any(keys[n] != keys[other] for other in same)
        }  # fmt: skip

        def standing(use: int) -> int:
            while use in broken:
                use = uses[use].parent
            return use

        for n, call in enumerate(self.trace.calls):
            self.trace.calls[n] = replace(call, use=standing(call.use))
        for use in uses[1:]:
            use.parent = standing(use.parent)


def _parents(key: str) -> list[str]:
    """The modules around the one that has a tensor."""
    parts = key.split(".")[:-2]
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
