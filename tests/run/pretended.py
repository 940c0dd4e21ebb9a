"""A GPU that is not there: tensors say that they are on it, and the CPU computes.

Like a real one it refuses what reads tensors of both, generators of the CPU, and to be
read as NumPy; and as with TF32, and sums in no fixed order, no convolution gives the
same twice, if that is asked for. What torch compiles, and what depends on the CUDA
libraries, is not seen so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

GPU = torch.device("cuda", 0)
_ATEN = torch.ops.aten
_CONVOLUTIONS = {_ATEN.convolution.default: 2, _ATEN.convolution_backward.default: 3}
"""With how many of their arguments are rounded."""
_INDEXED = (
    _ATEN.index.Tensor, _ATEN.index_put.default, _ATEN.index_put_.default,
    _ATEN._index_put_impl_.default,
)  # fmt: skip
"""Which take indices from the CPU."""
_TWO = "Expected all tensors to be on the same device, but found cuda:0 and cpu"


class _State:
    """Of the GPU."""

    rounds = False
    pickled = 0
    """Tensors that were pickled as those of a GPU."""


class Distant(Tensor):
    """A tensor of the GPU; `near` holds its numbers."""

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> Distant:
        made: Any = Tensor._make_wrapper_subclass(
            cls, near.shape, strides=near.stride(), dtype=near.dtype, device="cpu",
            storage_offset=near.storage_offset(),
        )  # fmt: skip
        made.near = near.detach()
        return made

    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def __repr__(self) -> str:
        return f"{self.near!r} on the GPU"

    def __format__(self, form: str) -> str:
        return format(self.near, form)

    def tolist(self) -> Any:
        return self.near.tolist()

    def numpy(self, *arguments: Any, **named: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __reduce_ex__(self, protocol: Any) -> Any:
        _State.pickled += 1
        return self.near.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _computed(func, args, kwargs or {})


def _computed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    far = [t for t in tensors if isinstance(t, Distant)]
    _check(func, args, tensors, kwargs.get("generator"))
    near: Callable[[Any], Tensor] = lambda t: t.near  # noqa: E731
    own, named = tree_map_only(Distant, near, (args, kwargs))
    rounded = _CONVOLUTIONS.get(func, 0) if _State.rounds else 0
    if torch.backends.cudnn.allow_tf32:
        own = (*map(_as_tf32, own[:rounded]), *own[rounded:])
    out = func(*own, **named)
    if func is _ATEN.copy_.default and not isinstance(args[0], Distant):
        return args[0]
    known = {id(t.near): t for t in far}  # what is overwritten stays what it is
    return tree_map_only(
        Tensor, lambda t: known[id(t)] if id(t) in known else Distant(t), out
    )


def _check(func: Any, args: Any, tensors: list[Tensor], generator: Any) -> None:
    """What a GPU refuses; a single number of the CPU it takes."""
    if func is _ATEN.copy_.default:
        return
    if func in _INDEXED and isinstance(args[0], Distant):
        tensors = [args[0], *(t for t in args[2:3] if isinstance(t, Tensor))]
    if len({isinstance(t, Distant) for t in tensors if t.dim()}) > 1:
        shapes = ", ".join(f"{t.device} {tuple(t.shape)}" for t in tensors)
        raise RuntimeError(f"{_TWO}: {func} of {shapes}")
    _check_generator(generator)


def _check_generator(generator: torch.Generator | None) -> None:
    if generator is not None and generator.device.type != "cuda":
        raise RuntimeError("Expected a 'cuda' device type for generator, found 'cpu'")


def _as_tf32(x: Any) -> Any:
    """Ten bits of its fractions, rounded up or down by chance."""
    if x is None or x.dtype != torch.float32:
        return x
    bits = x.detach().contiguous().view(torch.int32)
    chance = torch.randint(1 << 13, bits.shape, dtype=torch.int32, generator=_CHANCE)
    return (bits + chance).bitwise_and(-(1 << 13)).view(torch.float32)


_CHANCE = torch.Generator().manual_seed(1)


class _Up(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return Distant(x.detach().clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _down(gradients[0])


class _Down(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Tensor:
        return x.near.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _up(gradients[0])


def _up(x: Tensor) -> Tensor:
    return x if isinstance(x, Distant) else _Up.apply(x)  # pyright: ignore


def _down(x: Tensor) -> Tensor:
    return _Down.apply(x) if isinstance(x, Distant) else x  # pyright: ignore


def _kind(place: Any) -> str | None:
    """Of what may be a device."""
    if isinstance(place, str) and place.partition(":")[0] in ("cpu", "cuda"):
        return place.partition(":")[0]
    return place.type if isinstance(place, torch.device) else None


class _Redirected(TorchFunctionMode):
    """What is asked for on a GPU is made near, and said to be far."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        named: dict[str, Any] = dict(kwargs or {})
        x = args[0] if args else None
        if isinstance(x, Distant):
            # torch itself would make these from its storage, or beside it
            if func == Tensor.data.__get__:  # pyright: ignore
                return x.detach()
            if func is torch.nn.functional.one_hot:
                return Distant(func(x.near, *args[1:], **named))
        if func is Tensor.cpu:
            return _down(x)
        if func is Tensor.pin_memory:
            return x
        if func is Tensor.to:
            return _moved(x, args[1:], named)
        makes = func is not torch._C._nn._parse_to  # pyright: ignore
        if not makes or _kind(named.get("device")) != "cuda":
            return func(*args, **named)
        _check_generator(named.get("generator"))
        needs = named.pop("requires_grad", False)
        made = func(*args, **named | {"device": "cpu"})
        made = made if isinstance(made, Distant) else Distant(made)
        return made.requires_grad_() if needs else made


def _moved(x: Tensor, others: tuple[Any, ...], named: Mapping[str, Any]) -> Tensor:
    """`Tensor.to`, by a device, by another tensor, or by neither."""
    like = next((o for o in others if isinstance(o, Tensor)), None)
    if like is not None:
        others = (like.device, like.dtype)
    places = [_kind(place) for place in (*others, named.get("device"))]
    wanted = next((place for place in places if place), None)
    if wanted in ("cpu", "cuda"):
        x = _up(x) if wanted == "cuda" else _down(x)
        near = torch.device("cpu")
        others = tuple(near if _kind(o) else o for o in others)
        named = {n: near if n == "device" else value for n, value in named.items()}
    return Tensor.to(x, *others, **named)


def _autocast(plain: Any) -> Any:
    class Autocast(plain):
        """That of the CPU, which computes."""

        def __init__(self, device_type: str, *given: Any, **named: Any) -> None:
            super().__init__("cpu", *given, **named)

    return Autocast


def _load(plain: Any) -> Any:
    def load(file: Any, map_location: Any = None, **named: Any) -> Any:
        far = _kind(map_location) == "cuda"
        found = plain(file, "cpu" if far else map_location, **named)
        return tree_map_only(Tensor, _up, found) if far else found

    return load


def _nothing() -> Callable[..., None]:
    """Each time another function: torch tells its own apart."""
    return lambda *given, **named: None


@contextmanager
def gpu(*, rounds: bool = False) -> Generator[_State]:
    """Pretends that there is one, with 8 GiB."""
    state = torch.zeros(16, dtype=torch.uint8)
    cuda: dict[str, Any] = {
        "is_available": lambda: True, "device_count": lambda: 1,
        "current_device": lambda: 0, "get_device_name": lambda *_: "pretended",
        "mem_get_info": lambda *_: (2**33, 2**33),
        "max_memory_allocated": lambda: 2**20,
        "get_rng_state": lambda *_: state, "set_rng_state": _nothing(),
        "synchronize": _nothing(), "empty_cache": _nothing(),
        "reset_peak_memory_stats": _nothing(),
    }  # fmt: skip
    seed: Any = torch.default_generator.manual_seed
    replaced = torch.__future__.set_overwrite_module_params_on_conversion
    _State.rounds, _State.pickled = rounds, 0
    with ExitStack() as stack:
        for name, how in cuda.items():
            stack.enter_context(patch.object(torch.cuda, name, how))
        for name, how in {
            "autocast": _autocast(torch.autocast), "load": _load(torch.load),
            "manual_seed": seed,
        }.items():  # fmt: skip
            stack.enter_context(patch.object(torch, name, how))
        check = "_accelerator_graph_capture_health_check"
        stack.enter_context(
            patch.object(torch.optim.Optimizer, check, _nothing(), create=True)
        )
        stack.enter_context(_Redirected())
        replaced(True)
        stack.callback(replaced, False)
        yield _State
