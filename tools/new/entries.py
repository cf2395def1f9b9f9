"""Say what a new pattern adds to files that exist: a few lines behind others of their kind; the rest keeps its bytes."""

import datetime
import json
import re
from typing import NamedTuple

from tools.new.template import Tokens, fill


class NewError(Exception):
    """A pattern cannot be begun like this; the message says why."""


class Entry(NamedTuple):
    """Lines that go into one file.

    Attributes:
        path: the file.
        behind: what they follow, a regular expression over whole lines; its last match counts.
        text: the lines, with tokens.
    """

    path: str
    behind: str
    text: str


ENTRIES = (
    Entry(
        "mkdocs.yml",
        r"^      - \S+ · .+: patterns/[a-z0-9-]+\.md\n",
        "      - __number__ · __title__: patterns/__slug__.md\n",
    ),
    Entry(
        "docs/index.md",
        r"^\| .+ \| \[\S+ · .+\]\(patterns/[a-z0-9-]+\.md\) \|\n",
        "| Draft: do what this pattern does | [__number__ · __title__](patterns/__slug__.md) |\n",
    ),
    Entry("docs/data/decide.yml", r"^order:\n(?:  [a-z0-9-]+: .+\n)+", "  __slug__: __title__\n"),
    Entry(
        "docs/data/live/paths.yml",
        r"\Z",
        "\n__slug__:\n"
        '  - { status: 200, steps: [1, 2, 3], answered: "by the Worker" }\n'
        '  - { status: [404, 405], steps: [1, 2, 3], refused: "by the Worker" }\n',
    ),
    Entry(
        "hosting/live/examples/not-hosted.yml",
        r"\Z",
        '__slug__: "Draft: why visitors of the site cannot call it; or host it, and remove this line"\n',
    ),
    Entry(
        "runtime/setups.py",
        r"^EXAMPLES = \{\n(?:.*\n)*?(?=\}\n)",
        '    "__slug__": Setup(("__slug__",)),\n',
    ),
    Entry(
        "tests/site/search_queries.yml",
        r"\Z",
        "# __title__\n- { ask: __words__, page: patterns/__slug__/ }\n",
    ),
)


def insert(text: str, entry: Entry, tokens: Tokens) -> str:
    """Return a file's text with an entry in its place.

    Raises:
        NewError: the file has no such place.
    """
    places = list(re.finditer(entry.behind, text, re.M))
    if not places:
        raise NewError(f"{entry.path} has no line like {entry.behind!r}: mend the file, or ENTRIES in tools/new")
    head = text[: places[-1].end()]
    return head + "\n" * (not head.endswith("\n")) + fill(entry.text, tokens) + text[len(head) :]


def record(text: str, place: str, sha: str, workerd: str, day: datetime.date) -> str:
    """Return ``docs/data/live/recorded.json`` with the transcripts of one more page."""
    known = {**json.loads(text), place: {"sha": sha, "workerd": workerd, "date": day.isoformat()}}
    return json.dumps(dict(sorted(known.items())), indent=1) + "\n"
