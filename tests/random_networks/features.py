"""What of the language a spec has in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archc.ops.registry import OPS
from tests.random_networks.simulate import TEXTS, Table

BODIES = ("op", "block", "layers", "branches", "share", "slot")
GATING = ("sigmoid", "hardsigmoid", "tanh")


def features(spec: Table) -> set[str]:
    """Each as a few words."""
    found = set(_of_file(spec))
    for table, around in nodes(spec):
        found.update(_of_node(table, around))
    return found


def outline(spec: Table) -> str:
    """The features that tell one mistake in a small spec from another."""
    plain = (
        "op ",
        "[title",
        "[class",
        "[expect",
        "block with",
        "use of",
        "doc",
        "shape",
    )
    shown = ("op permute", "op channel_slice", "op channel_pad", "op flatten")
    words = ("and", "or")
    return ", ".join(
        sorted(
            feature
            for feature in features(spec)
            if feature in shown
            or (
                not feature.startswith(plain)
                and not (
                    feature.startswith("expression")
                    and feature[-3:].split()[-1] not in words
                )
            )
        )
    )


def nodes(spec: Table) -> Iterator[tuple[Table, tuple[Table, ...]]]:
    """Every node with those around it, from the outermost."""
    roots = [*spec["network"]["layers"], *spec.get("heads", [])]
    for block in spec.get("blocks", {}).values():
        roots += block["layers"]
    stack: list[tuple[Any, tuple[Table, ...]]] = [(n, ()) for n in reversed(roots)]
    while stack:
        node, around = stack.pop()
        if isinstance(node, list):
            stack += [(n, around) for n in node]
            continue
        yield node, around
        inner = (*around, node)
        for key in ("layers", "branches"):
            stack += [(child, inner) for child in node.get(key, [])]
        if "shortcut" in node:
            stack.append((node["shortcut"], inner))
        if "otherwise" in node:
            stack.append((node["otherwise"], around))


def _of_file(spec: Table) -> Iterator[str]:
    for key in ("init", "expect", "class_name", "title"):
        if key in spec:
            yield f"[{key}]"
    if "let" in spec["network"]:
        yield "let of the network"
    for key in ("inputs", "outputs"):
        if key in spec["network"]:
            yield f"{key} by name"
    for head in spec.get("heads", []):
        yield "head"
        yield f"head with {_body(head)}"
    for table in spec.get("blocks", {}).values():
        yield "block"
        if table.get("defaults"):
            yield "block with defaults"
        if "let" in table:
            yield "let of a block"
        yield from (
            f"block with {key}" for key in ("inputs", "outputs") if key in table
        )
    if "ops" in spec:
        yield "own op"
    if any(isinstance(v, str) for v in spec.get("params", {}).values()):
        yield "computed param"
    listed = [v for v in spec.get("params", {}).values() if isinstance(v, list)]
    if listed:
        yield "list param"
    if any(v and isinstance(v[0], dict) for v in listed):
        yield "rows"


def _body(node: Table) -> str:
    return next(body for body in BODIES if body in node)


def _of_node(node: Table, around: tuple[Table, ...]) -> Iterator[str]:
    body = _body(node)
    name = node.get("name")
    archcs = body == "op" and node["op"] in OPS
    if archcs:
        yield f"op {node['op']}"
    if archcs and OPS[node["op"]].merges:
        yield f"from-list {node['op']}"
    elif "from" in node:
        yield "from"
    if "{" in str(node.get("from", "")):
        yield "from with braces"
    if body == "branches":
        yield f"branches {node['merge']}"
        yield f"{len(node['branches'])} branches"
    if body == "block":
        yield "use of a block"
    if body == "slot":
        yield "slot"
    if body == "block" and any(isinstance(v, dict) for v in node.values()):
        yield "slot that is given"
    if body == "share":
        yield "share with braces" if "{" in node["share"] else "share"
        yield "share into a group" if "." in node["share"] else "share nearby"
    if name and body in ("layers", "branches"):
        yield "named group" if body == "layers" else "named branches"
    yield from _of_modifiers(node, around, name)
    for key, value in node.items():
        if key not in ("name", "from", "doc", *BODIES) and isinstance(value, str):
            yield from _of_text(value)


def _of_modifiers(
    node: Table, around: tuple[Table, ...], name: str | None
) -> Iterator[str]:
    if name is not None and "." in name:
        yield "name with a dot"
    elif name is not None and not re.sub(r"\{.*?\}", "0", name).isidentifier():
        yield "name that is a key"
    if "when" in node:
        yield "when"
    if "otherwise" in node:
        same = "name" not in node["otherwise"] and name is not None
        yield f"otherwise {'of the same name' if same else _body(node['otherwise'])}"
    if "skip" in node:
        side = " with shortcut" if "shortcut" in node else ""
        yield f"skip {node['skip']}{side}"
        if "repeat" in node:
            yield f"skip {node['skip']} under repeat"
    if "skip_when" in node:
        yield "skip_when"
    if "shortcut" in node:
        shortcut = node["shortcut"]
        yield f"shortcut as {_body(shortcut)}"
        for key in ("when", "repeat", "skip"):
            if key in shortcut:
                yield f"shortcut with {key}"
    if "repeat" in node:
        kind = "unnamed" if name is None else "braced" if "{" in name else "named"
        yield f"repeat {kind}"
        yield f"repeat of {_body(node)}"
        loops = sum("repeat" in outer for outer in around)
        if loops:
            yield "repeat in " + "repeat in " * (loops - 1) + "repeat"
        if isinstance(node["repeat"], str):
            yield "repeat with an expression"
    for key in ("shape", "doc"):
        if key in node:
            yield key


def _of_text(text: str) -> Iterator[str]:
    if text in TEXTS or text in OPS:
        return
    yield "expression"
    for word in re.findall(r"\b(and|or|if|not|len|sum|round|ceil|floor|int|min|max)\b",
                           text):  # fmt: skip
        yield f"expression with {word}"
    if "[" in text:
        yield "expression with [ ]"
    if "in_channels" in text:
        yield "expression with in_channels"
