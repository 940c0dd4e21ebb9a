"""An import from a Caffe file to a spec."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from archc.importing.prototxt.inputs import Given
from archc.importing.prototxt.network import CaffeNetwork, network_of
from archc.importing.prototxt.text import Malformed
from archc.importing.spec import imported
from archc.importing.trace import Refusal
from archc.importing.writing.compiled import NoSpec, NotASpec, compiled, identifier

_MEND = (
    "take the layer out of a copy of the file, import that, and put into the spec what"
    " is nearest"
)


@dataclass(slots=True)
class CaffeResult:
    """A file's network as a spec, or why it is none."""

    source: str
    text: str = ""
    blocks: int = 0
    repeats: int = 0
    tensors: int = 0
    params: int = 0
    macs: int = 0
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Layers that the spec calls otherwise than the file."""
    remarks: list[str] = field(default_factory=list[str])
    refused: list[Refusal] = field(default_factory=list[Refusal])

    @property
    def passed(self) -> bool:
        """Whether there is a spec."""
        return bool(self.text) and not self.refused

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "source": self.source,
            "spec": self.text or None,
            "lines": len(self.text.splitlines()),
            "blocks": self.blocks,
            "repeats": self.repeats,
            "tensors": self.tensors,
            "params": self.params,
            "macs": self.macs,
            "proof": {
                "state_dict": False,
                "outputs": "not run",
                "max_difference": 0.0,
                "why": "the file has no weights",
            },
            "names": self.names,
            "remarks": self.remarks,
            "refused": [asdict(refusal) for refusal in self.refused],
        }


def import_caffe(text: str, file: str, given: Given = ()) -> CaffeResult:
    """The spec of the network in a Caffe file with this text.

    `given` are shapes of its inputs, in place of what the file says.

    Raises:
        NotASpec: if what was made has errors: a fault of archc's.
    """
    result = CaffeResult(file)
    try:
        network = network_of(text, file, given)
    except Malformed as error:
        result.refused = [Refusal("", error.reason, file, error.line, error.mend)]
        return result
    network.name = network.name or PurePath(file).stem
    name = identifier(network.name)
    for trace in (network.evaluated, network.trained):
        if trace is not None:
            trace.name = name
    # what reads best may be more than archc can do; then more is written out
    for loose in (True, False):
        try:
            _write(result, network, name, loose)
        except NotASpec as error:
            if loose:
                continue
            if not isinstance(error, NoSpec):
                raise
            result.refused = [error.refusal.told(file, _MEND)]
        else:
            break
    return result


def _write(result: CaffeResult, network: CaffeNetwork, name: str, loose: bool) -> None:
    """Makes the spec, or notes why there is none."""
    source = f"Caffe's {PurePath(result.source).name}"
    found = imported(network.evaluated, network.trained, "", source, loose=loose)
    told = (r.told(result.source, _MEND) for r in found.refused)
    result.refused = list(dict.fromkeys(told))
    if found.tables is None:
        return
    tables = {"archc": found.tables.pop("archc"), "name": found.tables.pop("name")}
    tables |= {"title": network.name, **found.tables}
    for head in tables.get("heads", ()):
        head["loss_weight"] = network.loss_weights[head["name"]]
    made = compiled(tables, name)
    facts = made.analysis.facts
    if (facts.params_with_heads, facts.macs) != (network.params, network.macs):
        raise NotASpec(
            f"the spec has {facts.params_with_heads:,} parameters and {facts.macs:,}"
            f" multiply-adds, the file {network.params:,} and {network.macs:,}\n\n"
            + made.text
        )
    result.text, result.blocks, result.repeats = made.text, made.blocks, made.repeats
    result.params, result.macs = facts.params_with_heads, facts.macs
    result.tensors = len((network.trained or network.evaluated).tensors)
    result.names, result.remarks = network.names, network.remarks
