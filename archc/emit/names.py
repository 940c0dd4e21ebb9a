"""Names of classes and variables in generated code."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

_TAKEN = {"torch", "nn", "F", "math", "self", "x", "Tensor", "OrderedDict", "NamedTuple"}


def camel_case(name: str) -> str:
    """`basic_conv` as `BasicConv`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)


def network_class(name: str, class_name: str | None, title: str | None) -> str:
    """The network's class: as the spec says, else its name with the title's capitals.

    `googlenet` with the title "GoogLeNet with ..." becomes `GoogLeNet`.
    """
    if class_name is not None:
        return class_name
    spelled = re.sub(r"[^0-9A-Za-z]", "", title or "")
    letters = iter(spelled)
    candidate = "".join(c if c == "_" else next(letters, "") for c in name)
    if candidate.lower() == name.lower() and candidate[:1].isupper():
        # an underscore is kept where it parts two numbers: ResNeXt50_32x4d
        return re.sub(r"(?<!\d)_|_(?!\d)", "", candidate)
    made = camel_case(name)
    return made if made.isidentifier() and not keyword.iskeyword(made) else f"Net{made}"


class Names:
    """Hands out names that are still free in one namespace."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*_TAKEN, *taken}

    def copy(self) -> Names:
        return Names(self.taken)

    def free(self, name: str) -> str:
        """`name`, or where it is taken the name with a number behind it; it is taken
        from then on."""
        choice = self.peek(name)
        self.taken.add(choice)
        return choice

    def peek(self, name: str) -> str:
        """What `free` would give."""
        choice, number = name, 2
        while (
            choice in self.taken or keyword.iskeyword(choice) or hasattr(builtins, choice)
        ):
            choice = f"{name}{'_' if name[-1:].isdigit() else ''}{number}"
            number += 1
        return choice
