"""What can be wrong with an expression."""

from __future__ import annotations


class ExpressionError(Exception):
    """An expression that cannot be parsed or evaluated.

    `at` is the slice of the expression's text that is to blame. `known` is true if the
    message says all of the cause, so that the same one need not be told again.
    """

    def __init__(
        self,
        code: str,
        message: str,
        at: tuple[int, int] | None = None,
        help: str | None = None,
        *,
        known: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.help = help
        self.known = known


class UnknownName(ExpressionError):
    """A name that nothing defines; the caller knows which names it could have meant."""

    def __init__(self, name: str, at: tuple[int, int] | None) -> None:
        super().__init__("unknown-name", f"there is no `{name}` here", at)
        self.name = name


class Undecidable(Exception):
    """A rule asked for the truth of a symbol."""


class Silenced(Exception):
    """A value is unknown because of a mistake that has been reported already."""


def too_large() -> ExpressionError:
    """A number that is out of bounds."""
    return ExpressionError(
        "expression-too-large", "the value is beyond 2**62, which no network needs"
    )


def wrong_value(message: str) -> ExpressionError:
    """A value that an operation does not take."""
    return ExpressionError("expression-value", message)
