"""Another name for a block, parameter, slot or node, wherever it is named."""

from __future__ import annotations

from archc.live.lsp.family import Family, File
from archc.live.lsp.symbols import Mention
from archc.spec.identifiers import of_block, of_input, of_layer, of_parameter


class Refused(ValueError):
    """A name that cannot be given, or given again; says why."""


def renamable(family: Family, file: File, offset: int) -> Mention | None:
    """What can be renamed at an offset: something that the files at hand define."""
    mention = family.mention(file, offset)
    if mention is None or not family.definitions(file, mention.symbol):
        return None
    return mention


def rename(
    family: Family, file: File, mention: Mention, name: str
) -> list[tuple[File, Mention, str]]:
    """What to write where.

    Raises:
        Refused: if it cannot be called so, or something else is.
    """
    symbol = mention.symbol
    problem = _problem(file, mention, name)
    if problem is not None:
        raise Refused(f"`{name}` cannot be its name: {problem}")
    around, _, _ = symbol.name.rpartition(".")
    other = symbol._replace(name=f"{around}.{name}" if around else name)
    if other != symbol and family.definitions(file, other):
        raise Refused(f"something else is called `{name}` here")
    return [(f, m, name) for f, m in family.everywhere(file, symbol)]


def _problem(file: File, mention: Mention, name: str) -> str | None:
    symbol = mention.symbol
    if any(c in name for c in "\"'\\{}\n") or name != name.strip():
        return "it has a character that no name has"
    if symbol.kind == "block":
        found = of_block(name)
    elif symbol.kind == "param":
        found = of_parameter(name)
    else:
        is_input = symbol not in file.names.nodes
        found = of_input(name) if is_input and "." not in symbol.name else None
        found = found or of_layer(name)
        if "." in name:
            found = found or ("a dot parts names", "")
    if found is not None:
        return found[0]
    if symbol.kind != "node" and not name.isascii() and not name.isidentifier():
        return "it is no Python identifier"
    return None
