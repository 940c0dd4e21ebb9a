"""What `--where` and `--maximize` say, over the numbers of a variant.

They are expressions of the language, with three things more: the names of quantities,
sizes with a unit (`24GB`), and the function `memory`, whose settings have names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, get_args

from archc.design.variants import Step, Variant, Variants
from archc.diagnostics.suggest import did_you_mean
from archc.measure.memory import Optimizer, Precision
from archc.ops.steps import Device
from archc.spec.expressions import (
    BoolOp,
    Compare,
    Expr,
    ExpressionError,
    Lacking,
    Value,
    evaluate,
    names_in,
    parse,
)

QUANTITIES = ("params", "macs", "receptive_field", "depth")
_UNITS = {
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
}  # fmt: skip
_WORDS = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')"""
    r"|(?<![\w.])(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\s?"
    rf"(?P<unit>{'|'.join(_UNITS)})(?!\w)"
    r"|(?<![\w.])(?P<memory>memory)(?!\w)(?P<call>\s*\()?"
)
_CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": get_args(Optimizer),
    "precision": get_args(Precision),
    "device": get_args(Device),
}
_DEFAULT = Step(32)


class ConditionError(ValueError):
    """Text that is no condition, or nothing to make large or small."""


@dataclass(frozen=True, slots=True)
class Question:
    """An expression over the numbers of a variant."""

    text: str
    expr: Expr
    steps: Mapping[str, Step] = field(default_factory=dict[str, Step])
    """The training steps whose memory it asks for, by the names in `expr`."""

    def answer(self, variant: Variant, memory: Mapping[Step, int]) -> Value:
        """Its value.

        Raises:
            ExpressionError: if it has none for this variant.
        """
        return evaluate(self.expr, self._names(variant, memory))

    def margin(self, variant: Variant, memory: Mapping[Step, int]) -> float | None:
        """By how much a comparison holds, below 0 where it does not; None for another
        condition."""
        match self.expr:
            case Compare(ops=(op,), operands=(left, right)) if op in (
                "<",
                "<=",
                ">",
                ">=",
            ):
                names = self._names(variant, memory)
                small, large = evaluate(left, names), evaluate(right, names)
                if isinstance(small, int | float) and isinstance(large, int | float):
                    return large - small if op[0] == "<" else small - large
                return None
            case _:
                return None

    def sides(self, variant: Variant, memory: Mapping[Step, int]) -> tuple[Value, ...]:
        """The values that a comparison compares; none of another condition."""
        if not isinstance(self.expr, Compare):
            return ()
        names = self._names(variant, memory)
        return tuple(evaluate(operand, names) for operand in self.expr.operands)

    def _names(self, variant: Variant, memory: Mapping[Step, int]) -> Any:
        numbers: dict[str, Any] = {
            "params": variant.params,
            "macs": variant.macs,
            "receptive_field": variant.receptive_field,
            "depth": variant.depth,
        }
        if variant.receptive_field is None:
            numbers["receptive_field"] = Lacking(_no_field)
        # a parameter of the spec comes before a quantity of the same name
        numbers |= variant.names
        return numbers | {name: memory[step] for name, step in self.steps.items()}


def _no_field() -> ExpressionError:
    return ExpressionError(
        "expression-value", "the network has no receptive field: no map is left"
    )


def overshadowed(variants: Variants, texts: Sequence[str]) -> list[str]:
    """The quantities that these texts name and do not get, for a parameter of the spec
    is called like them."""
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    return [q for q in QUANTITIES if q in words and q in variants.spec.params]


def read(text: str, params: Collection[str]) -> list[Question]:
    """The conditions that `text` says; what `and` joins are several.

    Raises:
        ConditionError: if it is none.
    """
    question = read_one(text, params)
    match question.expr:
        case BoolOp(op="and", operands=parts):
            pieces = re.split(r"\band\b", text)
            whole = len(pieces) == len(parts)
            return [
                Question(
                    pieces[number].strip() if whole else text,
                    part,
                    {n: s for n, s in question.steps.items() if n in names_in(part)},
                )
                for number, part in enumerate(parts)
            ]
        case _:
            return [question]


def read_one(text: str, params: Collection[str]) -> Question:
    """The question that `text` asks; `params` are the names of the spec's parameters.

    Raises:
        ConditionError: if it is none.
    """
    steps: dict[str, Step] = {}
    source = _translated(text, params, steps)
    try:
        expr = parse(source)
    except ExpressionError as error:
        if _says_several(source):
            raise ConditionError(
                f"{text!r}: what must hold together is joined by `and`, and a number"
                " has no commas"
            ) from None
        help = _unit_meant(text) or error.help
        told = f"; {help}" if help else ""
        raise ConditionError(f"{text!r}: {error.message}{told}") from None
    for name in names_in(expr):
        if name in steps or name in params or name in QUANTITIES:
            continue
        known = (*QUANTITIES, "memory", *params)
        raise ConditionError(
            f"{text!r}: there is no {name!r}; {did_you_mean(name, known)}"
        )
    return Question(text.strip(), expr, steps)


def _says_several(source: str) -> bool:
    """Whether commas stand between what is asked."""
    try:
        return isinstance(ast.parse(source.strip(), mode="eval").body, ast.Tuple)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _unit_meant(text: str) -> str | None:
    """What to write for a unit in other letters than it has here."""
    for word in re.findall(r"(?<![\w.])\d[\d_.]*\s?([A-Za-z]+)", text):
        for unit in () if word in _UNITS else _UNITS:
            if unit.lower() == word.lower():
                return f"the unit `{word}` is written {unit}"
    return None


def _translated(text: str, params: Collection[str], steps: dict[str, Step]) -> str:
    """The text with numbers for sizes and names for calls of `memory`."""
    done: list[str] = []
    at = 0
    while found := _WORDS.search(text, at):
        done.append(text[at : found.start()])
        at = found.end()
        if found["text"]:
            done.append(found["text"])
        elif found["unit"]:
            done.append(_number(text, found["number"], found["unit"]))
        elif not found["call"] and "memory" in params:
            done.append("memory")
        else:
            step = _DEFAULT
            if found["call"]:
                end = _closing(text, at)
                step = _step(text, _translated(text[at:end], (), {}))
                at = end + 1
            name = f"memory_{len(steps)}_"
            while name in params:
                name += "_"
            steps[name] = step
            done.append(name)
    return "".join(done) + text[at:]


def _number(text: str, number: str, unit: str) -> str:
    value = Fraction(number.replace("_", "")) * _UNITS[unit]
    if value > 2**62:
        raise ConditionError(f"{text!r}: {number}{unit} is more than anything needs")
    return str(int(value)) if value.denominator == 1 else repr(float(value))


def _closing(text: str, at: int) -> int:
    """Where the parenthesis is closed that was opened before `at`."""
    open_ = 1
    for place in range(at, len(text)):
        open_ += {"(": 1, ")": -1}.get(text[place], 0)
        if not open_:
            return place
    raise ConditionError(f"{text!r}: the parenthesis behind `memory` is not closed")


def _step(text: str, inside: str) -> Step:
    example = 'memory(batch=64, optimizer="adam", precision="bf16", device="cuda")'
    try:
        tree = ast.parse(f"f({inside.strip()})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if not isinstance(tree, ast.Call) or len(tree.args) > 1:
        raise ConditionError(f"{text!r}: memory is asked for as in {example}")
    given = [("batch", value) for value in tree.args]
    given += [(keyword.arg or "**", keyword.value) for keyword in tree.keywords]
    step = _DEFAULT
    for name, node in given:
        value = _setting(node)
        if name == "batch":
            if type(value) is not int or not 1 <= value <= 10**9:
                raise ConditionError(f"{text!r}: a batch is a whole number from 1 on")
        elif name not in _CHOICES:
            raise ConditionError(f"{text!r}: memory is asked for as in {example}")
        elif value not in _CHOICES[name]:
            raise ConditionError(
                f"{text!r}: {name} is one of {', '.join(_CHOICES[name])}"
            )
        step = step._replace(**{name: value})
    return step


def _setting(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=int() | str() as value):
            return value
        case ast.Name(id=name):
            return name
        case _:
            return None
