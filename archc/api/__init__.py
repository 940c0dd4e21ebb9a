"""The Python interface."""

from archc.api.importing import ImportRefused, import_module
from archc.api.loading import from_dict, load, loads
from archc.api.network import Network, SpecError
from archc.api.questions import solve, sweep

__all__ = [
    "ImportRefused",
    "Network",
    "SpecError",
    "from_dict",
    "import_module",
    "load",
    "loads",
    "solve",
    "sweep",
]
