"""`docs/architecture.md` says that imports run one way; here it is held to that."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import archc

PACKAGE = Path(archc.__file__).parent
# what the compiler must not load, and what it may only load in the stage that needs it
_HEAVY = {
    "torch",
    "torchvision",
    "networkx",
    "jinja2",
    "graphviz",
    "pygraphviz",
    "rich",
}


def _modules() -> dict[str, ast.Module]:
    found: dict[str, ast.Module] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def _loaded(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """What importing a module imports at once: the module, and a name from it."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def _imported(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """What a module imports anywhere: in functions and for its types as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def _graph() -> dict[str, set[str]]:
    """The modules of archc, and which of them each imports."""
    modules = _modules()
    graph: dict[str, set[str]] = {}
    for module, tree in modules.items():
        graph[module] = set()
        for source, name in _imported(tree):
            target = f"{source}.{name}" if f"{source}.{name}" in modules else source
            if target in modules and target != module:
                graph[module].add(target)
    return graph


def test_imports_run_in_no_circle() -> None:
    """Late imports and those for types alone count: a circle is one all the same."""
    graph = _graph()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {error.args[1]}") from None


_SPEC = {"spec/expressions/", "spec", "ops", "source", "diagnostics", "escaping.py"}
_NUMBERS = _SPEC | {"network", "measure"}
_READINGS = _NUMBERS | {
    "advice",
    "emit",
    "draw",
    "compare",
    "design",
    "page",
    "run",
    "output.py",
    "forked.py",
}
# a layer of docs/architecture.md, and the others that it may import
_LAYERS: dict[str, set[str]] = {
    "escaping.py": set(),
    "diagnostics": {"escaping.py"},
    "output.py": set(),
    "forked.py": set(),
    "version.py": set(),
    "source": {"diagnostics", "escaping.py"},
    "catalog.py": {"source", "diagnostics"},
    "spec/expressions/": {"diagnostics"},
    "ops": {"spec/expressions/"},
    "spec": {
        "spec/expressions/",
        "ops",
        "source",
        "diagnostics",
        "catalog.py",
        "escaping.py",
    },
    "network": _SPEC,
    "measure": {"network", "ops", "escaping.py"},
    "network/check.py": _NUMBERS,
    "pipeline.py": _NUMBERS | {"network/check.py"},
    "mending.py": {"diagnostics", "source", "spec", "output.py"},
    "emit": {"network", "ops", "spec", "spec/expressions/", "escaping.py"},
    "draw": {"network", "ops", "spec", "spec/expressions/", "measure", "escaping.py"},
    "compare": _NUMBERS | {"draw"},
    "advice": _NUMBERS,
    "design": _NUMBERS | {"emit", "pipeline.py", "output.py"},
    "importing": {"ops", "spec", "spec/expressions/", "source"},
    "importing/writing": _NUMBERS | {"importing", "pipeline.py", "emit"},
    "live": _NUMBERS
    | {"advice", "catalog.py", "pipeline.py", "draw", "emit", "output.py"}
    | {"version.py"},
    "run": (_READINGS - {"advice", "compare", "design", "draw"})
    | {"importing", "importing/writing", "pipeline.py"},
    "schema.py": {"spec", "spec/expressions/", "ops"},
    "page": _NUMBERS
    | {"network/check.py", "pipeline.py", "emit", "compare", "live", "version.py"},
    "api": _READINGS | {"catalog.py", "pipeline.py", "version.py"},
    "cli": _READINGS
    | {"version.py"}
    | {"catalog.py", "pipeline.py", "mending.py", "schema.py", "api", "importing"}
    | {"importing/writing", "live"},
    "pytest_plugin.py": {
        "catalog.py",
        "cli",
        "run",
        "emit",
        "diagnostics",
        "pipeline.py",
    },
}


def _layer(module: str) -> str:
    """The longest of the layers that a module stands in."""
    if module.endswith("__main__"):
        return "cli"  # where a command starts
    if module == "archc":
        return "api"  # it hands that on
    path = module.removeprefix("archc.").replace(".", "/")
    fitting = [
        layer
        for layer in _LAYERS
        if f"{path}/".startswith(f"{layer.removesuffix('.py').rstrip('/')}/")
    ]
    return max(fitting, key=len)


def test_no_import_runs_back_up() -> None:
    for module, targets in _graph().items():
        own = _layer(module)
        for target in targets:
            found = _layer(target)
            assert found == own or found in _LAYERS[own], f"{module} imports {target}"


def test_the_layers_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs/architecture.md").read_text("utf-8")
    table = page.partition("| layer | may import |")[2].partition("\n\n")[0]
    named = {
        name
        for row in table.splitlines()[2:]
        for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    assert named == set(_LAYERS)


def test_heavy_imports_are_late() -> None:
    for module, tree in _modules().items():
        early = {source.partition(".")[0] for source, _ in _loaded(tree)}
        if module.startswith("archc.run"):
            early -= {"torch", "torchvision"}
        assert not early & _HEAVY, f"{module} loads {early & _HEAVY} when imported"


def test_torch_is_for_what_runs() -> None:
    """Nothing loads archc.run when it is imported, and with it torch."""
    for module, tree in _modules().items():
        if not module.startswith("archc.run"):
            assert not any(s.startswith("archc.run") for s, _ in _loaded(tree)), module
