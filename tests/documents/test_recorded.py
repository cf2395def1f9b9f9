"""The date under a transcript is the day on which this very text was recorded, with this runtime."""

import datetime
import json

import pytest

from model.examples import versions
from model.transcripts.commands import fingerprint
from tests.support.pages import ROOT, every_page

RECORDED = ROOT / "docs" / "data" / "live" / "recorded.json"


def test_each_page_says_when_its_transcripts_were_recorded(pytestconfig: pytest.Config):
    found = {p.place: fingerprint(p.text, p.place, p.slug) for p in every_page()}
    wanted = {place: {"sha": sha, "workerd": versions()[1]} for place, sha in found.items() if sha}
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
