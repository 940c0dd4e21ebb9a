"""Which names layers, parameters, counters, blocks, heads and networks can have.

Each rule gives why a name cannot be one and what to do, or None.
"""

from __future__ import annotations

import keyword

from archc.escaping import has_hidden, is_hidden
from archc.ops.registry import is_helper
from archc.spec import tables
from archc.spec.expressions import FUNCTIONS
from archc.spec.reserved import BUILTINS, DICT, FILES, IMPORTED, MODULE, TUPLE

IDENTIFIER = "letters, digits and _, not a digit first, and no Python keyword"

Problem = tuple[str, str]


def _in_python(name: str) -> Problem | None:
    if keyword.iskeyword(name):
        return "it is a Python keyword", f"call it `{name}_` or something more telling"
    if not name:
        return "it is empty", IDENTIFIER
    if not name.isidentifier():
        odd = has_hidden(name)
        why = "it has a control character" if odd else "it is no Python identifier"
        return why, IDENTIFIER
    if has_hidden(name):
        return "it has a letter that nobody sees", f"call it `{_seen(name)}`"
    if name.startswith("__"):
        why = "names with two leading underscores belong to Python"
        return why, "use one or none"
    return None


def of_layer(name: str) -> Problem | None:
    """For the children of modules: layers, groups, branches.

    It is what `nn.Module.add_module` takes, or several with dots between them.
    """
    if not name:
        return "it is empty", "leave `name` out, or write a name"
    first, *rest = name.split(".")
    problem = _of_child(first)
    for part in rest:
        if problem is None and part in DICT:
            problem = f"an nn.ModuleDict has its own `{part}`", _another(part)
        problem = problem or _of_child(part)
    return problem


def _of_child(name: str) -> Problem | None:
    """For one child of a module."""
    if not name:
        return "there is nothing beside a dot", 'a dot parts names: "convs.0"'
    if name == "self":
        return "methods in Python have it", _another(name)
    if name in MODULE:
        return f"a torch module has its own `{name}`", _another(name)
    if name.isidentifier() and not keyword.iskeyword(name):
        return _in_python(name)
    if has_hidden(name):
        why = "it has a character that nobody sees"
        return why, f"call it `{_seen(name)}`"
    return None


def of_block(name: str) -> Problem | None:
    """For blocks."""
    return _in_python(name)


def of_counter(name: str) -> Problem | None:
    """For the counters of repetitions, which expressions read."""
    if name in FUNCTIONS or name == "in_channels":
        return "expressions know it already", _telling(name)
    if name == "self":
        return "methods in Python have it", _telling(name)
    return _in_python(name)


def of_parameter(name: str) -> Problem | None:
    """For the parameters of blocks and of the network, which expressions read too."""
    if name in tables.MODIFIERS or name in tables.BODIES:
        return "a node's key has that name", _telling(name)
    return of_counter(name)


def of_input(name: str) -> Problem | None:
    """For inputs of the network and of blocks: arguments of `forward`, which `from`
    reads."""
    if name in ("prev", "input"):
        return "in `from` it means something else", "call it after what it is: image"
    if name == "self":
        return "methods in Python have it", _telling(name)
    return _in_python(name)


def of_output(name: str) -> Problem | None:
    """For outputs of the network: fields of what `forward` returns."""
    if name.startswith("_"):
        why = "it is a field of a NamedTuple, and those begin with no underscore"
        return why, "leave the underscore out"
    if name in TUPLE:
        why = f"it is a field of a NamedTuple, and a tuple has its own `{name}`"
        return why, _telling(name)
    return _in_python(name)


def of_head(name: str) -> Problem | None:
    """For heads: attributes of the network, and fields of what training returns."""
    return of_output(name) or _of_child(name)


def of_class(name: str) -> Problem | None:
    """For the network's class, where the spec says how it is called."""
    if name in BUILTINS and not keyword.iskeyword(name):
        return f"it would hide Python's own `{name}`", _another(name)
    if name in IMPORTED or is_helper(name):
        return f"the generated module has another `{name}`", _another(name)
    return _in_python(name)


def of_network(name: str) -> Problem | None:
    """For the network, which names the generated file."""
    if name in FILES:
        why = f"its file, {name}.py, would be imported in the place of `{name}`"
        return why, f"call it `{name}_net` or something more telling"
    return _in_python(name)


def _seen(name: str) -> str:
    return "".join(c for c in name if not is_hidden(c)) or "x"


def _another(name: str) -> str:
    return f"call it `{name}_`"


def _telling(name: str) -> str:
    return f"call it `{name}_` or something more telling"
