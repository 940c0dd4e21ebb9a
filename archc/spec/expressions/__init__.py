"""The expression language: parsing, evaluation over numbers or symbols, printing.

An expression is Python's syntax cut down to arithmetic. It is parsed into a small tree
and never reaches Python's own evaluator. Evaluation reads names from a mapping; where a
name stands for another expression (a symbol) instead of a number, the result is an
expression again, which is how generated code gets `planes * 4` from the same rule that
gives an instance its 256.
"""

from archc.spec.expressions.errors import (
    ExpressionError,
    Silenced,
    Undecidable,
    UnknownName,
)
from archc.spec.expressions.evaluation import (
    SILENCED,
    Known,
    Lacking,
    Names,
    choose,
    evaluate,
)
from archc.spec.expressions.kinds import is_sequence, is_tuple
from archc.spec.expressions.operations import FUNCTIONS, MAX_MAGNITUDE
from archc.spec.expressions.parsing import MAX_LENGTH, parse
from archc.spec.expressions.printing import number_source, to_source
from archc.spec.expressions.rows import Row, rows_in
from archc.spec.expressions.tree import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    Number,
    RowOf,
    Slice,
    Unary,
    Unparsed,
    Value,
    as_expr,
    fields_of,
    is_whole,
    row_of,
)
from archc.spec.expressions.walk import (
    filled,
    is_faulty,
    names_in,
    names_of,
    replaced,
    shifted,
)

__all__ = [
    "FUNCTIONS",
    "MAX_LENGTH",
    "MAX_MAGNITUDE",
    "SILENCED",
    "Binary",
    "BoolOp",
    "Call",
    "Compare",
    "Const",
    "Expr",
    "ExpressionError",
    "Field",
    "IfExp",
    "Index",
    "Known",
    "Lacking",
    "ListOf",
    "Name",
    "Names",
    "Number",
    "Row",
    "RowOf",
    "Silenced",
    "Slice",
    "Unary",
    "Undecidable",
    "UnknownName",
    "Unparsed",
    "Value",
    "as_expr",
    "choose",
    "evaluate",
    "fields_of",
    "filled",
    "is_faulty",
    "is_sequence",
    "is_tuple",
    "is_whole",
    "names_in",
    "names_of",
    "number_source",
    "parse",
    "replaced",
    "row_of",
    "rows_in",
    "shifted",
    "to_source",
]
