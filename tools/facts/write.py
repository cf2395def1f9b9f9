"""Put changed values into the fact files, for a person to review before they count."""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path

from model.facts import FACTS
from tools.facts.match import Finding, State

MOST_CHARS = 120


def parsed(new: str, old: float | int | str) -> float | int | str | None:
    """Return the page's text as a value of the old one's type, or None when it does not read as one."""
    if isinstance(old, str):
        text = " ".join(new.split())
        # The value becomes the text of a link on a page: it must not end the link or begin a tag.
        return text if text.isprintable() and len(text) <= MOST_CHARS and not set("[]<>") & set(text) else None
    number = re.fullmatch(r"(?:US ?)?\$? ?(\d[\d,]*)(\.\d+)?", new.strip())
    if not number:
        return None
    return float(number[1].replace(",", "") + number[2]) if number[2] else int(number[1].replace(",", ""))


def replaced(text: str, name: str, value: float | int | str, day: datetime.date) -> str:
    """Return a fact file's text with a new value and date for one fact; everything else keeps its bytes."""
    entry = re.search(rf"^- id: {re.escape(name)}\n(?:(?!- ).*\n?)*", text, re.M)
    if not entry:
        raise ValueError(f"there is no fact {name} in this file")
    shown = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else str(value)
    body = re.sub(r"^  value: .*$", lambda _: f"  value: {shown}", entry[0], count=1, flags=re.M)
    body = re.sub(r"^  as_of: .*$", f"  as_of: {day}", body, count=1, flags=re.M)
    return text[: entry.start()] + body + text[entry.end() :]


def write(findings: Iterable[Finding], day: datetime.date, folder: Path = FACTS) -> list[str]:
    """Put the values that changed into the files under ``folder`` and return the ids of the facts that were written.

    A value that does not read as its old type is left for a person, as are facts that print a text of their own.
    """
    written = []
    for finding in findings:
        fact = finding.fact
        value = parsed(finding.new, fact.value) if finding.state is State.CHANGED and not fact.text else None
        if value is None:
            continue
        path = folder / f"{fact.product}.yml"
        text = path.read_text(encoding="utf-8")
        part = path.with_suffix(".part")
        part.write_text(replaced(text, fact.id, value, day), encoding="utf-8")
        part.replace(path)
        written.append(fact.id)
    return written
