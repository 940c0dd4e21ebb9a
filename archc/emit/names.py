"""Names of classes and variables in generated code."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from unicodedata import normalize


def following(counter: str) -> str:
    """The next name for a counter: `j` behind `i`, else a longer one."""
    if len(counter) == 1 and counter in "ijklmno":
        return chr(ord(counter) + 1)
    return f"{counter}_"


def camel_case(name: str) -> str:
    """`basic_conv` as `BasicConv`; `Block` where that is no name."""
    made = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    # a capital may be several letters, which Python may fold to others
    made = normalize("NFKC", made)
    return made if made.isidentifier() else "Block"


def snake_case(name: str) -> str:
    """`MBConv` as `mb_conv`; what has no capitals stays as it is."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return parted.lower()


def identifier(name: str) -> str:
    """What to call a variable for what has this name: `block1_0` for `block1-0`."""
    made = re.sub(r"\W+", "_", name).strip("_")
    return name if name.isidentifier() else made if made.isidentifier() else "layer"


def is_name(name: str) -> bool:
    """Whether Python takes it for a name, in whatever script."""
    return name.isidentifier() and not keyword.iskeyword(name)


def is_attribute(name: str) -> bool:
    """Whether Python takes it for an attribute as it stands."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def shared_start(names: Sequence[str]) -> str:
    """The characters that all names begin with."""
    length = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        length += 1
    return names[0][:length] if names else ""


_ONE_OF = {"channels": "out_channels", "halves": "half"}


def singular(name: str) -> str | None:
    """What to call one item of a list: a `depth` of `depths`; None without a plural."""
    if name in _ONE_OF:
        return _ONE_OF[name]
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    if re.search(r"(ch|sh|ss)es$", name):
        return name[:-2]
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
    made = normalize("NFKC", made)
    return made if made.isidentifier() and not keyword.iskeyword(made) else f"Net{made}"
