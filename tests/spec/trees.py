"""Random expressions of the whole language, and what their names stand for."""

from __future__ import annotations

from hypothesis import strategies as st

from archc.spec.expressions import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    IfExp,
    Index,
    ListOf,
    Name,
    Slice,
    Unary,
    Value,
)

# a name's first letter says what it stands for
NUMBERS = ("whole", "width", "float", "flag", "text")
LISTS = ("list", "pairs")

_small = st.integers(-7, 7)
_floats = st.sampled_from([0.0, -0.0, 0.1, 0.5, 1.0, -1.5, 2.0, 3.3, -7.7, 1e-3, 1e6])
_items = _small | _floats | st.booleans()


def environments() -> st.SearchStrategy[dict[str, Value]]:
    """Values of all names: whole numbers, a float, a boolean, lists."""
    return st.fixed_dictionaries(
        {
            "whole": _small,
            "width": st.sampled_from([0, 1, 2, 3, 16, 64, 2**31, -1]),
            "float": _floats,
            "flag": st.booleans(),
            "text": st.sampled_from(["same", "valid", ""]),
            "list": st.lists(_items, max_size=4).map(tuple),
            "pairs": st.lists(
                st.lists(_items, min_size=1, max_size=2).map(tuple), max_size=3
            ).map(tuple),
        }
    )


def _listed(items: list[Expr]) -> ListOf:
    return ListOf(tuple(i.value if isinstance(i, Const) else i for i in items))


def _more(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    lists = st.sampled_from(LISTS).map(Name)
    some_list = lists | st.builds(
        Slice, lists, st.none() | inner, st.none() | inner, st.none() | inner
    )
    chain = st.integers(1, 2).flatmap(
        lambda n: st.builds(
            Compare,
            st.tuples(*[st.sampled_from(["==", "!=", "<", "<=", ">", ">="])] * n),
            st.tuples(*[inner] * (n + 1)),
        )
    )
    within = st.builds(
        Compare,
        st.tuples(st.sampled_from(["in", "not in"])),
        st.tuples(inner, lists | st.lists(inner, max_size=3).map(_listed)),
    )
    joined = st.integers(2, 3).flatmap(
        lambda n: st.builds(
            BoolOp, st.sampled_from(["and", "or"]), st.tuples(*[inner | some_list] * n)
        )
    )
    one = st.sampled_from(["abs", "round", "int", "ceil", "floor", "log2"])
    of_list = st.sampled_from(["len", "min", "max", "sum"])
    arithmetic = st.builds(
        Binary, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner, inner
    )
    return st.one_of(
        arithmetic,
        arithmetic,
        st.builds(Unary, st.sampled_from(["-", "+", "not"]), inner),
        chain,
        within,
        joined,
        st.builds(IfExp, inner, inner, inner | some_list),
        st.builds(Index, some_list | inner, inner),
        st.builds(Call, one, st.tuples(inner)),
        st.builds(Call, of_list, st.tuples(some_list)),
        st.builds(Call, st.just("round"), st.tuples(inner, inner)),
        st.builds(Call, st.sampled_from(["min", "max"]), st.tuples(inner, inner)),
        some_list,
    )


def expressions() -> st.SearchStrategy[Expr]:
    """Trees as the parser makes them: numbers in them have no sign."""
    leaves = st.one_of(
        st.sampled_from(NUMBERS).map(Name),
        st.sampled_from(["whole", "width"]).map(Name),
        st.sampled_from([0, 1, 2, 3, 4]).map(Const),
        st.sampled_from([0.0, 1.0, 0.5, 2.0, 1.5, 0.1, 1e-6]).map(Const),
        st.booleans().map(Const),
        st.sampled_from(["same", "valid"]).map(Const),
    )
    return st.recursive(leaves, _more, max_leaves=8)
