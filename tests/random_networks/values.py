"""Numbers and booleans as a spec writes them: literals and expressions."""

from __future__ import annotations

from typing import Any

from archc.spec.expressions import Row
from tests.random_networks.drawing import Draw
from tests.random_networks.simulate import Bad, value_of

WORDS = ("left", "right", "centre")
Env = dict[str, Any]
Written = int | float | bool | str


class Values:
    """Draws values; an `Env` is what the place sees, in_channels included."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    # ---- what a place wants

    def whole(self, env: Env, least: int, most: int, *, literal: int = 45) -> Any:
        """A whole number from `least` to `most`, here; in a loop it may vary."""
        if most < least:
            raise Bad("no such number")
        if self.draw.chance(literal):
            return self.draw.number(least, most)
        text = self.tree(env, self.draw.number(0, 2))
        bounded = [
            f"{least} + int({text}) % {most - least + 1}",
            f"max({least}, min({text}, {most}))",
            f"min(max(int({text}), {least}), {most})",
        ]
        bounded = self.draw.shuffled(bounded)
        if self.draw.chance(75):  # or what holds everywhere, not only here
            bounded = [text, f"int({text})", *bounded]
        for candidate in bounded:
            try:
                value = value_of(candidate, env)
            except Bad:
                continue
            if type(value) is int and least <= value <= most:
                return candidate
        return self.draw.number(least, most)

    def exactly(self, env: Env, wanted: int, *, literal: int = 35) -> Any:
        """The number `wanted`, as it is or as something that has this value here."""
        if self.draw.chance(literal):
            return wanted
        same = [n for n, v in env.items() if type(v) is int and v == wanted]
        if same and self.draw.chance(70):
            return self.draw.pick(same)
        for _ in range(3):
            text = self.tree(env, self.draw.number(0, 1))
            try:
                value = value_of(text, env)
            except Bad:
                continue
            if type(value) is not int:
                continue
            if value == wanted:
                return text
            form = self.draw.number(0, 9)
            if form < 3 and value > 0 and wanted % value == 0:
                return f"({text}) * {wanted // value}"
            if form == 3:
                return f"{wanted} if {self.truth_that(env, True)} else ({text})"
            if form == 4 and self.draw.chance(40):
                return f"{self.truth_that(env, True)} and {wanted} or ({text})"
            gap = wanted - value
            return f"({text}) {'+' if gap > 0 else '-'} {abs(gap)}"
        return wanted

    def size(self, env: Env, least: int, most: int, axes: int) -> Any:
        """One number, or one for each axis."""
        if self.draw.chance(25):
            return [self.whole(env, least, most) for _ in range(axes)]
        return self.whole(env, least, most)

    def real(self, env: Env, least: float, most: float) -> Any:
        """A number from `least` to `most`."""
        plain = round(self.draw.random.uniform(least, most), 3)
        if self.draw.chance(60):
            return plain
        known = [
            n for n, v in env.items() if type(v) is float and least <= v <= most
        ] or [str(plain)]
        text = self.draw.pick(known)
        if self.draw.chance(40):
            text = f"min({text} * ({self.tree(env, 0)} + 1) / 4, {most})"
        elif self.draw.chance(30):
            text = f"{text} if {self.truth(env)} else {plain}"
        try:
            value = value_of(text, env)
        except Bad:
            return plain
        fits = isinstance(value, int | float) and least <= value <= most
        return text if fits and not isinstance(value, bool) else plain

    def flag(self, env: Env) -> Any:
        """True or false, as a boolean attribute takes it."""
        if self.draw.chance(50):
            return self.draw.chance(50)
        text = self.truth(env)
        try:
            return text if type(value_of(text, env)) is bool else self.draw.chance(50)
        except Bad:
            return self.draw.chance(50)

    # ---- conditions

    def truth(self, env: Env, depth: int = 1) -> str:
        """A condition; it may be a number, of which 0 is false."""
        flags = [n for n, v in env.items() if type(v) is bool]
        words = [n for n, v in env.items() if isinstance(v, str)]
        for name, value in env.items():
            if isinstance(value, tuple) and value and isinstance(value[0], Row):
                row = f"{name}[{self._index(env, len(value))}]"
                words.append(f"{row}.kind")
                flags.append(f"{row}.flag")
        if words and self.draw.chance(30):
            return self._of_word(self.draw.pick(words))
        kind = self.draw.number(0, 9)
        if kind < 2 and flags:
            return self.draw.pick(flags)
        if kind == 2 and depth:
            return f"not {self._bracket(self.truth(env, depth - 1))}"
        if kind in (3, 4) and depth:
            word = self.draw.pick(("and", "or"))
            left, right = self.truth(env, depth - 1), self.truth(env, depth - 1)
            return f"{left} {word} {right}"
        if kind == 5:
            return f"{self.leaf(env)} % 2 == {self.draw.number(0, 1)}"
        if kind == 6:
            least = self.draw.number(0, 3)
            return f"{least} < {self.leaf(env)} <= {self.draw.number(4, 12)}"
        if kind == 7 and self.draw.chance(40):
            return self.leaf(env)
        sign = self.draw.pick(("==", "!=", "<", "<=", ">", ">="))
        return f"{self.leaf(env)} {sign} {self._other(env)}"

    def _of_word(self, name: str) -> str:
        one, other = self.draw.shuffled(list(WORDS))[:2]
        return self.draw.pick(
            (f"{name} == '{one}'", f"{name} != '{one}'", f"'{one}' == {name}",
             f"{name} in ['{one}', '{other}']", f"{name} not in ('{one}',)")
        )  # fmt: skip

    def truth_that(self, env: Env, wanted: bool) -> str:
        """A condition that is so here."""
        for _ in range(5):
            text = self.truth(env)
            try:
                value = value_of(text, env)
            except Bad:
                continue
            if bool(value) == wanted:
                return f"({text})"
        return "(1 == 1)" if wanted else "(1 == 2)"

    def _other(self, env: Env) -> str:
        number = str(self.draw.number(0, 8))
        return number if self.draw.chance(60) else self.leaf(env)

    # ---- trees

    def leaf(self, env: Env) -> str:
        """A name, a number, an item of a list."""
        numbers = [n for n, v in env.items() if type(v) is int]
        lists = [n for n, v in env.items() if isinstance(v, tuple) and v]
        if lists and self.draw.chance(25):
            return self._of_list(env, self.draw.pick(lists))
        if numbers and self.draw.chance(85):
            return self.draw.pick(numbers)
        return str(self.draw.number(0, 6))

    def _of_list(self, env: Env, name: str) -> str:
        value = env[name]
        if isinstance(value[0], Row):
            if self.draw.chance(15):
                return f"len({name})"
            row = f"{name}[{self._index(env, len(value))}]"
            return f"{row}.{self.draw.pick(('width', 'width', 'times', 'part'))}"
        if isinstance(value[0], tuple):
            row = f"{name}[{self._index(env, len(value))}]"
            return f"{row}[{self.draw.number(0, len(value[0]) - 1)}]"
        form = self.draw.number(0, 9)
        if form < 5:
            return f"{name}[{self._index(env, len(value))}]"
        if form < 7:
            start = self.draw.number(0, max(0, len(value) - 1))
            part = self.draw.pick((f"{start}:", f":{start + 1}", "::2", "-1:"))
            return f"{self.draw.pick(('len', 'sum', 'max', 'min'))}({name}[{part}])"
        return f"{self.draw.pick(('len', 'sum', 'max', 'min'))}({name})"

    def _index(self, env: Env, length: int) -> str:
        names = [n for n, v in env.items() if type(v) is int and 0 <= v < length]
        if names and self.draw.chance(60):
            name = self.draw.pick(names)
            return name if self.draw.chance(70) else f"{name} % {length}"
        return str(self.draw.number(-length, length - 1))

    def tree(self, env: Env, depth: int) -> str:
        """A number, mostly whole."""
        if depth == 0:
            return self.leaf(env)
        a, b = self.tree(env, depth - 1), self.tree(env, 0)
        if self.draw.chance(50):
            a = self._bracket(a)
        if self.draw.chance(30):
            a, b = b, a
        k = self.draw.number(1, 4)
        return self.draw.pick(
            (
                f"{a} + {b}",
                f"{a} + {k}",
                f"{a} * {k}",
                f"{a} * {b}",
                f"{a} - {b}",
                f"{a} - {k}",
                f"{a} // {k}",
                f"{a} // 2 * 2",
                f"{a} % {k + 1}",
                f"max({a}, {b})",
                f"min({a}, {b}, {k})",
                f"abs({a} - {b})",
                f"round({a} / {k})",
                f"int({a} * 1.5)",
                f"int({a} * 0.5 + {b})",
                f"ceil({a} / {k})",
                f"floor({a} / 2)",
                f"{a} if {self.truth(env, 0)} else {b}",
                self._choice(env, a, b, k),
                f"int({self.truth(env, 0)})",
                f"({self.truth(env, 0)}) + {k}",
                f"2 ** {self.draw.number(0, 3)}",
                f"-{self._bracket(b)} + {a}",
            )
        )

    def _choice(self, env: Env, a: str, b: str, k: int) -> str:
        """`and` and `or` as values."""
        return self.draw.pick(
            (
                f"{a} and {b}",
                f"{a} and {k}",
                f"{b} or {k}",
                f"{self.truth(env, 0)} and {k} or {b}",
            )
        )

    def _bracket(self, text: str) -> str:
        return f"({text})" if " " in text else text
