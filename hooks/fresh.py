"""Read data again only when one of its files changed: one build asks for the same facts ten times, and a writer builds often."""

import functools
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


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
