"""How modules were made, so that others can be made alike."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_PLAIN = (bool, int, float)
_given: WeakKeyDictionary[nn.Module, dict[str, Any]] = WeakKeyDictionary()
"""What constructors were given, where somebody watched."""


class Unmade(Exception):
    """Why no module can be made as this one was, in a sentence."""


@contextmanager
def watching() -> Generator[None]:
    """While it lasts, what constructors of modules are given is noted."""
    plain: Any = nn.Module.__init__

    def noting(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        found = _arguments(self)
        if found is not None:
            _given[self] = found

    nn.Module.__init__ = noting
    try:
        yield
    finally:
        nn.Module.__init__ = plain


def _arguments(module: nn.Module) -> dict[str, Any] | None:
    """What the constructor was given that is running on a module; None if that is not
    known."""
    wanted = getattr(type(module).__init__, "__code__", None)
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_code is not wanted:
        first = frame.f_code.co_varnames[:1]
        if not first or frame.f_locals.get(first[0]) is not module:
            return None
        frame = frame.f_back
    if frame is None:
        return None
    said = inspect.getargvalues(frame)
    if said.varargs is not None and said.locals[said.varargs]:
        return None
    found = {name: said.locals[name] for name in said.args[1:]}
    code = frame.f_code
    only = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    found |= {name: said.locals[name] for name in only}
    return found | (said.locals[said.keywords] if said.keywords else {})


def constructed(module: nn.Module) -> tuple[str, tuple[tuple[str, Any, bool], ...]]:
    """The class of a module with its package, and what its constructor is given by
    name, each with whether that is the default.

    Raises:
        Unmade: if a spec cannot say that.
    """
    cls = type(module)
    name = f"{cls.__module__}.{cls.__qualname__}"
    found_there = vars(sys.modules.get(cls.__module__, sys)).get(cls.__qualname__)
    if cls.__module__ == "__main__" or found_there is not cls:
        raise Unmade(f"`{name}` cannot be imported by other code")
    if cls.__module__.partition(".")[0] == "torch":
        if getattr(nn, cls.__name__, None) is not cls:
            raise Unmade(f"`{name}` is none of the classes of torch.nn")
        name = f"torch.nn.{cls.__name__}"
    signature = inspect.signature(cls.__init__).parameters
    noted = _given.get(module)
    found: list[tuple[str, Any, bool]] = []
    for key, parameter in [*signature.items()][1:]:
        if parameter.kind is parameter.VAR_POSITIONAL and noted is None:
            raise Unmade(f"`{name}` is given any number of things")
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = _value(module, noted, key, parameter)
        if value is parameter.default or value == parameter.default:
            if isinstance(value, (*_PLAIN, str)):
                found.append((key, value, True))
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise Unmade(f"`{name}` takes `{key}` by its place alone")
        found.append((key, _plain(value, key, name), False))
    extra = {k: v for k, v in (noted or {}).items() if k not in signature}
    found += [(k, _plain(v, k, name), False) for k, v in extra.items()]
    _make_again(module, {k: v for k, v, default in found if not default})
    return name, tuple(found)


def _make_again(module: nn.Module, arguments: dict[str, Any]) -> None:
    """Raises Unmade, if these arguments do not give such a module."""
    try:
        with torch.device("meta"):
            again = type(module)(**arguments)
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Unmade(f"it cannot be made again: {said}") from error
    own, other = (
        {key: tuple(tensor.shape) for key, tensor in made.state_dict().items()}
        for made in (module, again)
    )
    if own != other:
        said = ", ".join(f"{k} = {v}" for k, v in arguments.items())
        raise Unmade(f"made again with {said or 'no arguments'}, it has other tensors")


def given_by(module: nn.Module, valued: nn.Module, x: Tensor) -> Tensor:
    """What a module gives for `x`, without values; where it asks for them, what a copy
    of it that is `valued` gives for random ones.

    Raises:
        Unmade: if that is not one tensor.
    """
    try:
        out = module(x)
    except Exception:
        try:
            out = valued.train(module.training)(torch.randn(2, *x.shape[1:]))
        except Exception as error:
            raise Unmade(f"it fails on random numbers: {error}") from error
    if not isinstance(out, Tensor):
        raise Unmade(f"it gives {type(out).__name__}, and no tensor")
    batch = x.shape[0] if out.shape[:1] in (x.shape[:1], (2,)) else 0
    return torch.empty((batch, *out.shape[1:]), device="meta")


def _value(
    module: nn.Module,
    noted: dict[str, Any] | None,
    key: str,
    parameter: inspect.Parameter,
) -> Any:
    """What an argument was: as it was noted, or as an attribute of its name says."""
    if noted is not None:
        return noted.get(key, parameter.default)
    held = vars(module).get(key, parameter.default)
    if held is parameter.empty:
        raise Unmade(f"nothing tells what its constructor was given as `{key}`")
    return held


def _plain(value: Any, key: str, name: str) -> Any:
    given = f"`{name}` is given {key} = {repr(value)[:60]}"
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        if not value.isprintable() or set(value) & set("\"'\\"):
            raise Unmade(f"{given}, and texts in"
                         " specs have no quotes, backslashes or line ends")  # fmt: skip
        return value
    if isinstance(value, tuple | list):
        parts = [_plain(part, key, name) for part in cast("Sequence[Any]", value)]
        if None not in parts:
            return tuple(parts)  # as the code gives it
    raise Unmade(f"{given}, and a spec holds"
                 " numbers, texts and lists of them alone")  # fmt: skip
