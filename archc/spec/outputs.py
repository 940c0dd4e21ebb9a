"""`outputs` of the network: what `forward` returns, each under a name."""

from __future__ import annotations

from typing import Any

from archc.diagnostics.model import Label
from archc.ops.attributes import plain
from archc.source.folding import folded
from archc.source.kinds import is_list, is_table
from archc.spec.model import HeadSpec, Origin, OutputSpec
from archc.spec.written import Written

_FORM = 'outputs = ["p3", "p4"], or with other names outputs = { boxes = "head.box" }'


def parse_outputs(
    value: Any, written: Written, origin: Origin
) -> tuple[OutputSpec, ...]:
    """The outputs in their order; none where there are none, or all are wrong."""
    if value is None:
        return ()
    if is_table(value):
        items = [(key, origin.below(key), read) for key, read in value.items()]
    elif is_list(value):
        items = [(read, origin.below(n), read) for n, read in enumerate(value)]
    else:
        message = f"`outputs` must be a list or a table of names, not {plain(value)}"
        written.sink.error("wrong-type", message, origin.at(), help=f"write {_FORM}")
        return ()
    if not items:
        message = "`outputs` must not be empty"
        help = "leave it out, and the network gives what its last node gives"
        written.sink.error("bad-value", message, origin.at(), help=help)
    found: dict[str, OutputSpec] = {}
    for name, below, read in items:
        if not isinstance(read, str):
            message = f"an output must be the name of a node, not {plain(read)}"
            written.sink.error("wrong-type", message, below.at(), help=f"write {_FORM}")
            continue
        name = folded(str(name))
        made = OutputSpec(name, below, folded(read))
        if name in found:
            written.sink.error(
                "duplicate-name",
                f"two outputs are called `{name}`",
                below.at(),
                Label(found[name].origin.at(), "the first one"),
                help="give each its own name: outputs = { a = "
                f'"{read}", b = "{read}" }}',
            )
        elif _is_named(made, is_table(value), written):
            found[name] = made
    return tuple(found.values())


def _is_named(output: OutputSpec, is_key: bool, written: Written) -> bool:
    """Whether its name can be a field; else that is reported."""
    if is_key:
        place = output.origin.at(part="key")
        return written.identifier(output.name, place, "output")
    if "." in output.name:
        last = output.name.rpartition(".")[2]
        written.sink.error(
            "bad-name",
            f"`{output.name}` is a path, and an output needs a name of its own",
            output.origin.at(),
            help=f'write outputs = {{ {last or "NAME"} = "{output.name}" }}',
        )
        return False
    if output.name == "prev":
        written.sink.error(
            "bad-name",
            "`prev` cannot name an output: it stands for what the last node gives",
            output.origin.at(),
            help='write outputs = { NAME = "prev" }',
        )
        return False
    return written.identifier(output.name, output.origin.at(), "output")


def beside_heads(
    outputs: tuple[OutputSpec, ...], heads: tuple[HeadSpec, ...], written: Written
) -> None:
    """Reports the heads that are called as an output is: both are fields of what
    `forward` returns."""
    named = {output.name: output for output in outputs}
    for head in heads:
        output = named.get(head.name)
        if output is not None:
            written.sink.error(
                "duplicate-name",
                f"a head and an output are both called `{head.name}`",
                head.origin.at("name"),
                Label(output.origin.at(), "this output of the network"),
                help="give the head another name",
            )
