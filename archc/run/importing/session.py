"""An import from a live network to a spec that is proven."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from archc.importing.elsewhere import Limit, bound, same_calls
from archc.importing.sizes import name_sizes, other_sizes
from archc.importing.spec import imported, lacking
from archc.importing.trace import Refusal, told_once
from archc.importing.writing.compiled import NoSpec, NotASpec, compiled, identifier
from archc.run.importing.differing import (
    called_again,
    in_training,
    unlike_in_training,
)
from archc.run.importing.proof import Proof, prove
from archc.run.importing.tensors import parts_of
from archc.run.importing.tracer import trace
from archc.run.importing.unlike import eagerly
from archc.run.subject import Subject
from archc.spec.identifiers import of_class


@dataclass(slots=True)
class Result:
    """A network as a spec, with what speaks for it; or why it is none."""

    source: str
    text: str = ""
    blocks: int = 0
    repeats: int = 0
    tensors: int = 0
    params: int = 0
    proof: Proof = field(default_factory=Proof)
    state: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    """The network's own tensors under the spec's keys."""
    remarks: list[str] = field(default_factory=list[str])
    refused: list[Refusal] = field(default_factory=list[Refusal])

    @property
    def passed(self) -> bool:
        """Whether there is a spec, and nothing speaks against it."""
        return bool(self.text) and not self.refused and self.proof.holds

    @property
    def reasons(self) -> list[str]:
        """Why it is none, each reason once."""
        return told_once(self.refused)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        proof: dict[str, Any] = {
            "state_dict": self.proof.state_dict,
            "outputs": self.proof.outputs,
            "max_difference": self.proof.max_difference,
        }
        if self.proof.training != "not run":
            proof["training"] = self.proof.training
        proof |= {"first": self.proof.first} if self.proof.first else {}
        proof |= {"why": self.proof.why} if self.proof.why else {}
        return {
            "source": self.source,
            "spec": self.text or None,
            "lines": len(self.text.splitlines()),
            "blocks": self.blocks,
            "repeats": self.repeats,
            "tensors": self.tensors,
            "params": self.params,
            "proof": proof,
            "remarks": self.remarks,
            "refused": [asdict(refusal) for refusal in self.refused],
        }


def import_network(
    module: nn.Module,
    name: str,
    inputs: Mapping[str, Sequence[int]],
    *,
    label: str = "",
    source: str = "",
    computing: bool = True,
    opaque: bool = False,
) -> Result:
    """The spec of a live network that reads inputs with these shapes.

    Without `computing`, the proof is that the same ops read the same. Where it may be
    `opaque`, modules that no spec can say become ops of the spec's own.
    """
    kept: set[str] = set()
    met: list[Refusal] = []
    while True:
        result = _imported(
            module, name, inputs, label or name, source, computing, frozenset(kept)
        )
        met += result.refused
        # where others learn otherwise too, nothing would show it any more
        learns = result.proof.training != "differ"
        more = _enclosing(result.refused, kept) if opaque and learns else set[str]()
        if not more:
            break
        kept = {path for path in kept | more if not any(_holds(p, path) for p in more)}
    if result.refused:
        # also why modules inside could not stay what they are
        result.refused = list(dict.fromkeys(_mended(r, opaque) for r in met))
    elif kept:
        result.remarks += _kept_remarks(module, sorted(kept))
    return result


def _mended(refusal: Refusal, opaque: bool) -> Refusal:
    """The same with what to do about it: most may stay what it is, in a module."""
    path, mend = refusal.module, refusal.mend
    if not path:
        mend = mend or (
            "put what does it into a module of its own, which reads one value, gives"
            " one, and may stay what it is with --opaque"
        )
    elif not opaque:
        mend = mend or "with --opaque, the module around may stay what it is"
    return replace(refusal, mend=mend)


def _kept_remarks(module: nn.Module, kept: list[str]) -> list[str]:
    """Which modules stay what they are, by class."""
    parts = dict(parts_of(module))
    by_class: dict[str, list[str]] = {}
    for path in kept:
        by_class.setdefault(type(parts[path]).__qualname__, []).append(path)
    return [
        f"kept as {name}, without counting multiply-adds: "
        + ", ".join(paths[:3])
        + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        for name, paths in by_class.items()
    ]


def _enclosing(refused: list[Refusal], kept: set[str]) -> set[str]:
    """The modules that would have to stay what they are; none, if one of the refusals
    is not of a part of the network."""
    found: set[str] = set()
    for refusal in refused:
        path = refusal.module
        while path in kept or any(_holds(k, path) for k in kept):
            path = path.rpartition(".")[0]
        if not path:
            return set()
        found.add(path)
    return found


def _holds(outer: str, path: str) -> bool:
    return path.startswith(f"{outer}.")


def _imported(
    module: nn.Module,
    name: str,
    inputs: Mapping[str, Sequence[int]],
    label: str,
    source: str,
    computing: bool,
    opaque: frozenset[str],
) -> Result:
    """The spec of a network of which some modules stay what they are."""
    named = identifier(name)
    evaluated = trace(module, named, inputs, opaque=opaque)
    again = evaluated
    if not evaluated.refused:
        again = trace(module, named, inputs, opaque=opaque)
        unlike = called_again(evaluated, again)
        if unlike is not None:
            return Result(label, refused=[unlike])
    trained = None
    if not evaluated.refused and lacking(evaluated):
        trained = trace(module, named, inputs, training=True, opaque=opaque)
    limit: Limit | None = None
    for each in (evaluated, trained):
        if each is not None and not each.refused:
            others = [
                trace(module, named, shapes, training=each.training, opaque=opaque)
                for shapes in other_sizes(inputs)
            ]
            name_sizes(each, [t for t in others if same_calls(each, t)])
            limit = bound(each, others)
    class_name = re.sub(r"\W", "", type(module).__name__)
    # the generated module may have another class of that name
    class_name += "" if of_class(class_name) is None else "_"
    # what reads best may be more than archc can do; then more is written out
    for loose in (True, False):
        found = imported(evaluated, trained, class_name, source, loose=loose)
        result = Result(label, refused=found.refused)
        result.remarks += [str(limit)] if limit else []
        if found.tables is None:
            return result
        if found.unread:
            said = f"nothing that it gives depends on {_some(found.unread)}"
            result.remarks.append(said)
        frozen = [k for k, p in module.named_parameters() if not p.requires_grad]
        if frozen:
            said = f"frozen in the network, and trained in its spec: {_some(frozen)}"
            result.remarks.append(said)
        try:
            subject = _subject(result, found.tables, named, limit.said if limit else "")
        except NotASpec as error:
            if loose:
                continue
            if not isinstance(error, NoSpec):
                raise
            result.refused = [error.refusal]
            return result
        most = {} if computing else {"most_bytes": 0}
        with eagerly():
            result.proof = prove(
                module,
                subject.module,
                inputs,
                opaque=opaque,
                training=not opaque and not subject.network.heads,
                **most,
            )
        if result.proof.training == "differ":
            learning = trace(module, named, inputs, training=True)
            result.refused = [in_training(again, learning)]
        elif result.proof.training == "not run" and trained is None:
            learning = trace(module, named, inputs, training=True, opaque=opaque)
            unlike = unlike_in_training(again, learning)
            result.refused += [] if unlike is None else [unlike]
        if result.passed or not loose:
            result.tensors = len(evaluated.tensors)
            result.state = module.state_dict()
            return result
    raise AssertionError("the second time is the last")


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (", …" if keys[3:] else "")


def _subject(result: Result, tables: dict[str, Any], name: str, remark: str) -> Subject:
    """The module of a spec; what there is to know of it is noted.

    Raises:
        NotASpec: if it has errors.
    """
    made = compiled(tables, name, remark)
    analysis = made.analysis
    result.text, result.blocks, result.repeats = made.text, made.blocks, made.repeats
    result.params = analysis.facts.params_with_heads
    return Subject(name, analysis.network, analysis.facts, made.source)
