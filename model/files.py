"""Where the guide lies, how its YAML is read, and data that is read again only when one of its files changed."""

import functools
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import yaml

ROOT = Path(__file__).resolve().parent.parent
LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

P = ParamSpec("P")
T = TypeVar("T")


class GuideError(Exception):
    """The guide is wrong somewhere; the message names file, line or entry, and the remedy. The build ends with it."""


def parse_yaml(text: str, place: str, above: int = 0) -> Any:
    """Return what a YAML text holds: plain data, never objects of a class.

    Args:
        text: the YAML.
        place: its file, for the message.
        above: how many lines of the file stand above it.

    Raises:
        GuideError: it is not YAML.
    """
    try:
        return yaml.load(text, LOADER)  # noqa: S506 - both loaders are safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, problem = (mark.line, getattr(error, "problem", "")) if mark else (0, str(error))
        raise GuideError(f"{place}:{line + above + 1}: not YAML: {problem}. Correct it.") from error


def read_yaml(path: Path, place: str = "") -> Any:
    """Return what a YAML file holds.

    Raises:
        GuideError: it is not YAML; ``place`` or the path below the root, and the line, are in the message.
    """
    known = place or (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()
    return parse_yaml(path.read_text(encoding="utf-8"), known)


def fresh(files: Callable[P, Iterable[Path]]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function keep what it returned, for each set of arguments, until one of its files changes.

    What is kept is shared: callers copy before they change it.

    Args:
        files: returns, for the function's own arguments, the files that it reads.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        kept: dict[Hashable, tuple[Hashable, T]] = {}

        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (args, tuple(kwargs.items()))
            stamps = ((path, path.stat()) for path in sorted(files(*args, **kwargs)) if path.is_file())
            stamp = tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stamps)
            if key not in kept or kept[key][0] != stamp:
                kept[key] = stamp, function(*args, **kwargs)
            return kept[key][1]

        return asked

    return decorate
