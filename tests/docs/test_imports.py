"""`docs/architecture.md` says that imports run one way; here it is held to that."""

from __future__ import annotations

import ast
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


def test_imports_run_one_way() -> None:
    modules = _modules()
    graph: dict[str, set[str]] = {}
    for module, tree in modules.items():
        graph[module] = {
            target
            for source, name in _loaded(tree)
            for target in (f"{source}.{name}", source)
            if target in modules and target != module
        }
        # a package is loaded before what is in it, and says nothing itself
        graph[module] -= {m for m in graph[module] if f"{m}." in f"{module}."}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {error.args[1]}") from None


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
