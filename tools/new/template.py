"""Fill the template: ``files/`` mirrors the repository, and ``__slug__`` and the like stand for what differs."""

import re
from pathlib import Path

from model.facts import load

FILES = Path(__file__).with_name("files")
# A figure of the template is only named; text and date come from the data, so that it never gets old.
FIGURE = re.compile(r"\[\]\(fact:(?P<id>[a-z0-9-]+)(?P<part>#source|#plan)?\)")

Tokens = dict[str, str]


def fill(text: str, tokens: Tokens) -> str:
    """Return a text with its tokens and figures filled in."""
    for name, value in tokens.items():
        text = text.replace(f"__{name}__", value)
    facts = load()

    def figure(link: re.Match[str]) -> str:
        fact = facts[link["id"]]
        shown = {"#source": fact.as_of, "#plan": fact.plan}.get(link["part"], fact.shown)
        return f"[{shown}]{link[0].removeprefix('[]')}"

    return FIGURE.sub(figure, text)


def files(tokens: Tokens) -> dict[str, str]:
    """Return the files of a new pattern: path in the repository to text."""
    found = (p for p in sorted(FILES.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    return {fill(p.relative_to(FILES).as_posix(), tokens): fill(p.read_text(encoding="utf-8"), tokens) for p in found}
