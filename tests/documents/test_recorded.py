"""The date under a transcript is the day on which this very text was recorded, with this runtime."""

import datetime
import hashlib
import json

import pytest

from model.examples import versions
from model.transcripts.commands import transcripts
from tests.support.pages import ROOT, PageSource, every_page

RECORDED = ROOT / "docs" / "data" / "live" / "recorded.json"


def fingerprint(page: PageSource) -> str:
    """Return a hash over the commands of a page that the tests run, and over their output."""
    found = [c for _, commands in transcripts(page.text, page.place, page.slug) for c in commands if c.runs]
    return (
        hashlib.sha256("\0".join(f"{c.text}\0{c.expected}" for c in found).encode()).hexdigest()[:16] if found else ""
    )


def test_each_page_says_when_its_transcripts_were_recorded(pytestconfig: pytest.Config):
    wanted = {p.place: {"sha": fingerprint(p), "workerd": versions()[1]} for p in every_page() if fingerprint(p)}
    known = json.loads(RECORDED.read_text()) if RECORDED.is_file() else {}
    today = datetime.date.today().isoformat()
    new = {
        place: {**entry, "date": known[place]["date"] if entry.items() <= known.get(place, {}).items() else today}
        for place, entry in sorted(wanted.items())
    }
    if pytestconfig.getoption("--update") and new != known:
        RECORDED.write_text(json.dumps(new, indent=1) + "\n")
        return
    changed = [place for place in wanted.keys() | known.keys() if new.get(place) != known.get(place)]
    assert not changed, (
        f"record them: uv run pytest {' '.join(sorted(changed))} tests/documents/test_recorded.py --update"
    )
    assert all(datetime.date.fromisoformat(entry["date"]) for entry in known.values())
    assert len(known) >= 16
