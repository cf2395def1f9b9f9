"""What the Python of the project says about itself: which tests import a module, and which tests name a file."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def words(text: str) -> set[str]:
    """Return the parts of the paths in a text: ``uv run python tools/x.py`` has ``tools`` and ``x.py``; plain words count only alone."""
    pieces = text.split()
    paths = pieces if len(pieces) == 1 else [piece for piece in pieces if "/" in piece]
    return {part.removesuffix(".md") for path in paths for part in re.findall(r"[\w.-]+", path)}


class Module:
    """One Python file, read but never run.

    Attributes:
        path: the file, from the root.
        tree: its syntax tree.
        symbols: what stands at its top level, by name.
    """

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.tree = ast.parse(source, path)
        self.symbols: dict[str, ast.stmt] = {}
        for node in self.tree.body:
            if isinstance(node, (*FUNCTION, ast.ClassDef)):
                self.symbols[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self.symbols |= {name.id: node for name in ast.walk(target) if isinstance(name, ast.Name)}

    @property
    def is_test(self) -> bool:
        return self.path.rpartition("/")[2].startswith("test_")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def texts(self) -> list[str]:
        return [n.value for n in self.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]

    @cached_property
    def imports(self) -> list[tuple[str, str, str]]:
        """Return module, name in it (empty for the whole), and name here, for each import."""
        found = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(alias.name, "", alias.asname or alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                here = self.path.split("/")[: -node.level] if node.level else []
                module = ".".join([*here, *filter(None, [node.module])])
                found += [(module, alias.name, alias.asname or alias.name) for alias in node.names]
        return found

    @cached_property
    def arguments(self) -> set[str]:
        """Return the names by which functions here ask for fixtures."""
        return {a.arg for f in self.nodes if isinstance(f, FUNCTION) for a in f.args.args}


class Graph:
    """All Python files of the project and how they lean on each other."""

    def __init__(self, root: Path, files: Iterable[str], users: Mapping[str, Iterable[str]]) -> None:
        """Read the files; ``users`` are those that are no Python and load some, each with what it loads."""
        settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        self._roots = settings["tool"]["pytest"]["ini_options"]["pythonpath"]
        self.modules: dict[str, Module] = {}
        for path in sorted(f for f in files if f.endswith(".py")):
            # A file that is gone or broken still has users, which must hear of it.
            with suppress(FileNotFoundError, SyntaxError):
                self.modules[path] = Module(path, "")
                self.modules[path] = Module(path, (root / path).read_text(encoding="utf-8"))
        # What a test gets by the name of an argument; conftest.py names the files.
        self._plugins = [p for text in self.modules["conftest.py"].texts if "." in text for p in self._files(text)]
        plugins = [self.modules[path] for path in self._plugins]
        self._fixtures = {name: (module, node) for module in plugins for name, node in fixtures(module)}
        self._users: dict[str, set[str]] = {}
        for path, found in {**users, **{path: self._uses(m) for path, m in self.modules.items()}}.items():
            for used in found:
                self._users.setdefault(used, set()).add(path)

    def _files(self, name: str) -> list[str]:
        """Return the file behind a dotted name, or none."""
        if not re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", name):
            return []
        path = name.replace(".", "/")
        tried = (f"{r}/{path}{end}".removeprefix("./") for r in self._roots for end in (".py", "/__init__.py"))
        return [file for file in tried if file in self.modules][:1]

    def _uses(self, module: Module) -> set[str]:
        found: set[str] = set()
        if module.path not in self._plugins:
            for name, part, _ in module.imports:
                found.update(self._files(f"{name}.{part}") or self._files(name))
            # A module that is run by its name: [sys.executable, "-m", "tools.hosting.offline"].
            found.update(f for text in module.texts if "." in text for f in self._files(text))
        for name in (module.arguments - module.symbols.keys()) & self._fixtures.keys():
            found |= self._behind(name)
        packages = {f"{parent}/__init__.py" for file in found for parent in Path(file).parents} & self.modules.keys()
        return (found | packages) - {module.path}

    def _behind(self, fixture: str) -> set[str]:
        """Return the files that a fixture uses, through the fixtures that it asks for."""
        module, node = self._fixtures[fixture]
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        found = {module.path, *(f for name, _, here in module.imports if here in used for f in self._files(name))}
        asked = {a.arg for a in node.args.args} & self._fixtures.keys() - {fixture}
        return found.union(*(self._behind(name) for name in asked))

    def users(self, path: str) -> set[str]:
        """Return every file that imports this one, directly or through others; itself too."""
        seen, left = {path}, [path]
        while left:
            new = self._users.get(left.pop(), set()) - seen
            seen |= new
            left += new
        return seen

    def naming(self, parts: set[str]) -> set[str]:
        """Return the tests, each ``path::test``, that name all these parts of a path."""
        return set.intersection(*(self._naming.get(part, set()) for part in parts))

    @cached_property
    def _naming(self) -> dict[str, set[str]]:
        """Each word to the tests that use it, by themselves or through functions and constants."""
        found: dict[str, set[str]] = {}
        for module in self.modules.values():
            for name, node in module.symbols.items():
                if module.is_test and name.startswith("test_") and isinstance(node, FUNCTION):
                    for word in self._words(module, node):
                        found.setdefault(word, set()).add(f"{module.path}::{name}")
        return found

    def _words(self, module: Module, node: ast.AST) -> set[str]:
        found: set[str] = set()
        seen, left = set[str](), [node]
        while left:
            for inner in ast.walk(left.pop()):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    found |= words(inner.value)
                name = inner.id if isinstance(inner, ast.Name) else inner.arg if isinstance(inner, ast.arg) else ""
                if not name or name in seen:
                    continue
                seen.add(name)
                if name in module.symbols:
                    left.append(module.symbols[name])
                else:
                    found |= self._constant(module, name)
        return found

    def _constant(self, module: Module, name: str) -> set[str]:
        """Return the words of a constant that another file of the project defines, such as ``SNIPPETS``."""
        for source, part, here in module.imports:
            for file in self._files(source) if here == name else []:
                node = self.modules[file].symbols.get(part)
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Constant):
                    texts = (n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant))
                    return {word for text in texts if isinstance(text, str) for word in words(text)}
        return set()


def fixtures(module: Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the fixtures of a plugin."""
    for name, node in module.symbols.items():
        if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(d) for d in node.decorator_list):
            yield name, node
