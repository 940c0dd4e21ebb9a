"""An import from an ONNX file to a spec that is proven: its module takes the file's
weights strictly, and gives what onnxruntime gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath

from archc.importing.elsewhere import Limit, bound, refused, same_calls
from archc.importing.onnx.file import AGAIN, Unreadable, opened
from archc.importing.onnx.inputs import Given, in_spec
from archc.importing.onnx.network import OnnxNetwork
from archc.importing.onnx.plain import make_plain
from archc.importing.sizes import name_sizes, other_sizes
from archc.importing.spec import imported
from archc.importing.trace import Refusal, Sizes
from archc.importing.writing.compiled import NoSpec, NotASpec, compiled, identifier
from archc.run.importing.onnx_proof import OnnxFile, prove, said, session
from archc.run.importing.session import Result
from archc.run.subject import Subject

_CHANGED = "its {} numbers were taken, and compared, as float32"
_MEND = (
    "cut it out of the graph (onnx.utils.extract_model) and import the rest, or import"
    " the module that was exported: there --opaque lets parts stay what they are"
)


def import_onnx(path: Path, given: Given = ()) -> Result:
    """The spec of the network in an ONNX file.

    `given` are shapes of its inputs, in place of what the file says.

    Raises:
        NotASpec: if what was made has errors: a fault of archc's.
    """
    result = Result(str(path))
    try:
        model = opened(path)
        try:
            changes = make_plain(model)
            return _imported(result, OnnxFile(path, given, model, changes))
        except Unreadable:
            raise
        except Exception:
            # a fault of archc's, unless it is the file's
            try:
                session(str(path))
            except Exception as error:
                reason = f"it is no valid file: {said(error)}"
                raise Unreadable(reason, AGAIN) from None
            raise
    except Unreadable as error:
        result.refused = [Refusal("", str(error), str(path), mend=error.mend)]
        return result


def _imported(result: Result, file: OnnxFile) -> Result:
    """The same of a model that could be read."""
    network = file.network()
    name = identifier(file.path.stem)
    network.trace.name = name
    if file.changes:
        network.remarks.append(_CHANGED.format(" and ".join(file.changes)))
    limit = _elsewhere(network, file)
    if limit is not None:
        network.remarks.append(str(limit))
    # what reads best may be more than archc can do; then more is written out
    for loose in (True, False):
        try:
            subject = _subject(result, network, name, limit, loose)
        except NotASpec as error:
            if loose:
                continue
            if not isinstance(error, NoSpec):
                raise
            result.refused = [error.refusal.told(result.source, _MEND)]
            return result
        if subject is None:
            return result
        prove(result, subject, network, file)
        if result.passed or not loose:
            return result
    raise AssertionError("the second time is the last")


def _elsewhere(network: OnnxNetwork, file: OnnxFile) -> Limit | None:
    """Follows the network on inputs of other sizes, as far as the file takes any: what
    it takes from its maps is noted, and the first in which it is another one is told.
    """
    if network.trace.refused or not any(network.open_axes.values()):
        return None
    shapes = {
        name: in_spec(sizes, name in network.turned)[1:]
        for name, sizes in network.inputs.items()
    }
    others = [
        replace(file, given=_where_open(network, shapes, larger)).network().trace
        for larger in other_sizes(shapes)
    ]
    name_sizes(network.trace, [t for t in others if same_calls(network.trace, t)])
    return bound(network.trace, others) or refused(others)


def _where_open(
    network: OnnxNetwork, shapes: Mapping[str, Sizes], larger: Mapping[str, Sizes]
) -> Given:
    """Larger inputs, on the axes that the file leaves open."""
    found: list[tuple[str | None, Sizes]] = []
    for name, sizes in shapes.items():
        count = len(sizes) + 1
        free = [n in network.open_axes[name] for n in range(count)]
        free = in_spec(free, name in network.turned)[1:]
        pairs = zip(sizes, larger[name], free, strict=True)
        found.append((name, tuple(b if is_free else a for a, b, is_free in pairs)))
    return found


def _subject(
    result: Result, network: OnnxNetwork, name: str, limit: Limit | None, loose: bool
) -> Subject | None:
    """The module of the network's spec; None if there is none, and why is noted."""
    source = PurePath(result.source).name
    found = imported(network.trace, None, "", source, loose=loose)
    # what ops refuse is placed at a node of the file
    told = (
        replace(
            r,
            module=r.module or r.file.removeprefix(result.source),
            file=result.source,
            mend=r.mend or _MEND,
        )
        for r in found.refused
    )
    result.refused = list(dict.fromkeys(told))
    if found.tables is None:
        return None
    made = compiled(found.tables, name, limit.said if limit else "")
    facts = made.analysis.facts
    result.text, result.blocks, result.repeats = made.text, made.blocks, made.repeats
    result.params = facts.params_with_heads
    result.remarks = network.remarks
    return Subject(name, made.analysis.network, facts, made.source)
