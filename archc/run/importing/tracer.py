"""What a live module computes, recorded while it runs on tensors without values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archc.importing.modules import is_whole
from archc.importing.opaque import OPAQUE
from archc.importing.trace import (
    BATCH,
    Call,
    Param,
    Place,
    Refusal,
    Trace,
    Use,
    Value,
)
from archc.importing.trace import Tensor as TensorOf
from archc.run.importing.constructing import Unmade, constructed, given_by
from archc.run.importing.places import place, raised
from archc.run.importing.tensors import (
    Held,
    held_by,
    in_mode,
    lending,
    named_tensors_in,
    parts_of,
    tensors_in,
)
from archc.run.importing.unlike import TWICE, computed_weights, eagerly, unlike_specs
from archc.run.importing.values import Values
from archc.run.verify.forms import described
from archc.spec.expressions import is_sequence
from archc.spec.identifiers import of_output

# asked all the time, and never a tensor
_GETTERS = frozenset(
    [getattr(Tensor, name).__get__
     for name in ("shape", "dtype", "device", "ndim", "requires_grad", "is_meta",
                  "is_leaf", "grad", "layout", "is_cuda", "is_quantized")]
    + [getattr(Tensor, name)
       for name in ("dim", "size", "numel", "is_contiguous", "is_floating_point",
                    "is_complex", "stride", "ndimension", "__len__", "element_size")]
)  # fmt: skip
# what makes tensors of nothing; these have no values either
_FACTORIES = frozenset(
    [torch.zeros, torch.ones, torch.empty, torch.full, torch.eye, torch.arange,
     torch.linspace, torch.rand, torch.randn, torch.tensor]
)  # fmt: skip
# what is asked of the numbers themselves, and what is answered so that it goes on
_NUMBERS: dict[str, Any] = {
    "__bool__": False, "__int__": 1, "__float__": 1.0, "__index__": 1, "item": 1.0,
    "tolist": [], "is_nonzero": False, "equal": False, "allclose": False,
    "__contains__": False,
}  # fmt: skip
_BY_NUMBERS = frozenset({"nonzero", "unique", "masked_select", "argwhere", "numpy"})
_COARSE = (torch.float16, torch.bfloat16)
_PLAIN = (bool, int, float, str, type(None))
_MOST_CALLS = 50_000
_MOST_ASKED = 100
"""So many times numbers are made up; more are asked for in a loop over samples."""


class Stopped(Exception):
    """The trace goes no further; why is in its refusals."""


def trace(
    module: nn.Module,
    name: str,
    inputs: Mapping[str, Sequence[int]],
    *,
    training: bool = False,
    opaque: Collection[str] = (),
) -> Trace:
    """What `module` computes of inputs with these shapes (without the batch).

    The module is as it was afterwards: its tensors are only lent others without values.
    What it does that no spec can say is in the trace's `refused`. Modules at the paths
    in `opaque` stay what they are: what they call is not looked at.
    """
    found = Trace(name, _class(module), training)
    tracer = _Tracer(module, found, opaque)
    given = {n: torch.empty((BATCH, *s), device="meta") for n, s in inputs.items()}
    found.inputs = {n: tracer.values.made(x) for n, x in given.items()}
    try:
        with eagerly(), torch.no_grad(), in_mode(module, training), tracer.lending():
            if not found.refused:
                with tracer.following(), tracer:
                    out = module(*given.values())
                found.outputs = tracer.named(out)
    except Stopped:
        pass
    except Exception as error:
        tracer.failed(error)
    return found


def input_names(module: nn.Module) -> list[str]:
    """What `forward` calls the tensors that it must be given."""
    try:
        given = inspect.signature(module.forward).parameters.values()
    except ValueError:
        return []  # of compiled code; the trace says so
    positional = (
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.POSITIONAL_ONLY,
    )
    return [p.name for p in given if p.kind in positional and p.default is p.empty]


class _Tracer(TorchFunctionMode):
    """Records calls of torch's functions and of modules while it is on."""

    def __init__(
        self, module: nn.Module, found: Trace, opaque: Collection[str]
    ) -> None:
        super().__init__()
        self._module = module
        self._found = found
        self._paths = {part: path for path, part in parts_of(module)}
        self._stack: list[int] = []
        self._whole = 0
        """How many modules that are known as a whole are running."""
        self._asked_for = 0
        self._opaque = {
            path: deepcopy(part) for part, path in self._paths.items() if path in opaque
        }
        """Modules that stay what they are, with their values."""
        self.values = Values(found.shapes, self.refuse)
        found.containers = {path: _class(part) for part, path in self._paths.items()}

    # ---- the module's own tensors

    def lending(self) -> AbstractContextManager[None]:
        """While it lasts, the module has tensors without values."""
        for path, reason, mend in unlike_specs(self._module):
            self._refused(path, reason, mend=mend)
        for path, reason, mend in computed_weights(self._module):
            if not any(path == p or path.startswith(f"{p}.") for p in self._opaque):
                self._refused(path, reason, mend=mend)
        if self._found.refused:
            return nullcontext()
        keys: dict[int, str] = {}
        for each in held_by(self._module):
            first = keys.setdefault(id(each.tensor), each.key)
            if first != each.key:
                also = f"its `{each.name}` is also `{first}`"
                self._refused(
                    each.path, f"{also}, and no spec gives a tensor to two", mend=TWICE
                )
            if each.saved:
                self._found.tensors[each.key] = _described(each.tensor)
        return lending(self._module, self._twin)

    def _twin(self, held: Held) -> Tensor:
        twin = torch.empty_like(held.tensor, device="meta")
        if isinstance(held.tensor, nn.Parameter):
            twin = nn.Parameter(twin, requires_grad=held.tensor.requires_grad)
        self.values.name(twin, Param(held.key))
        return twin

    # ---- modules

    @contextmanager
    def following(self) -> Generator[None]:
        """While it lasts, calls of the module's parts are noted."""
        plain = nn.Module.__call__

        def called(part: nn.Module, *args: Any, **kwargs: Any) -> Any:
            path = self._paths.get(part)
            if path is None or self._whole:
                return plain(part, *args, **kwargs)
            return self._called(part, path, plain, args, kwargs)

        compiled: Any = torch.jit.ScriptFunction
        hidden = compiled.__call__

        def asked(function: Any, *args: Any, **kwargs: Any) -> Any:
            self.refuse(f"`{function.name}` is compiled by torch.jit, which hides its"
                        " calls")  # fmt: skip
            self._whole += 1
            try:
                out = hidden(function, *args, **kwargs)
            finally:
                self._whole -= 1
            for tensor in tensors_in((out,)):
                self.values.made(tensor)
            return out

        nn.Module.__call__ = called
        compiled.__call__ = asked
        try:
            yield
        finally:
            nn.Module.__call__ = plain
            compiled.__call__ = hidden

    def _called(
        self,
        part: nn.Module,
        path: str,
        plain: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        parent = self._stack[-1] if self._stack else -1
        use = Use(path, _class(part), parent)
        self._found.uses.append(use)
        self._stack.append(len(self._found.uses) - 1)
        reads = self.values.numbers((*args, *kwargs.values()))
        use.reads = tuple(reads)
        if path in self._opaque:
            out = self._as_it_is(part, path, (*args, *kwargs.values()))
            use.makes = tuple(self.values.numbers((out,)))
            self._stack.pop()
            return out
        whole = next((c for c in _classes(type(part)) if is_whole(c, part)), None)
        if whole is None:
            out = plain(part, *args, **kwargs)
        else:
            self._whole += 1
            try:
                out = plain(part, *args, **kwargs)
                out = self._whole_call(part, path, whole, args, out)
            finally:
                self._whole -= 1
        use.makes = tuple(self.values.numbers((out,)))
        self._stack.pop()
        return out

    def _whole_call(
        self, part: nn.Module, path: str, whole: str, args: tuple[Any, ...], out: Any
    ) -> Any:
        """Notes the call of a module that is known as a whole."""
        if not args or not all(isinstance(x, Tensor) for x in (*args, out)):
            self.refuse(f"{whole} is called otherwise than it is known")
            raise Stopped
        (x, *_) = args
        if any(out is arg for arg in args):
            out = out.view_as(out)
        settings = {
            name: value
            for name, value in vars(part).items()
            if isinstance(value, _PLAIN) or _is_sizes(value)
        }
        prefix = f"{path}." if path else ""
        settings |= {
            name: Param(prefix + name)
            for name in (*part._parameters, *part._buffers)  # pyright: ignore[reportPrivateUsage]
            if getattr(part, name) is not None
        }
        settings["path"] = path
        settings["input"] = self.values.held(x)
        self._note(whole, settings, (self.values.made(out),))
        return out

    def _as_it_is(self, part: nn.Module, path: str, given: tuple[Any, ...]) -> Tensor:
        """Notes the call of a module that stays what it is."""
        self._whole += 1
        try:
            if len(given) != 1 or not isinstance(given[0], Tensor):
                raise Unmade("it reads something else than one value")
            (x,) = given
            class_name, arguments = constructed(part)
            out = given_by(part, self._opaque[path], x)
            made = self.values.made(out)
        except Unmade as error:
            self.refuse(f"it cannot be an op of the spec's own: {error}")
            raise Stopped from None
        finally:
            self._whole -= 1
        settings: dict[str, Any] = {
            "path": path, "input": self.values.held(x), "class": class_name,
            "arguments": arguments,
        }  # fmt: skip
        self._note(OPAQUE, settings, (made,))
        return out

    # ---- functions

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _GETTERS or self._whole:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in _NUMBERS or name in _BY_NUMBERS:
            return self._asked(name, args)
        if func in _FACTORIES:
            kwargs = {**kwargs, "device": "meta"}
        tensors = list(tensors_in((*args, *kwargs.values())))
        if name == "__getitem__" and any(t.dtype == torch.bool for t in tensors[1:]):
            self.refuse("it takes a part of a tensor by a mask, so that what it"
                        " computes depends on the data")  # fmt: skip
            raise Stopped
        before = [t._version for t in tensors]  # pyright: ignore[reportPrivateUsage]
        held = self._encoded(args), {k: self._encoded(v) for k, v in kwargs.items()}
        out = func(*args, **kwargs)
        after = [t._version for t in tensors]  # pyright: ignore[reportPrivateUsage]
        written = [t for t, a, b in zip(tensors, before, after, strict=True) if a != b]
        made = list(tensors_in((out,)))
        if not made and not written:
            return out
        for tensor in made:
            if tensor.dtype in _COARSE:
                dtype = str(tensor.dtype).removeprefix("torch.")
                self.refuse(f"it computes in {dtype}, and specs in float32")
        if all(isinstance(self.values.known(t), Param) for t in written) and written:
            return out  # counts of batches, statistics: they are the module's own
        if not written and any(out is t for t in tensors):
            # what it gives is what it reads, in this mode; in another it is not
            out = out.view_as(out)
            made = [out]
        function, settings = described(func, *held)
        settings = {str(k): v for k, v in settings.items()}
        results = [
            self.values.made(t) for t in made if all(t is not w for w in written)
        ]
        for tensor in written:
            results.append(self.values.overwritten(tensor))
        self._note(function, settings, tuple(results))
        return out

    def _asked(self, name: str, args: tuple[Any, ...]) -> Any:
        """What Python asks of a tensor's numbers: there are none."""
        held = self.values.known(args[0]) if args else None
        if isinstance(held, Param) and held.key.endswith("num_batches_tracked"):
            return 1.0
        shown = name.strip("_")
        self.refuse(f"it asks for the numbers of a tensor ({shown}), so that what it"
                    " computes depends on the data")  # fmt: skip
        self._asked_for += 1
        if name in _BY_NUMBERS or self._asked_for > _MOST_ASKED:
            raise Stopped
        return _NUMBERS[name]

    def _encoded(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.values.held(value)
        if isinstance(value, slice):
            plain = cast("slice[Any, Any, Any]", value)
            return slice(*map(self._encoded, (plain.start, plain.stop, plain.step)))
        if is_sequence(value):
            return tuple(map(self._encoded, value))
        if isinstance(value, _PLAIN) or value is Ellipsis:
            return value
        return str(value)

    def _note(
        self, function: str, settings: dict[str, Any], makes: tuple[int, ...]
    ) -> None:
        if len(self._found.calls) >= _MOST_CALLS:
            self.refuse(f"it makes more than {_MOST_CALLS:,} calls, as one for each"
                        " sample of a batch")  # fmt: skip
            raise Stopped
        use = self._stack[-1] if self._stack else -1
        self._found.calls.append(Call(function, settings, makes, use, place()))

    def named(self, out: Any) -> dict[str, int]:
        """The network's outputs by name."""
        found: dict[str, int] = {}
        for name, tensor in named_tensors_in(out):
            held = self.values.held(tensor)
            if isinstance(held, Value):
                found[_field(name, found)] = held.number
        if not found:
            self.refuse(f"it returns {type(out).__name__}, and no tensor")
        return found

    # ---- refusals

    def refuse(self, reason: str) -> None:
        """Notes what no spec says, at the line that is running."""
        if not self._stack:
            self._refused("", reason)
            return
        self._refused(self._found.uses[self._stack[-1]].path, reason, place())

    def _refused(
        self, path: str, reason: str, at: Place | None = None, mend: str = ""
    ) -> None:
        where = (at.file, at.line) if at is not None else ("", 0)
        refusal = Refusal(path, reason, *where, mend=mend)
        if refusal not in self._found.refused:
            self._found.refused.append(refusal)

    def failed(self, error: Exception) -> None:
        """The forward pass raised an error, which tells something only where nothing
        was refused before: what it computes then may be made up."""
        if self._found.refused:
            return
        path = self._found.uses[self._stack[-1]].path if self._stack else ""
        at = raised(error.__traceback__) or Place("", 0)
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        reason = f"its forward pass fails on tensors without values: {said}"
        shapes = [self._found.shapes[n][1:] for n in self._found.inputs.values()]
        given = " and ".join("x".join(map(str, shape)) for shape in shapes)
        mend = f"it was given {BATCH} samples of {given}; --input says another shape"
        self._found.refused.append(Refusal(path, reason, at.file, at.line, mend))


def _field(name: str, taken: Collection[str]) -> str:
    """What a spec calls an output of this name; the only one has none."""
    if not name:
        return name
    near = re.sub(r"\W", "_", name).strip("_")
    near = near if near[:1].isalpha() else f"output{near}"
    while near in taken or of_output(near) is not None:
        near += "_"
    return near


def _described(tensor: Tensor) -> TensorOf:
    shape = tuple(tensor.shape)
    fill = None
    if len(shape) <= 4 and tensor.numel() and tensor.numel() == max(shape, default=1):
        values = tensor.detach()
        if not values.is_meta and bool((values == values.flatten()[0]).all()):
            # as it was written before it was a float32
            fill = float(f"{float(values.flatten()[0]):.6g}")
    return TensorOf(shape, isinstance(tensor, nn.Parameter), fill)


def _class(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


@cache
def _classes(cls: type) -> tuple[str, ...]:
    """A class and those that it takes `forward` from."""
    forward = getattr(cls, "forward", None)
    return tuple(
        f"archc.{c.__qualname__}"
        if c.__module__.startswith("archc_")
        else f"{c.__module__}.{c.__qualname__}"
        for c in cls.__mro__
        if getattr(c, "forward", None) is forward
    )


def _is_sizes(value: Any) -> bool:
    return is_sequence(value) and all(isinstance(part, _PLAIN) for part in value)
