"""Follow what the code fences of a Markdown page include: a tested file, or a named section of one."""

import re
from pathlib import Path

from model.files import GuideError
from model.markdown import Fence, fences

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*--8<-- "(?P<path>[^":]+)(?::(?P<section>[\w-]+))?"\s*$')
__all__ = ["ROOT", "Fence", "GuideError", "fences", "included", "section"]
TESTED = ("snippets/", "experiments/")
MARKER = re.compile(r"--8<-- \[(start|end):([\w-]+)\]")


def section(path: Path, name: str) -> str:
    """Return the lines between a file's ``[start:name]`` and ``[end:name]``.

    Raises:
        GuideError: a marker is missing or doubled, or the section is empty.
    """
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(ROOT)
    found = {kind: [m for m in MARKER.finditer(text) if m[1] == kind and m[2] == name] for kind in ("start", "end")}
    for kind, matches in found.items():
        if len(matches) != 1:
            raise GuideError(f"{place}: [{kind}:{name}] occurs {len(matches)} times; it must occur once")
    body = text[found["start"][0].end() : found["end"][0].start()]
    code = "\n".join(line for line in body.splitlines()[1:-1] if not MARKER.search(line))
    if not code.strip():
        raise GuideError(f"{place}: section {name} is empty, or its end comes first")
    return code


def included(fence: Fence, place: str) -> str:
    """Return the code that a fence of ``--8<--`` lines shows.

    Raises:
        GuideError: it mixes code and includes, or names a file or a section that is not there.
    """
    parts = []
    for number, line in enumerate(fence.body.splitlines(), start=fence.line + 1):
        match = INCLUDE.match(line)
        if not match and line.strip():
            raise GuideError(f"{place}:{number}: put this code into a tested file and include it by named section")
        if match:
            path = ROOT / match["path"]
            if not match["path"].startswith(TESTED) or not path.is_file():
                raise GuideError(f"{place}:{number}: {match['path']} is no file under {' or '.join(TESTED)}")
            try:
                parts.append(section(path, match["section"]) if match["section"] else path.read_text(encoding="utf-8"))
            except GuideError as error:
                raise GuideError(f"{place}:{number}: {error}") from None
    return "\n".join(parts)
