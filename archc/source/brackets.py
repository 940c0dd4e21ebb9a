"""What is wrong with brackets, in words for TOML and JSON alike."""

from __future__ import annotations

from archc.source.faults import Fault
from archc.source.tokens import CLOSER, Around, Token, significant


def opener_label(opener: Token) -> tuple[int, int, str]:
    """The label at a bracket that was not closed."""
    return (opener.start, opener.end, f"this `{opener.text}` is still open")


def unclosed(text: str, opener: Token, around: Around) -> Fault:
    """A bracket that is never closed; `around` is where that is noticed."""
    closer = CLOSER[opener.text]
    before = around.before
    if before == opener and _was_to_close(text, around):
        outer = around.opened[-2]
        message = f"`{opener.text}` opens one more list, and nothing is in it"
        label = opener_label(outer)
        help = f"write `{closer}` if it is to close that one"
        return Fault(
            message, opener.start, opener.end, help, (label,), closer, mend=closer
        )
    at = before.end if before else opener.end
    if before is not None and before.text == "," and opener.text == "{":
        at = before.start  # a table of one line has no comma behind its last entry
    mend = closer
    if opener.text == "[" and (line := _of_one_line(text, opener, at)) is not None:
        opener, at = line
    elif opener.text == "[" and "\n" in text[opener.end : at]:
        # What is closed on a line of its own is missed on the next line.
        line_end = text.find("\n", at)
        at = len(text) if line_end < 0 else line_end + 1
        mend = f"\n{closer}" if line_end < 0 else f"{closer}\n"
    return Fault(
        f"`{opener.text}` is not closed: `{closer}` is missing",
        at,
        at,
        f"add `{closer}` here",
        (opener_label(opener),),
        mend=mend,
    )


def _was_to_close(text: str, around: Around) -> bool:
    """Whether the innermost bracket, with nothing behind it, stands where that around
    it would be closed: alone on a line that is no deeper."""
    if [token.text for token in around.opened[-2:]] != ["[", "["]:
        return False
    outer, opener = around.opened[-2:]
    start, end = text.rfind("\n", 0, opener.start), text.find("\n", opener.end)
    line = text[start + 1 : len(text) if end < 0 else end]
    alone = line.partition("#")[0].strip() == opener.text
    return alone and _indent(text, opener.start) <= _indent(text, outer.start)


def _of_one_line(text: str, outer: Token, until: int) -> tuple[Token, int] | None:
    """The first list, of those that a list holds and itself, that was meant to end with
    its line, and where: it has items there, and what follows stands no deeper than the
    line itself, where its own bracket would stand. Such a list takes the bracket of one
    around it."""
    opened: list[Token] = []
    before = outer
    for token in significant(text):
        if token.start < outer.start:
            continue
        if opened and "\n" in text[before.end : token.start]:
            inner = opened[-1]
            if (
                inner.text == "["
                and inner is not before
                and "\n" not in text[inner.start : before.end]
                and _indent(text, token.start) + (token.kind == "close")
                <= _indent(text, inner.start)
            ):
                return inner, before.start if before.text == "," else before.end
        if token.start >= until:
            return None
        if token.kind == "open":
            opened.append(token)
        elif token.kind == "close" and opened:
            opened.pop()
        before = token
    return None


def _indent(text: str, at: int) -> int:
    """How many blanks the line of this place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at + 1].expandtabs()
    return len(line) - len(line.lstrip())


def mismatch(text: str, near: Around, opener: Token, closer: Token) -> Fault:
    """A bracket closed by the wrong one."""
    line = _of_one_line(text, opener, closer.start) if opener.text == "[" else None
    if line is not None and line[0] != opener:
        return unclosed(text, opener, near)  # a list in it has taken its bracket
    right = CLOSER[opener.text]
    message = f"`{opener.text}` is closed by `{closer.text}`"
    before, label = near.before, (opener_label(opener),)
    around = near.opened[-2].text if len(near.opened) > 1 else ""
    if before is None or near.new_line or CLOSER.get(around) != closer.text:
        help = f"close it with `{right}`, or remove this `{closer.text}`"
        return Fault(message, closer.start, closer.end, help, label)
    # it closes what is around, and only the bracket before it is missing
    gap = closer.start - before.end
    help = f"add `{right}` before this `{closer.text}`"
    mend = f"{right}{' ' * gap}{closer.text}"
    return Fault(message, closer.start, closer.end, help, label, mend=mend, gap=gap)


def stray(token: Token) -> Fault:
    """A closing bracket that closes nothing."""
    return Fault(
        f"this `{token.text}` closes nothing",
        token.start,
        token.end,
        "remove it, or add the bracket that it should close",
    )
