"""Bad facts are refused by file, entry and remedy."""

import datetime
import re
from pathlib import Path

import pytest
import yaml

from model.facts import Fact, load, parse, site_date, used
from model.files import GuideError

ENTRY = {
    "id": "kv-write-rate",
    "claim": "One key accepts one write per second.",
    "value": 1,
    "unit": "write per second",
    "plan": "all",
    "source": "https://developers.cloudflare.com/kv/",
    "as_of": datetime.date(2026, 9, 30),
    "evidence": "page",
    "confidence": "high",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "KV Rate"}, ":5: 0.id is 'KV Rate'. Write lower-case words"),
        ({"as_of": "soon"}, ":1: 0.as_of is 'soon'. Write a date."),
        ({"as_of": datetime.datetime(2026, 1, 1)}, ":1: 0.as_of is datetime"),
        (
            {"source": "http://developers.cloudflare.com/kv/"},
            ", entry 1 (kv-write-rate): give an https source at the vendor",
        ),
        (
            {"source": "https://cloudflare.com.example.org/"},
            ", entry 1 (kv-write-rate): give an https source at the vendor",
        ),
        ({"source": "https://notcloudflare.com/"}, ", entry 1 (kv-write-rate): give an https source at the vendor"),
        ({"evidence": "hearsay"}, ":4: 0.evidence is 'hearsay'. Write one of changelog"),
        ({"confidence": "certain"}, ":3: 0.confidence is 'certain'. Write one of high"),
        ({"value": True}, ":9: 0.value is True. Write a number or text."),
        ({"value": [1]}, ":10: 0.value is [1]. Write a number or text."),
        ({"colour": "red"}, ":3: 0.colour is unknown here."),
        ({"find": "no group"}, ", entry 1 (kv-write-rate): find is a regular expression with one group"),
        ({"find": "(two) (groups)"}, ", entry 1 (kv-write-rate): find is a regular expression with one group"),
        ({"find": "(open"}, ", entry 1 (kv-write-rate): find is a regular expression with one group"),
        ({"find": 5}, ":5: 0.find is 5. Write a text."),
        *(({field: None}, f":1: 0 lacks {field}. Add it.") for field in sorted(ENTRY)),
    ],
)
def test_a_bad_entry_is_refused_with_file_place_and_remedy(change: dict, message: str, tmp_path: Path):
    entry = {k: v for k, v in {**ENTRY, **change}.items() if v is not None}
    (tmp_path / "kv.yml").write_text(yaml.safe_dump([entry]))
    with pytest.raises(GuideError, match=f"^{re.escape('docs/data/facts/kv.yml' + message)}"):
        load(tmp_path)


def test_an_entry_may_say_how_its_value_is_found():
    assert parse([ENTRY | {"find": r"(\d+) writes?"}], "kv")[0].find == r"(\d+) writes?"
    assert parse([ENTRY], "kv")[0].find == ""


def test_an_id_that_stands_twice_is_refused(tmp_path: Path):
    for name in ("d1", "kv"):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump([ENTRY]))
    with pytest.raises(GuideError, match=r"kv\.yml: kv-write-rate already stands in d1\.yml"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changed", "remedy"),
    [
        ({"value": "unknown"}, "an unknown value has evidence none"),
        ({"value": "unknown", "evidence": "none"}, "an unknown value has evidence none and low confidence"),
        ({"evidence": "none", "confidence": "low"}, "an unknown value has evidence none"),
        ({"conflict": "Another page says two."}, "a conflict leaves no high confidence"),
    ],
)
def test_doubt_is_recorded_as_doubt(changed: dict, remedy: str):
    with pytest.raises(GuideError, match=remedy):
        parse([ENTRY | changed], "kv")


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path):
    (tmp_path / "kv.yml").write_text("- id: [\n")
    with pytest.raises(GuideError, match=r"^docs/data/facts/kv\.yml:1: not YAML: .+\. Correct it\.$"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1, "write per second", "1 write per second"),
        (100_000, "requests per day", "100,000 requests per day"),
        (0.3, "USD per million requests", "USD 0.30 per million requests"),
        (0.015, "USD per GB-month", "USD 0.015 per GB-month"),
        (25, "USD per month", "USD 25.00 per month"),
        ("eventual", "", "eventual"),
    ],
)
def test_a_value_reads_as_a_person_writes_it(value: object, unit: str, shown: str):
    assert Fact(**ENTRY | {"value": value, "unit": unit}, product="kv").shown == shown


def test_used_facts_are_listed_in_order():
    assert used("[1](fact:b) and [2](fact:a) and [d](fact:b#source)") == ["b", "a", "b"]


@pytest.mark.parametrize("given", [None, ""])
def test_without_a_given_day_it_is_today(given: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SITE_DATE", raising=False) if given is None else monkeypatch.setenv("SITE_DATE", given)
    before = datetime.date.today()
    assert before <= site_date() <= datetime.date.today()


def test_a_day_that_is_no_date_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SITE_DATE", "tomorrow")
    with pytest.raises(GuideError, match="SITE_DATE is 'tomorrow': give a date, YYYY-MM-DD"):
        site_date()
