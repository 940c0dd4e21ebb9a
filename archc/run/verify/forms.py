"""What a call is: its function and settings, in one form for all ways to write it."""

from __future__ import annotations

import inspect
from ast import literal_eval
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import resolve_name  # pyright: ignore[reportUnknownVariableType]
from torch.utils.flop_counter import flop_registry

from archc.ops.functions import Function
from archc.ops.merge.family import Merge
from archc.ops.registry import family, functions
from archc.run.verify.numbers import Form, Hole, Kind, Sizes, View
from archc.spec.expressions import is_sequence, is_tuple

_SAME = {other: f.name for f in functions().values() for other in f.also}
"""How a module writes what another one writes otherwise."""
_COMMUTATIVE = frozenset(
    function.name
    for op in family("merge")[1]
    if issubclass(op, Merge) and op.commutative
    for function in op.calls
)
# how a value is computed, but not what
_BESIDES = frozenset({"inplace", "return_indices", "_stacklevel"})
# the numbers stay, and no gradient comes back
_CUTS = frozenset({"torch.Tensor.detach", "torch.detach", "torch.Tensor.data.__get__"})
_identities: dict[Any, int] = {}


def form_of(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    tensors: list[Tensor],
    *,
    gradients: bool,
    blocks: bool,
    cast: bool,
) -> Form | None:
    """The form of a call; None for one that neither gives nor changes a tensor.

    Where it has to be found out what the function does, it is called on tensors of its
    own. `blocks` says that gradients are switched off, `cast` that mixed precision is
    on, `gradients` whether they matter.
    """
    holes = iter(map(Hole, range(len(tensors))))
    shown = _with_holes(args, holes)
    named: dict[str, Any] = {k: _with_holes(v, holes) for k, v in kwargs.items()}
    function, settings = described(func, shown, named)
    known = functions().get(function)
    form = Form(function, (), func, shown, named, ())
    form.opaque = cast
    form.blocks = blocks or (gradients and function in _CUTS)
    if not _told(form, known, settings, tensors):
        found = _tried(form, func, shown, named, tensors)
        if not found:
            return None
    if known is not None and known.writes is not None:
        # on meta tensors torch writes nothing, and says so
        written = [settings.get(name) for name in known.writes(settings)]
        places = {w.index for w in written if isinstance(w, Hole)}
        form.writes = tuple(sorted(places.union(form.writes)))
    plain = {k: v for k, v in settings.items() if k not in _BESIDES}
    form.settings = tuple(sorted(plain.items(), key=lambda item: str(item[0])))
    if known is not None and known.passes is not None and known.passes(settings):
        alike = len(form.kinds) == 1 and form.kinds[0] == _kind(tensors[0])
        form.passes = 0 if alike and not form.writes else None
    if form.blocks or cast:
        form.passes, form.views = None, (None,) * len(form.kinds)
    if known is not None and known.counted is not None:
        form.flops = _flops(known.counted, tensors, form.kinds[0].shape)
    holes_alone = [v for v in plain.values() if isinstance(v, Hole)]
    form.commutes = function in _COMMUTATIVE and len(holes_alone) == len(plain) == 2
    if known is not None and known.joins and not (form.blocks or cast or form.writes):
        dim, parts = settings["dim"], settings["tensors"]
        alone = is_tuple(parts) and [p.index for p in parts] == [*range(len(tensors))]
        form.joins = dim % len(form.kinds[0].shape) if alone else None
    types = tuple(kind.dtype for kind in form.kinds)
    settled: Any = None if form.commutes else form.settings
    try:
        form.identity = _identity(function, settled, types, form.blocks, cast)
    except TypeError:  # a setting that cannot be a key
        form.identity = _identity(function, repr(settled), types, form.blocks, cast)
    return form


def _identity(*key: Any) -> int:
    return _identities.setdefault(key, len(_identities))


def _told(
    form: Form,
    known: Function | None,
    settings: dict[Any, Any],
    tensors: list[Tensor],
) -> bool:
    """Whether an op says of the function what it does; then the form has it."""
    if known is None or known.shape is None:
        return False
    if not all(tensor.is_contiguous() for tensor in tensors):
        return False
    if any(tensor.dtype != tensors[0].dtype for tensor in tensors):
        return False
    shape = known.shape([tuple(t.shape) for t in tensors], settings)
    if shape is None:
        return False
    form.kinds = (Kind(shape, tensors[0].dtype),)
    if known.passes is not None and known.passes(settings):
        form.returns = 0
    elif settings.get("inplace") or _is_inplace(getattr(form.call, "__name__", "")):
        form.returns, form.writes = 0, (0,)
    return True


def _tried(
    form: Form,
    func: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
    tensors: list[Tensor],
) -> bool:
    """Finds out what a function does; False where it makes and changes no tensor."""
    twins = list(map(_twin, tensors))
    before = [twin._version for twin in twins]  # pyright: ignore[reportPrivateUsage]
    with torch.no_grad():
        out = func(*filled(args, twins), **filled(kwargs, twins))
    after = [twin._version for twin in twins]  # pyright: ignore[reportPrivateUsage]
    form.writes = tuple(
        i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b
    )
    results: list[Any] = []
    if isinstance(out, Tensor):
        results = [out]
    elif is_sequence(out) and out and all(isinstance(part, Tensor) for part in out):
        results, form.several = list(out), True
    elif not form.writes:
        return False
    form.kinds = tuple(map(_kind, results))
    memory = set(map(_memory, twins))
    form.aliases = any(_memory(part) in memory for part in results)
    form.views = (None,) * len(results)
    if isinstance(out, Tensor):
        same = [i for i, twin in enumerate(twins) if twin is out]
        if same:
            form.returns = same[0]
            form.passes = None if form.writes else same[0]
            return True
    if form.writes:
        return True
    if all(tensor.is_contiguous() for tensor in tensors):
        if form.aliases:
            form.views = _shown(results, twins[0])
    elif form.aliases or len(tensors) == len(results) == 1:
        form.views = _views(func, args, kwargs, tensors, len(results))
    return True


def _views(
    func: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
    tensors: list[Tensor],
    count: int,
) -> tuple[View | None, ...]:
    """The same for tensors that are not contiguous, had they been so."""
    twins = [torch.empty(t.shape, dtype=t.dtype, device="meta") for t in tensors]
    with torch.no_grad():
        try:
            out = func(*filled(args, twins), **filled(kwargs, twins))
        except RuntimeError:
            return (None,) * count
    return _shown([out] if isinstance(out, Tensor) else out, twins[0])


def _shown(results: Sequence[Tensor], x: Tensor) -> tuple[View | None, ...]:
    """Which numbers of a contiguous tensor each result shows; None if none."""
    return tuple(
        View.of(part) if _memory(part) == _memory(x) and part.dtype == x.dtype else None
        for part in results
    )


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]


def reshaped(kind: Kind) -> Form:
    """Of the same numbers in the same order, as another shape."""
    form = Form("torch.Tensor.view", (), torch.Tensor.view, (), {}, (kind,))
    form.views = (View.whole(kind.shape),)
    return form


def overwritten(kind: Kind, place: View, written: View) -> Form:
    """Of a tensor that shows memory of which another one overwrote a part.

    It reads what it was, and what the other one is now.
    """
    settings = ("place", place), ("written", written)
    args = Hole(0), Hole(1), place, written
    form = Form("overwritten", settings, _overwrite, args, {}, (kind,))
    form.identity = _identity("overwritten", settings)
    return form


def _overwrite(old: Tensor, new: Tensor, place: View, written: View) -> Tensor:
    memory = old.new_zeros(max(_end(place), _end(written)))
    memory.as_strided(*place).copy_(old)
    memory.as_strided(*written).copy_(new)
    return memory.as_strided(*place).clone()


def _end(view: View) -> int:
    last = sum((n - 1) * step for n, step in zip(view.shape, view.steps, strict=True))
    return view.start + last + 1


# ---- arguments


def _with_holes(value: Any, holes: Iterator[Hole]) -> Any:
    if isinstance(value, Tensor):
        return next(holes)
    if is_sequence(value):
        parts = [_with_holes(part, holes) for part in value]
        # a named tuple, such as a torch.Size, is called with the same all the same
        return parts if isinstance(value, list) else tuple(parts)
    return value


def filled(value: Any, tensors: list[Tensor]) -> Any:
    """Arguments with tensors in their holes."""
    if isinstance(value, Hole):
        return tensors[value.index]
    if isinstance(value, dict):
        return {k: filled(v, tensors) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [filled(part, tensors) for part in value]  # pyright: ignore[reportUnknownVariableType]
    if is_tuple(value) and not isinstance(value, View):
        return tuple(filled(part, tensors) for part in value)
    return value


def described(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[str, dict[Any, Any]]:
    """The name of a function, and its arguments by their names."""
    function, names, defaults = _signature(func)
    given: dict[Any, Any] = dict(defaults)
    if names and names[-1].startswith("*"):
        args = (*args[: len(names) - 1], _gathered(args[len(names) - 1 :]))
    for i, value in enumerate(args):
        # the first argument of a function that is written in C is its input
        name = names[i] if i < len(names) else i or "input"
        given[name.removeprefix("*") if isinstance(name, str) else name] = value
    given |= kwargs
    known = functions().get(function)
    if known is not None and known.settle is not None:
        known.settle(given)
    plain = {name: _plain(value) for name, value in given.items()}
    for name in _BY_AXIS & plain.keys():
        sizes = plain[name]
        if is_sequence(sizes) and all(isinstance(n, int) for n in sizes):
            # the same for all axes is one number
            plain[name] = sizes[0] if len({*sizes}) == 1 else sizes
    return function, plain


_BY_AXIS = frozenset({"kernel_size", "stride", "padding", "output_padding", "dilation",
                      "output_size", "size"})  # fmt: skip
"""What one number says for all axes."""


def _plain(value: Any) -> Any:
    """A setting as a key."""
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)  # pyright: ignore[reportUnknownMemberType]
    return tuple(map(_plain, value)) if is_sequence(value) else value


@cache
def _signature(
    func: Callable[..., Any],
) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    """A function's name, its arguments in their order, and their defaults."""
    function = _name(func)
    known = functions().get(function)
    if known is not None and known.signature:
        parts = [word.partition("=") for word in known.signature.split()]
        defaults = {name: literal_eval(value) for name, _, value in parts if value}
        return function, tuple(name for name, _, _ in parts), defaults
    try:
        found = inspect.signature(func).parameters
    except (TypeError, ValueError):  # written in C
        return function, (), {}
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found.values()):
        return function, (), {}
    defaults = {
        name: p.default for name, p in found.items() if p.default is not p.empty
    }
    return function, tuple(found), defaults


def _name(func: Callable[..., Any]) -> str:
    """A function's name, which its in-place form and others that do the same share."""
    name = getattr(func, "__name__", "")
    function = resolve_name(func) or name or repr(func)
    if name in ("__get__", "__set__"):
        return function
    if function not in _SAME and _is_inplace(name):
        function = function.removesuffix("_")
    return _SAME.get(function, function)


def _is_inplace(name: str) -> bool:
    return name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))


def _gathered(values: tuple[Any, ...]) -> Any:
    """Arguments of a function that takes them one by one or as one tuple."""
    return tuple(values[0]) if len(values) == 1 and is_sequence(values[0]) else values


# ---- results


def _kind(tensor: Tensor) -> Kind:
    return Kind(tuple(tensor.shape), tensor.dtype)


def _twin(tensor: Tensor) -> Tensor:
    """A tensor laid out alike, with memory of its own."""
    return torch.empty_strided(
        tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta"
    )


def _flops(counted: str, tensors: list[Tensor], shape: Sizes) -> int:
    """By the formulas of torch's counter, for what it counts in these networks."""
    x, weight = tensors[:2]
    out = torch.empty(shape, device="meta")
    if counted == "linear":
        formula = flop_registry[torch.ops.aten.mm]
        return formula(x.flatten(0, -2), weight.t(), out_val=out)
    turned = counted == "transposed convolution"
    formula = flop_registry[torch.ops.aten.convolution]
    return formula(x, weight, None, 1, 0, 1, turned, out_val=out)
