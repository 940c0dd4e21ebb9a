"""Nothing that a spec says is done by what shows it, wherever it stands."""

from __future__ import annotations

import ast
import csv
import html
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.catalog import Entry
from archc.cli.listing import FORMATS, row
from archc.compare.comparison import compare
from archc.compare.model import Side
from archc.compare.text import as_text as difference
from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_github, render_json, render_text
from archc.draw.diagram import diagram
from archc.draw.render import render
from archc.emit.execution import execution
from archc.emit.module import emit
from archc.escaping import visible
from archc.measure import tables
from archc.measure.memory import footprint
from archc.measure.memory_table import as_text as memory_text
from archc.measure.summary import summarize
from archc.pipeline import Analysis, analyse
from archc.source.writing import write_spec
from archc.spec.load import Loader
from tests.cli.conftest import Archc, archc, tree  # noqa: F401 - fixtures
from tests.emit import live

CASES = Path(__file__).parent / "cases"

HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07",
    "\x00",
    "\x7f\x85\x9b31m",
    "\u202eturned\u202c",
    "\u2028\u2029",
    "\u200b\u2060\ufeff\u00ad",
    "\u3164\ufe0f\u034f",
    "\ue000\U000f0000\U000e0041",
    "a\r\nb",
    "a\n\n# b\n::error::c",
    "\t",
    " ",
    "   \n ",
    "\\",
    "a\\",
    "\\\n",
    "\\" * 400,
    '"""',
    "'''",
    '"',
    'a"',
    '\\"',
    '"""\nimport os',
    "# noqa",
    "noqa: F401",
    "x # noqa",
    "type: ignore",
    "fmt: off",
    "-*- coding: utf-16 -*-",
    "pragma: no cover",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "|a|b|",
    "`a`",
    "*a* _b_ ~~c~~",
    "[a](http://b)",
    "![a](b)",
    "<b>a</b>",
    "<script>alert(1)</script>",
    "https://a.b/c",
    "www.a.b",
    "&lt;",
    "$x$",
    "{}",
    "{i}",
    "%n",
    "\\input{a}",
    "\\N\\G\\l",
    "[bold]a[/bold]",
    "[link=http://a]b[/link]",
    "]]>",
    "-->",
    "日本" * 100,
    "é" * 200,
    "x" * 3000,
    "a b " * 900,
    "%0A::error::x",
    "::error::x",
    "\ud800".encode("utf-8", "replace").decode(),
    "😀👨\u200d👩\u200d👧",
)
"""One for each thing that some output might do."""

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
    st.text(max_size=60),
)


def spec(title: str = "A", source: str = "B", doc: str = "C") -> dict[str, Any]:
    conv = {"op": "conv2d", "out_channels": 4, "kernel_size": 3}
    unit = {"doc": doc, "layers": [{"name": "inner", **conv, "doc": doc}]}
    return {
        "archc": 1, "name": "net", "title": title, "source": source,
        "network": {"input": [3, 9, 9], "layers": [
            {"name": "first", **conv, "doc": doc},
            {"name": "unit", "block": "unit"},
            {"name": "group", "doc": doc, "layers": [{"name": "last", **conv}]},
        ]},
        "blocks": {"unit": unit},
        "heads": [{"name": "aux", "from": "first", "op": "relu", "doc": doc}],
    }  # fmt: skip


def analysed(data: Any, folder: Path) -> tuple[Analysis | None, Sink]:
    path = folder / "net.json"
    path.write_text(json.dumps(data), "utf-8")
    sink = Sink()
    return analyse(path, Loader(sink), sink), sink


def outputs(found: Analysis) -> dict[str, str]:
    """Every output that is made without running anything."""
    network, facts = found.network, found.facts
    table = summarize(network, facts)
    side = Side(network, facts, "net.json")
    listed = row(Entry("net", Path("net.json"), False), found)
    shown: dict[str, str] = {
        "text": tables.as_text(table),
        "csv": tables.as_csv(table),
        "markdown": tables.as_markdown(table),
        "latex": tables.as_latex(table),
        "html": tables.as_html(table),
        "json": table.to_json(),
        "rich": rich(tables.as_rich(table, 100)),
        "python": emit(network),
        "dot": diagram(network, facts).dot(),
        "svg": diagram(network, facts).picture("svg").decode(),
        "memory": memory_text(footprint(network, execution(network)).at(2)),
        "diff": difference(compare(side, side)),
        "diff json": json.dumps(compare(side, side).to_dict()),
        **{f"list {name}": form([listed]) for name, form in FORMATS.items()},
    }
    return shown


def rich(renderable: Any) -> str:
    from rich.console import Console

    out = StringIO()
    Console(file=out, width=100, no_color=True).print(renderable)
    return out.getvalue()


def hidden(text: str) -> set[str]:
    """What a terminal would act on or not show, by Unicode's own categories."""
    kinds = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return {c for c in text if unicodedata.category(c) in kinds} - {"\n"}


_OURS = re.compile(
    r"(?:error|warning)\[[\w-]+\]: | *(?:-->|:::|\||=) ?|\d+ \| | {4,}|$|\.\.\."
)


@settings(deadline=None, max_examples=100)
@given(title=texts, source=texts, doc=texts)
def test_no_output_has_what_steers(
    title: str, source: str, doc: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("text")
    plain, _ = analysed(spec(), folder)
    found, sink = analysed(spec(title, source, doc), folder)
    assert plain is not None
    if found is None:
        # a half of a surrogate pair
        assert {d.code for d in sink} == {"bad-value"}
        return
    shown, expected = outputs(found), outputs(plain)
    for name, text in shown.items():
        lines = text.replace("\r\n", "\n") if "csv" in name else text
        assert not hidden(lines), name
        # no line is added by a text, but where prose is wrapped
        if name not in ("python", "rich", "svg"):
            assert text.count("\n") == expected[name].count("\n"), name
        text.encode()
    for name in ("diff json", "list json"):
        data = json.loads(shown[name])
        data = data[0] if name == "list json" else data["a"]
        assert data["title"] == (title if title.strip() else None), name
    _check_python(shown["python"], expected["python"])
    _check_tables(shown)
    _check_html(shown["html"], expected["html"], title)
    _check_latex(shown["latex"])
    assert _without_strings(shown["dot"]) == _without_strings(expected["dot"])


def _check_python(code: str, expected: str) -> None:
    """Docstrings and comments apart, it is the same program."""
    assert _program(code) == _program(expected)
    comments = [x.partition("#")[2] for x in code.split("\n") if x.lstrip()[:1] == "#"]
    for comment in comments:
        assert not re.match(r"\s*(?:noqa|(?:type|fmt|ruff|pragma)\s*:)", comment)
        assert not re.search(r"#\s*noqa", comment, re.IGNORECASE)
    assert all(len(line) <= 88 for line in code.split("\n"))


def _program(code: str) -> str:
    module = ast.parse(code.encode())
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    # the class may be called after the title's capitals
    return re.sub(r"\bnet\b", "net", ast.dump(module), flags=re.IGNORECASE)


def _check_tables(shown: dict[str, str]) -> None:
    for name in ("csv", "list csv"):
        rows = list(csv.reader(StringIO(shown[name], newline="")))
        assert len({len(cells) for cells in rows}) == 1
        assert not [c for cells in rows for c in cells if c.lstrip()[:1] in [*"=+-@"]]
    for name in ("markdown", "list markdown"):
        for line in shown[name].split("\n"):
            if line.startswith("|"):
                assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) in (3, 7, 8)
            bare = re.sub(r"\\(?:_|[^\w\s])", "", line.strip("*"))
            if not re.fullmatch(r"[|:\- ]*", bare):
                assert not re.search(r"[`*_\[\]<>$&#~]", bare), line
                assert "://" not in bare and "www." not in bare.lower(), line


def _check_html(page: str, expected: str, title: str) -> None:
    assert _tags(page) == _tags(expected)
    shown = visible(title if title.strip() else "net")
    assert shown in html.unescape(page)


def _tags(page: str) -> list[Any]:
    found: list[Any] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
            found.append((tag, attrs))

    Reader().feed(page)
    return found


def _check_latex(page: str) -> None:
    for line in page.split("\n"):
        if not line.startswith((r"\caption", r"\multicolumn{6}{@{}l@{}}{\textbf")):
            continue
        inner = line.partition("{")[2] if line.startswith(r"\caption") else line
        bare = re.sub(r"\\[&%$#_{}]|\\text\w+(?:\{\})?|\$\\times\$", "", inner)
        assert not re.search(r"[%$#_~^<>|]", bare), line


def _without_strings(dot: str) -> str:
    """The statements of a DOT text, without what they say."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|<<.*>>', '""', dot)


@pytest.mark.parametrize("text", [t for t in HOSTILE if "\0" not in t])
def test_generated_code_is_clean(text: str, tmp_path: Path) -> None:
    found, _ = analysed(spec(text, text, text), tmp_path)
    assert found is not None
    (tmp_path / "net.py").write_text(emit(found.network), "utf-8")
    assert not live.ruff("check", "--select", "E,F,W,I,RUF022,RUF100", str(tmp_path))
    assert not live.ruff("format", "--check", str(tmp_path / "net.py"))


@pytest.mark.parametrize("text", HOSTILE[:12])
def test_a_picture_is_one(text: str, tmp_path: Path) -> None:
    found, _ = analysed(spec(text), tmp_path)
    if found is None:
        return
    picture = render(diagram(found.network, found.facts).dot(), "svg").decode()
    assert not hidden(picture)
    ElementTree.fromstring(picture)


def test_graphviz_puts_no_name_in_the_place_of_a_text(tmp_path: Path) -> None:
    title = r"a \N \G \E \T \H \L \l b"
    found, _ = analysed(spec(title), tmp_path)
    assert found is not None
    picture = render(diagram(found.network, found.facts).dot(), "svg").decode()
    words = "".join(ElementTree.fromstring(picture).itertext())
    assert title.replace(" ", "") in re.sub(r"\s", "", words)


@given(texts)
@settings(deadline=None, max_examples=40)
def test_what_is_written_as_toml_reads_the_same(text: str) -> None:
    import tomllib

    written = write_spec({"title": text, "params": {text or "k": [text]}})
    whole = text.encode("utf-8", "replace").decode()
    expected = {"title": whole, "params": {whole or "k": [whole]}}
    assert tomllib.loads(written) == expected
    assert not hidden(written)


POSITIONS: dict[str, Callable[[str], dict[str, Any]]] = {
    "name of the network": lambda text: {**spec(), "name": text},
    "name of its class": lambda text: {**spec(), "class_name": text},
    "name of a layer": lambda text: _changed("name", text),
    "op": lambda text: _changed("op", text),
    "from": lambda text: _changed("from", text),
    "expression": lambda text: _changed("out_channels", text),
    "when": lambda text: _changed("when", text),
    "attribute": lambda text: _changed("padding_mode", text),
    "key of a layer": lambda text: _changed(text, 1),
    "key": lambda text: {**spec(), text: 1},
    "parameter": lambda text: {**spec(), "params": {text: 1}},
    "name of a block": lambda text: {**spec(), "blocks": {text: {"layers": []}}},
    "use": lambda text: {**spec(), "use": [text]},
    "extends": lambda text: {**spec(), "extends": text},
    "init": lambda text: {**spec(), "init": {text: {"weight": text}}},
    "expect": lambda text: {**spec(), "expect": {text: text}},
    "name of a head": lambda text: {
        **spec(), "heads": [{"name": text, "from": text, "op": "relu"}]},
}  # fmt: skip


def _changed(key: str, value: Any) -> dict[str, Any]:
    data = spec()
    data["network"]["layers"][0][key] = value
    return data


@pytest.mark.parametrize("position", POSITIONS)
def test_no_diagnostic_has_what_steers(position: str, tmp_path: Path) -> None:
    for text in HOSTILE:
        found, sink = analysed(POSITIONS[position](text), tmp_path)
        shown = render_text(sink)
        assert not hidden(shown), (position, text)
        # every line is archc's own: its margin, or a heading
        for line in shown.split("\n"):
            assert re.match(_OURS, line), (position, text, line)
        for line in render_github(sink).splitlines():
            assert re.match(r"::(?:error|warning|notice) ?[^\n]*::", line)
        assert not hidden(render_github(sink))
        assert json.loads(render_json(sink)) is not None
        if found is not None:
            for name, output in outputs(found).items():
                assert not hidden(output.replace("\r\n", "\n")), (position, name)


def test_names_that_nobody_sees_are_refused(tmp_path: Path) -> None:
    for name in ("conv\ufe0f", "\u3164", "co\u034fnv", "con\U000e0100v"):
        assert name.isidentifier()
        found, sink = analysed(_changed("name", name), tmp_path)
        assert found is None
        assert "bad-name" in {d.code for d in sink}


def test_the_cases(archc: Archc, tree: Path) -> None:  # noqa: F811
    shown = archc("check", CASES / "name_with_nul.json")
    assert shown.exit_code == 1 and "error[bad-value]" in shown.stdout
    case = CASES / "titles.json"
    for form in ("text", "json", "csv", "markdown", "latex"):
        shown = archc("summary", case, "--format", form)
        assert shown.exit_code == 0
        assert not hidden(shown.stdout.replace("\r\n", "\n")), form
        if form == "text":
            line = shown.stdout.split("\n")[0]
            assert line.startswith(r"A\x1b[31mred\x1b]0;window title\x07\n\n# heading")
            assert r"\u202e turned" in line
    assert archc("compile", case, "-o", "out").exit_code == 0
    code = Path("out/titles.py").read_text("utf-8")
    assert not hidden(code)
    compile(code, "titles.py", "exec")


def test_file_names_are_shown_and_not_done(archc: Archc, tree: Path) -> None:  # noqa: F811
    odd = Path("specs") / "a\x1b[31m\u202e\n::error::b.json"
    odd.parent.mkdir()
    odd.write_text(json.dumps(spec()))
    for arguments in (
        ("check", "specs"), ("check", "specs", "--format", "github"),
        ("summary", odd), ("compile", "specs"), ("list",), ("diff", odd, odd),
        ("list", "--format", "csv"), ("list", "--format", "json"), ("memory", odd),
        ("compile", "specs", "--check"), ("new", "copy", "--from", odd),
        ("summary", "specs"), ("verify", "specs", "-o", "none"),
    ):  # fmt: skip
        result = archc(*arguments)
        assert not hidden(result.output.replace("\r\n", "\n")), arguments
        assert not re.search("^::error::b", result.output, re.MULTILINE)
    code = Path("generated/net.py").read_text("utf-8")
    assert not hidden(code)
    compile(code, "net.py", "exec")
