"""Check what the house promises of its own code: no class of ours more than four deep, no circle of imports, those in
functions included, and no class that asks itself what else it is.

`check_structure.py --figures` tells what it found, also where all is well.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_DEPTH = 4
"""Classes of ours from `object` down. What a library has above counts as nothing: it is the library's."""

Imports = Mapping[str, set[str]]


def modules(root: Path) -> dict[str, ast.Module]:
    """The modules of all distributions, by name."""
    found = {}
    for src in sorted(root.glob("packages/dws-*/src")):
        for path in src.rglob("*.py"):
            parts = path.relative_to(src).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All that is run: what stands below `if TYPE_CHECKING` is not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node)


def imports(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """What each module names in its imports, wherever they stand. That a package is imported before its modules is no
    import of theirs."""
    found: dict[str, set[str]] = {}
    for name, tree in trees.items():
        found[name] = set()
        for node in _nodes(tree):
            if isinstance(node, ast.ImportFrom) and node.module in trees:
                for alias in node.names:
                    module = f"{node.module}.{alias.name}"
                    found[name].add(module if module in trees else node.module or "")
            elif isinstance(node, ast.Import):
                found[name].update(alias.name for alias in node.names if alias.name in trees)
        found[name].discard(name)
    return found


def circles(graph: Imports) -> list[list[str]]:
    """The groups of modules of which each leads to each other (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group = sorted(stack[at:])
            del stack[at:]
            if len(group) > 1:
                found.append(group)

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def chains(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """The classes of ours above each class of ours, and itself: the longest way down."""
    bases: dict[str, list[str]] = {}
    for module, tree in trees.items():
        known: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                known.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                names = [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases]
                bases[f"{module}.{node.name}"] = [known.get(name, name) for name in names]
    by_name: dict[str, list[str]] = {}
    for full in bases:
        by_name.setdefault(full.rpartition(".")[2], []).append(full)

    def home(name: str, module: str) -> str | None:
        for full in (f"{module}.{name}", name):
            if full in bases:
                return full
        of_ours = by_name.get(name.rpartition(".")[2], [])  # through a package that offers it
        return of_ours[0] if len(of_ours) == 1 else None

    found: dict[str, list[str]] = {}

    def chain(full: str) -> list[str]:
        if full not in found:
            found[full] = [full]
            above = [home(base, full.rpartition(".")[0]) for base in bases[full]]
            longest = max((chain(base) for base in above if base not in (None, full)), key=len, default=[])
            found[full] = [*longest, full]
        return found[full]

    for full in bases:
        chain(full)
    return found


def questions_to_itself(trees: Mapping[str, ast.Module]) -> list[str]:
    return [
        f"{name}:{node.lineno}: isinstance(self, …)"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "isinstance"
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id == "self"
    ]


def problems(trees: Mapping[str, ast.Module]) -> list[str]:
    found = [f"circle of imports: {', '.join(circle)}" for circle in circles(imports(trees))]
    found += [
        f"{chain[-1]} is {len(chain)} deep: {' > '.join(name.rpartition('.')[2] for name in chain)}"
        for chain in chains(trees).values()
        if len(chain) > MAX_DEPTH
    ]
    return found + questions_to_itself(trees)


def main() -> int:
    trees = modules(ROOT)
    found = problems(trees)
    print("\n".join(found))
    if "--figures" in sys.argv:
        deepest = max(chains(trees).values(), key=len)
        print(f"deepest: {' > '.join(deepest)}")
        print(f"circles: {len(circles(imports(trees)))}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
