"""archc compiles declarative specs of convolutional networks.

>>> import archc
>>> network = archc.load("specs/resnet50.toml", num_classes=10)
>>> network.params
23528522
>>> model = network.module()  # a torch.nn.Module
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archc.version import __version__

if TYPE_CHECKING:
    from archc.api import (
        ImportRefused,
        Network,
        SpecError,
        from_dict,
        import_module,
        load,
        loads,
        solve,
        sweep,
    )

__all__ = [
    "ImportRefused",
    "Network",
    "SpecError",
    "__version__",
    "from_dict",
    "import_module",
    "load",
    "loads",
    "solve",
    "sweep",
]


def __getattr__(name: str) -> Any:
    # imported on use: the command line starts from this file too
    if name in __all__:
        from archc import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
