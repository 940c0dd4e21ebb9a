"""What a file reads: which shapes, in which order of axes, and under which names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from archc.importing.onnx.file import File, Node, element_types
from archc.importing.onnx.neighbours import WEIGHTED
from archc.importing.trace import BATCH, Refusal, Sizes
from archc.spec.identifiers import of_input

_LAST = (0, 3, 1, 2)
"""From channels behind the map to channels before it."""

Given = Sequence[tuple[str | None, Sizes]]
"""Shapes of inputs, with their names where they have one."""


class Odd(Exception):
    """Why an input is none that a spec may have."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.mend = mend
        """What to do about it."""


def shapes_of(
    file: File, turned: set[str], place: str, given: Given
) -> tuple[dict[str, Sizes], list[Refusal]]:
    """The shape of each input in the file's order of axes, the batch counted, and what
    is refused; the channels of those that are `turned` stand behind the map."""
    named = {name: shape for name, shape in given if name is not None}
    rest = [shape for name, shape in given if name is None]
    names = identifiers(file.inputs, of_input)
    shapes: dict[str, Sizes] = {}
    refused: list[Refusal] = []
    for name, said in file.inputs.items():
        if not file.readers[name]:
            continue
        wanted = named.pop(name, None) or named.pop(names[name], None)
        try:
            _check(file, name, said)
            wanted = wanted or (rest.pop(0) if rest else None)
            shapes[name] = _shape(name, said, wanted, name in turned)
        except Odd as odd:
            refused.append(Refusal(name, str(odd), place, mend=odd.mend))
    if (named or rest) and not refused:
        reason = f"it reads {', '.join(file.inputs)}, and no more"
        mend = "give --input once for each of them"
        refused.append(Refusal("", reason, place, mend=mend))
    return shapes, refused


def _check(file: File, name: str, said: Sequence[int | None] | None) -> None:
    """Raises Odd for what no shape makes an input of a spec."""
    if any(_is_weight(file, node, name) for node in file.nodes):
        mend = "export the network with its weights (`export_params=True`)"
        raise Odd("it is a weight, and the file has no numbers for it", mend)
    kind = element_types(file.model)[name]
    if kind != "FLOAT":
        mend = (
            "cut the file behind what makes float32 of them"
            " (onnx.utils.extract_model), and import the rest"
        )
        raise Odd(f"it reads {kind} numbers; a spec's are float32", mend)
    if said is not None and len(said) < 2:
        raise Odd("a sample of it has no axis; a spec's inputs have one or more behind"
                  " that of the batch", "export the network for a batch of samples,"
                  " which is the first axis of each input")  # fmt: skip


def _is_weight(file: File, node: Node, name: str) -> bool:
    """Whether a node with weights has this for one; a product may be of two values."""
    weighted = node.op in WEIGHTED and node.op != "MatMul"
    return weighted and name in node.reads[1:] and node.reads[0] not in file.constants


def _shape(
    name: str, said: Sequence[int | None] | None, wanted: Sizes | None, turned: bool
) -> Sizes:
    """The shape of one input, by the file and by what is given."""
    mend = f"with another input, --input {name}=C,H,W says which is meant"
    if wanted is None and (said is None or None in said[1:]):
        reason = "nothing says what shape it has; give --input C,H,W"
        raise Odd(reason, mend)
    if wanted is not None and said is not None:
        channels = said[-1 if turned else 1]
        if len(wanted) != len(said) - 1 or channels not in (None, wanted[0]):
            own = "x".join("?" if n is None else str(n) for n in said[1:])
            order = " (height, width, channels)" if turned else ""
            given = "x".join(map(str, wanted))
            mend = (
                "give --input as many axes and channels as the file says, the channels"
                " first, or leave it out"
            )
            raise Odd(f"--input says {given}, and in the file it is {own}{order}", mend)
    if wanted is not None and turned:
        wanted = (*wanted[1:], wanted[0])
    sizes = (said[0] if said else None, *(wanted or (said or ())[1:]))
    return tuple(BATCH if size is None else size for size in sizes)


def open_axes(file: File, shapes: Mapping[str, Sizes]) -> dict[str, tuple[int, ...]]:
    """The axes of each input that are as large as one likes, beside the batch."""
    found: dict[str, tuple[int, ...]] = {}
    for name, sizes in shapes.items():
        said = file.inputs[name] or (None,) * len(sizes)
        found[name] = tuple(n for n in range(1, len(sizes)) if said[n] is None)
    return found


def turned_inputs(file: File) -> set[str]:
    """The inputs whose channels stand behind the map: the first that happens to them,
    beside what works on each number, puts them before it."""
    return {name for name in file.inputs if _is_turned(file, name)}


def _is_turned(file: File, name: str) -> bool:
    names, turned = {name}, False
    for node in file.nodes:
        if not names.intersection(node.reads):
            continue
        if node.op == "Transpose":
            if tuple(node.attributes.get("perm", ())) != _LAST:
                return False
            turned = True
        elif node.op in (
            "Pad",
            "Sub",
            "Mul",
            "Div",
            "Add",
            "Cast",
            "Identity",
            "Resize",
        ):
            names.update(node.makes)
        else:
            return False
    return turned


def in_spec(sizes: Sequence[int], turned: bool) -> Sizes:
    """An input's sizes as the spec has them."""
    return tuple(sizes[n] for n in _LAST) if turned else tuple(sizes)


def identifiers(
    names: Iterable[str], allowed: Callable[[str], object]
) -> dict[str, str]:
    """What inputs or outputs of a network are called, each otherwise; `allowed` says
    why a name is not."""
    found: dict[str, str] = {}
    for name in names:
        near = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "x"
        near = near if near[:1].isalpha() else f"x_{near}"
        near = near if allowed(near) is None else f"{near}_"
        number, free = 1, near
        while free in found.values():
            number += 1
            free = f"{near}_{number}"
        found[name] = free
    return found
