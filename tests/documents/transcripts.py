"""Run the console transcripts of a page against its example and compare the output with the page."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.documents.fences import ROOT, Fence, FenceError

ADDRESS = "http://localhost:8787"
# The commands of tools/ build, serve or deploy the whole guide: each has tests of its own, and is too slow to run here.
RUN = re.compile(r"(?:[A-Z_]+=\S+ )*(?:curl|uv run python(?! -m tools\.)) ")
ANY = "…"


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


def matches(expected: str, actual: str) -> bool:
    """Compare output; ``…`` stands for any text in a line, and alone on a line for any number of lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ANY else ".*?".join(map(re.escape, line.rstrip().split(ANY))) + r"[ \t]*\n"
        for line in expected.rstrip().split("\n")
    )
    return re.fullmatch(pattern, actual.rstrip() + "\n") is not None


def run(command: Command, url: str, folder: Path = ROOT) -> str:
    """Run a command in bash with the real curl, against a running example, and return what it prints."""
    text = command.text.replace(ADDRESS, url).replace("uv run python", f"'{sys.executable}'")
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, capture_output=True, text=True, timeout=30, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    return (done.stdout + done.stderr).replace("\r\n", "\n").replace(url, ADDRESS)


def check(command: Command, url: str, place: str) -> str:
    """Run a command and return its output.

    Raises:
        FenceError: the output is not what the page shows.
    """
    actual = run(command, url)
    if not matches(command.expected, actual):
        raise FenceError(
            f"{place}:{command.line}: $ {command.text}\n--- the page shows\n{command.expected}--- the example answers\n{actual}"
        )
    return actual
