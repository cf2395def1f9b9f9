"""A value that changed at its source gets into the file for review, and nothing else in the file moves."""

import datetime
from pathlib import Path

import pytest
import yaml

from model.facts import Fact, load
from tools.facts.match import Finding, State
from tools.facts.write import parsed, write

DAY = datetime.date(2026, 12, 1)
FILE = """# A comment that stays.
- id: kv-writes
  claim: Writes.
  value: 1000 # per account
  unit: writes per day
  plan: Free
  source: https://developers.cloudflare.com/kv/
  as_of: 2026-09-30
  evidence: page
  confidence: high

- id: kv-writes-note
  claim: Another one.
  value: "eventual"
  unit: ""
  plan: all
  source: https://developers.cloudflare.com/kv/
  as_of: 2026-09-30
  evidence: page
  confidence: high
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kv.yml").write_text(FILE)
    return tmp_path


def finding(folder: Path, name: str, new: str, state: State = State.CHANGED) -> Finding:
    return Finding(load(folder)[name], state, "", new)


def test_a_changed_number_and_its_date_are_written_and_all_else_keeps_its_bytes(folder: Path):
    assert write([finding(folder, "kv-writes", "2,500")], DAY, folder) == ["kv-writes"]
    text = (folder / "kv.yml").read_text()
    assert text == FILE.replace("value: 1000 # per account", "value: 2500").replace(
        "as_of: 2026-09-30", "as_of: 2026-12-01", 1
    )
    assert load(folder)["kv-writes"].shown == "2,500 writes per day"


@pytest.mark.parametrize("new", ["x](https://evil.example)", "<script>", "x\x1b[2J", "a\0b", "long " * 50])
def test_a_text_that_would_be_more_than_a_text_on_a_page_is_left_to_a_person(folder: Path, new: str):
    assert write([finding(folder, "kv-writes-note", new)], DAY, folder) == []
    assert (folder / "kv.yml").read_text() == FILE


@pytest.mark.parametrize("new", ['a "quoted" \\ word', "unknown: yes", "- x"])
def test_a_text_from_a_page_cannot_break_the_file(folder: Path, new: str):
    write([finding(folder, "kv-writes-note", new)], DAY, folder)
    entries = yaml.safe_load((folder / "kv.yml").read_text())
    assert [e["value"] for e in entries] == [1000, new]


@pytest.mark.parametrize(
    ("name", "new", "state"),
    [
        ("kv-writes", "many", State.CHANGED),
        ("kv-writes", "1e9", State.CHANGED),
        ("kv-writes", "2,500", State.UNCLEAR),
        ("kv-writes", "", State.GONE),
    ],
)
def test_what_does_not_read_as_a_number_or_did_not_change_is_left_for_a_person(
    folder: Path, name: str, new: str, state: State
):
    assert write([finding(folder, name, new, state)], DAY, folder) == []
    assert (folder / "kv.yml").read_text() == FILE


def test_a_fact_with_its_own_wording_is_left_for_a_person(folder: Path):
    fact = Fact(
        "kv-writes",
        "W.",
        1,
        "x",
        "all",
        "https://developers.cloudflare.com/",
        DAY,
        "page",
        "high",
        text="one",
        product="kv",
    )
    assert write([Finding(fact, State.CHANGED, "", "2")], DAY, folder) == []


@pytest.mark.parametrize(
    ("new", "old", "value"),
    [
        ("1,000", 5, 1000),
        ("$0.30", 0.5, 0.3),
        ("US$ 5", 1, 5),
        ("a  b", "x", "a b"),
        ("-5", 1, None),
        ("5 GB", 1, None),
    ],
)
def test_a_pages_text_becomes_a_value_or_nothing(new: str, old: object, value: object):
    assert parsed(new, old) == value
