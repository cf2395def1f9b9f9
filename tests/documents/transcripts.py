"""Run the console transcripts of a page against its example and compare the output with the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

from model.files import GuideError
from model.transcripts.commands import Command, commands
from model.transcripts.curl import ADDRESS
from tests.documents.fences import ROOT
from tests.support.patience import PATIENCE_S

__all__ = ["ADDRESS", "Command", "answered", "check", "commands", "matches", "run"]
ANY = "…"


def matches(expected: str, actual: str) -> bool:
    """Compare output; ``…`` stands for any text in a line, and alone on a line for any number of lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ANY else ".*?".join(map(re.escape, line.rstrip().split(ANY))) + r"[ \t]*\n"
        for line in expected.rstrip().split("\n")
    )
    return re.fullmatch(pattern, actual.rstrip() + "\n") is not None


def run(command: Command, url: str, folder: Path = ROOT, headers: Path | None = None) -> str:
    """Run a command in bash with the real curl, against a running example, and return what it prints.

    Args:
        command: the command.
        url: where the example runs.
        folder: where the reader stands.
        headers: a file in which curl leaves the status and the headers of its last answer, besides what it prints.
    """
    text = command.text.replace(ADDRESS, url).replace("uv run python", f"'{sys.executable}'")
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    if headers:
        (headers.parent / ".curlrc").write_text(f'dump-header = "{headers}"\n')
        env["CURL_HOME"] = str(headers.parent)
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, env=env, check=False
    )
    return (done.stdout + done.stderr).replace("\r\n", "\n").replace(url, ADDRESS)


def answered(printed: str, headers: Path) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of the last answer that a command got, from what it printed and left in a file."""
    left = headers.read_text(errors="replace").replace("\r\n", "\n") if headers.is_file() else printed
    last = left[left.rindex("HTTP/1.1") :].partition("\n\n")[0].splitlines()
    pairs = (line.partition(":") for line in last[1:])
    body = printed.partition("\n\n")[2] if printed.startswith("HTTP/") else printed
    return int(last[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, body


def check(command: Command, url: str, place: str, headers: Path | None = None) -> str:
    """Run a command and return its output.

    Raises:
        GuideError: the output is not what the page shows.
    """
    actual = run(command, url, headers=headers)
    if not matches(command.expected, actual):
        raise GuideError(
            f"{place}:{command.line}: $ {command.text}\n--- the page shows\n{command.expected}--- the example answers\n{actual}"
        )
    return actual
