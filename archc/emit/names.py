"""Names of classes and variables in generated code."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Sequence

_TAKEN = {
    "torch",
    "nn",
    "F",
    "math",
    "self",
    "x",
    "Tensor",
    "OrderedDict",
    "NamedTuple",
    "ClassVar",
    "Sequence",
}


# names that a module's own code reads, so that no parameter may hide them
_READ = _TAKEN | {
    "features", "feature_channels", "inputs", "layers",
    "abs", "dict", "enumerate", "float", "getattr", "int", "isinstance", "iter", "len",
    "max", "min", "next", "range", "round", "str", "sum", "super", "tuple",
}  # fmt: skip


def argument_names(
    parameters: Iterable[str], classes: Iterable[str] = ()
) -> dict[str, str]:
    """What a constructor calls its arguments: as the spec does, where it can.

    None may hide one of the module's `classes`.
    """
    read = {*_READ, *classes}
    names: dict[str, str] = {}
    for parameter in parameters:
        name = parameter
        while name in read or name in names.values():
            name += "_"
        names[parameter] = name
    return names


def following(counter: str) -> str:
    """The next name for a counter: `j` behind `i`, else a longer one."""
    if len(counter) == 1 and counter in "ijklmno":
        return chr(ord(counter) + 1)
    return f"{counter}_"


def camel_case(name: str) -> str:
    """`basic_conv` as `BasicConv`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)


def snake_case(name: str) -> str:
    """`MBConv` as `mb_conv`; what has no capitals stays as it is."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return parted.lower()


def shared_start(names: Sequence[str]) -> str:
    """The characters that all names begin with."""
    length = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        length += 1
    return names[0][:length] if names else ""


def singular(name: str) -> str | None:
    """What to call one item of a list: a `depth` of `depths`; None without a plural."""
    if name == "channels":
        return "out_channels"
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if re.search(r"[^s]s$", name) and len(name) > 2 else None


def network_class(name: str, class_name: str | None, title: str | None) -> str:
    """The network's class: as the spec says, else its name with the title's capitals.

    `googlenet` with the title "GoogLeNet with ..." becomes `GoogLeNet`.
    """
    if class_name is not None:
        return class_name
    letters = iter(re.sub(r"[^0-9A-Za-z]", "", title or ""))
    candidate = "".join(c if c == "_" else next(letters, "") for c in name)
    # the capitals of as many words as the title begins with
    told = len(shared_start([candidate.lower(), name.lower()]))
    words = len(name.partition("_")[0])
    candidate = candidate[:told] + name[told:] if told >= words else name
    # an underscore is kept where it parts two numbers: ResNeXt50_32x4d
    parts = re.split(r"(?<=\d)(_)(?=\d)|_", candidate)
    made = "".join(part[:1].upper() + part[1:] for part in parts if part)
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
            choice in self.taken
            or keyword.iskeyword(choice)
            or hasattr(builtins, choice)
        ):
            choice = f"{name}{'_' if name[-1:].isdigit() else ''}{number}"
            number += 1
        return choice


def docstring(text: str) -> str:
    """Text as it can stand in a docstring, up to the closing quotes."""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    return f'{text[:-1]}\\"' if text.endswith('"') else text
