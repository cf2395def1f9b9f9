"""Read the code fences of a page and the commands in its transcripts: the build and the tests must see the same ones."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

OPENING = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
# The commands of tools/ build, serve or deploy the whole guide: each has tests of its own, and is too slow to run here.
RUN = re.compile(r"(?:[A-Z_]+=\S+ )*(?:curl|uv run python(?! -m tools\.)) ")
# A page that is no pattern names the example of the transcripts that follow: <!-- example: global-api-kv -->
NAMED = re.compile(r"<!-- example: ([a-z0-9-]+) -->")


class FenceError(AssertionError):
    """A fence or what it includes is wrong; the message names file, line and remedy."""


@dataclass(frozen=True)
class Fence:
    """One fence.

    Attributes:
        language: the first word of the info string, without braces and dot; empty where none is given.
        body: the lines between, without the fence's indent.
        line: the line of the opening fence, from 1.
        start: offset of the opening fence in the text.
        end: offset after the closing fence.
    """

    language: str
    body: str
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Command:
    """One command of a transcript.

    Attributes:
        text: what the reader types, without the prompt.
        expected: the output on the page.
        line: its line in the page.
    """

    text: str
    expected: str
    line: int

    @property
    def runs(self) -> bool:
        """Whether the tests run it here; other commands set the example up and are run with its README."""
        return bool(RUN.match(self.text))


def fences(text: str, place: str) -> Iterator[Fence]:
    """Yield the fences of a page.

    Raises:
        FenceError: a fence is never closed.
    """
    offset, opened = 0, None
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        match = OPENING.match(line.rstrip("\n"))
        if opened is None and match:
            opened = (match, number, offset, offset + len(line))
        elif (
            opened
            and (closing := match)
            and not closing["info"].strip()
            and closing["ticks"].startswith(opened[0]["ticks"])
        ):
            head, at, start, inner = opened
            language = re.sub(r"\s*\{?\.?([\w-]*).*", r"\1", head["info"], count=1)
            body = re.sub(rf"^{head['indent']}", "", text[inner:offset], flags=re.M)
            yield Fence(language, body, at, start, offset + len(line))
            opened = None
        offset += len(line)
    if opened:
        raise FenceError(f"{place}:{opened[1]}: this fence is never closed")


def commands(fence: Fence, place: str) -> list[Command]:
    """Return the commands of a ``console`` fence.

    Raises:
        FenceError: the fence does not start with a command.
    """
    found: list[Command] = []
    lines = fence.body.rstrip().split("\n")
    if not lines[0].startswith("$ "):
        raise FenceError(f"{place}:{fence.line}: a console fence starts with '$ ' and a command")
    continued = False
    for number, line in enumerate(lines, start=fence.line + 1):
        if continued:
            last = found.pop()
            found.append(Command(f"{last.text}\n{line}", "", last.line))
        elif line.startswith("$ "):
            found.append(Command(line[2:], "", number))
        else:
            last = found.pop()
            found.append(Command(last.text, f"{last.expected}{line}\n", last.line))
        continued = line.endswith("\\") and (continued or line.startswith("$ "))
    return found


def transcripts(text: str, place: str, own: str) -> list[tuple[str, list[Command]]]:
    """Return ``(example, commands)`` of each ``console`` fence of a page, in order.

    Args:
        text: the page.
        place: its path, for messages.
        own: the example of a page that names none: its slug.
    """
    found = []
    for fence in fences(text, place):
        if fence.language == "console":
            named = NAMED.findall(text[: fence.start])
            found.append((named[-1] if named else own, commands(fence, place)))
    return found


def fingerprint(text: str, place: str, own: str) -> str:
    """Return a hash over the commands of a page that the tests run, and over their output; empty where it has none."""
    found = [c for _, commands in transcripts(text, place, own) for c in commands if c.runs]
    shown = "\0".join(f"{c.text}\0{c.expected}" for c in found)
    return hashlib.sha256(shown.encode()).hexdigest()[:16] if found else ""
