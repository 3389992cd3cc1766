"""A checksum of source files together with all first-party code that they import.

It is the part of a content address that stands for the code: editing a file, or anything that it
depends on, changes it; editing an unrelated topic does not. Imports are read from the syntax tree,
nothing is imported. CUDA sources count where a file names one that lies beside it. Third-party
packages do not enter.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("theory", "proofs_check", "simulations")
ROOT = Path(__file__).resolve().parents[2]
# The command line presents results and does not make them.
_IGNORED = ("simulations", "app")
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_CUDA = re.compile(rb'"(\w+\.cuh?)"')

ModuleName = tuple[str, ...]


def fingerprint(
    files: Iterable[str | Path], *, packages: Iterable[str] = PACKAGES, root: str | Path = ROOT
) -> str:
    """Return the sha256 over `files` and the transitive closure of their first-party imports.

    Parameters
    ----------
    files : iterable of path
        Python files, inside the project or anywhere else.
    packages : iterable of str
        First-party packages: directories in `root`. A file elsewhere may also import its own
        package and, if it is not installed, the modules beside it; they count as first-party.
    root : path
        The directory that contains the packages; by default that of this installation.

    Returns
    -------
    str
        Hexadecimal. It does not depend on the order of `files` or on where the directories lie.
        ``__init__`` files of enclosing packages take part; ``simulations.app`` does not, unless
        it is among `files`.

    Raises
    ------
    ValueError
        If a file cannot be read or is not valid Python; the text names it.

    Notes
    -----
    Every import statement counts, at whatever depth and under whatever condition. An import by
    computed name is not seen. Parsed files, with what their imports lead to, are remembered until
    they change on the disk.
    """
    project = _Home(Path(root).resolve(), frozenset(packages))
    found: dict[Path, _Module] = {}
    waiting = [Path(file).resolve() for file in files]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = _read(file, project)
            waiting += found[file].dependencies
    lines = sorted(f"{module.name} {module.digest}" for module in found.values())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class _Home:
    """A directory on the import path, and which of its top-level names are first-party."""

    directory: Path
    names: frozenset[str] | None

    def name_of(self, file: Path) -> ModuleName:
        """Dotted name of the module in a file; a package is named like its directory."""
        parts = file.relative_to(self.directory).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts

    def files_of(self, module: ModuleName) -> Iterator[Path]:
        """Files that an import of `module` executes: itself and the packages around it."""
        if not module or (self.names is not None and module[0] not in self.names):
            return
        if module[: len(_IGNORED)] == _IGNORED:
            return
        path = self.directory
        for part in module:
            path = path / part
            package, single = path / "__init__.py", path.with_name(f"{part}.py")
            if package.is_file():
                yield package
            elif single.is_file():
                yield single


def _home_of(file: Path, project: _Home) -> _Home:
    inside = file.is_relative_to(project.directory)
    if inside and file.relative_to(project.directory).parts[0] in (project.names or ()):
        return project
    directory = file.parent
    while (directory / "__init__.py").is_file():
        directory = directory.parent
    if directory == file.parent and not _INSTALLED & set(directory.parts):
        return _Home(directory, None)
    return _Home(directory, frozenset({file.relative_to(directory).with_suffix("").parts[0]}))


@dataclass(frozen=True)
class _Module:
    """Dotted name and checksum of a file, and the files that it imports directly."""

    name: str
    digest: str
    dependencies: tuple[Path, ...]


_modules: dict[tuple[Path, _Home, int, int, int], _Module] = {}


def _read(file: Path, project: _Home) -> _Module:
    try:
        status = file.stat()
        key = (file, project, status.st_ino, status.st_mtime_ns, status.st_size)
        if key not in _modules:
            _modules[key] = _analyse(file, file.read_bytes(), project)
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from error
    except SyntaxError as error:
        raise ValueError(f"{file}: line {error.lineno}: {error.msg}") from error
    return _modules[key]


def _analyse(file: Path, source: bytes, project: _Home) -> _Module:
    digest = hashlib.sha256(source).hexdigest()
    named = sorted({file.with_name(name.decode()) for name in _CUDA.findall(source)})
    kernels = tuple(path for path in named if path.is_file())
    if file.suffix != ".py":
        return _Module(file.name, digest, kernels)
    home = _home_of(file, project)
    name = home.name_of(file)
    package = name if file.name == "__init__.py" else name[:-1]
    modules = {package}
    for level, imported in _imports(ast.parse(source).body):
        modules.add(package[: len(package) - level + 1] + imported if level else imported)
    places = dict.fromkeys((home, project))
    paths = [path for place in places for module in modules for path in place.files_of(module)]
    return _Module(".".join(name), digest, (*dict.fromkeys(paths), *kernels))


def _imports(body: Iterable[ast.AST]) -> Iterator[tuple[int, ModuleName]]:
    """Imports in statements, at any depth; expressions cannot contain any and are not visited."""
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            # What is imported may be a submodule; a name that is none has no file.
            for alias in node.names:
                yield node.level, (*module, alias.name)
        else:
            for block in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner = getattr(node, block, None)
                if isinstance(inner, list):
                    yield from _imports(inner)
