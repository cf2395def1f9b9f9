"""Where the guide lies, how its YAML is read and held to its shape, and data that is read again only when its file changed."""

import datetime
import functools
import re
from collections.abc import Callable, Hashable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import yaml

ROOT = Path(__file__).resolve().parent.parent
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What a browser would run. Data is text and is escaped where it becomes HTML; this has no business in it all the same.
CODE = re.compile(r"<\W*(?:script|style|iframe|object|embed|base|meta|link)\b|javascript:|\bon[a-z]+\s*=", re.I)
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TYPES = {"text": {str}, "slug": {str}, "number": {int, float}, "whole": {int}, "date": {datetime.date}, "flag": {bool}}

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
    """
    try:
        found = yaml.load(text, LOADER)  # noqa: S506 - both loaders are safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        last = text.rstrip().count("\n")  # where a text ends too early, the built reader marks the line behind it
        line, problem = (min(mark.line, last), getattr(error, "problem", "")) if mark else (0, str(error))
        raise GuideError(f"{place}:{line + above + 1}: not YAML: {problem}. Correct it.") from error
    shape = next((shape for name, shape in shapes().items() if fnmatchcase(place, name)), "any")
    if wrong := misfit(found, shape):
        path, problem = wrong
        raise GuideError(f"{place}:{_line(text, path) + above}: {'.'.join(map(str, path)) or 'the file'} {problem}")
    return found


def _line(text: str, path: tuple[Any, ...]) -> int:
    node = yaml.compose(text, LOADER)
    for step in path:
        inner = {key.value: of for key, of in node.value} if isinstance(node, yaml.MappingNode) else node.value
        node = inner[step if isinstance(inner, list) else str(step)]
    return node.start_mark.line + 1 if node else 1


def misfit(value: Any, shape: Any, path: tuple[Any, ...] = ()) -> tuple[tuple[Any, ...], str] | None:
    """Return where data is not what its shape says, and what is wrong there with the remedy; nothing where it fits."""
    parts: dict[Any, Any] = {}
    if isinstance(shape, list):
        if not isinstance(value, list):
            return path, "is no list. Write one, with a dash before each entry."
        parts = dict.fromkeys(range(len(value)), shape[0])
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            return path, "is no mapping. Write `key: value`."
        if missing := [key for key in shape if key[-1] not in "?*" and key not in value]:
            return path, f"lacks {', '.join(missing)}. Add it."
        parts = {key: shape.get(key, shape.get(f"{key}?", shape.get("*"))) for key in value}
        if unknown := [key for key, of in parts.items() if of is None]:
            return (*path, unknown[0]), f"is unknown here. Remove it, or write one of {', '.join(shape)}."
    elif " | " in shape:
        if value not in shape.split(" | "):
            return path, f"is {value!r}. Write one of {', '.join(shape.split(' | '))}."
    elif shape != "any" and type(value) not in set().union(*(TYPES[name] for name in shape.split(" or "))):
        return path, f"is {value!r}. Write a {shape}."
    if any(isinstance(text, str) and CODE.search(text) for text in (value, *parts)):
        return path, "holds code that a browser would run. Data is text: take it out."
    if shape == "slug" and not SLUG.fullmatch(value):
        return path, f"is {value!r}. Write lower-case words joined by dashes."
    return next((wrong for key, of in parts.items() if (wrong := misfit(value[key], of, (*path, key)))), None)


def read_yaml(path: Path, place: str = "") -> Any:
    """Return what a YAML file holds."""
    known = place or (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()
    return parse_yaml(path.read_text(encoding="utf-8"), known)


@functools.cache
def shapes() -> dict[str, Any]:
    """Return what each file may hold."""
    found: dict[str, Any] = yaml.load((ROOT / "model" / "shapes.yml").read_text(encoding="utf-8"), LOADER)  # noqa: S506 - both loaders are safe ones
    return found


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
