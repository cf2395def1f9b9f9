"""Read the code fences of a page and the commands in its transcripts: the build and the tests must see the same ones."""

import hashlib
import re
from dataclasses import dataclass

from model.files import GuideError
from model.markdown import Fence, fences

# The commands of tools/ build, serve or deploy the whole guide: each has tests of its own, and is too slow to run here.
RUN = re.compile(r"(?:[A-Z_]+=\S+ )*(?:curl|uv run python(?! -m (?:tools|runtime)\.)) ")
# A page that is no pattern names the example of the transcripts that follow: <!-- example: global-api-kv -->
NAMED = re.compile(r"<!-- example: ([a-z0-9-]+) -->")


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
    def button(self) -> bool:
        """Whether a page may offer it: a command that runs and prints nothing starts a server, and does not end."""
        return self.runs and bool(self.text.startswith("curl ") or self.expected)

    @property
    def runs(self) -> bool:
        """Whether the tests run it here; other commands set the example up and are run with its README."""
        return bool(RUN.match(self.text))


def commands(fence: Fence, place: str) -> list[Command]:
    """Return the commands of a ``console`` fence."""
    found: list[Command] = []
    lines = fence.body.rstrip().split("\n")
    if not lines[0].startswith("$ "):
        raise GuideError(f"{place}:{fence.line}: a console fence starts with '$ ' and a command")
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
