"""Bad facts are refused by file, entry and remedy."""

import copy
import datetime
from pathlib import Path

import pytest
import yaml

from model.facts import Fact, FactError, load, parse, site_date, used
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
        ({"id": "KV Rate"}, "write the id in lower-case"),
        ({"as_of": "soon"}, "give as_of as a date"),
        ({"as_of": datetime.datetime(2026, 1, 1)}, "give as_of as a date"),
        ({"source": "http://developers.cloudflare.com/kv/"}, "https source at the vendor"),
        ({"source": "https://cloudflare.com.example.org/"}, "https source at the vendor"),
        ({"source": "https://notcloudflare.com/"}, "https source at the vendor"),
        ({"evidence": "hearsay"}, "evidence is one of"),
        ({"confidence": "certain"}, "confidence is one of"),
        ({"value": True}, "value is a number or a text"),
        ({"value": [1]}, "value is a number or a text"),
        ({"colour": "red"}, "remove or rename colour"),
        ({"find": "no group"}, "find is a regular expression with one group"),
        ({"find": "(two) (groups)"}, "find is a regular expression with one group"),
        ({"find": "(open"}, "find is a regular expression with one group"),
        ({"find": 5}, "find is a regular expression with one group"),
    ],
)
def test_a_bad_entry_is_refused_with_file_entry_and_remedy(change: dict, message: str):
    with pytest.raises(FactError, match=rf"docs/data/facts/kv\.yml, entry 1 .*{message}"):
        parse([ENTRY | change], "kv")


def test_an_entry_may_say_how_its_value_is_found():
    assert parse([ENTRY | {"find": r"(\d+) writes?"}], "kv")[0].find == r"(\d+) writes?"
    assert parse([ENTRY], "kv")[0].find == ""


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_a_missing_field_is_named(field: str):
    entry = copy.copy(ENTRY)
    del entry[field]
    with pytest.raises(FactError, match=rf"entry 1.*add {field}"):
        parse([entry], "kv")


def test_an_id_that_stands_twice_is_refused(tmp_path: Path):
    for name in ("d1", "kv"):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump([ENTRY]))
    with pytest.raises(FactError, match=r"kv\.yml: kv-write-rate already stands in d1\.yml"):
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
    with pytest.raises(FactError, match=remedy):
        parse([ENTRY | changed], "kv")


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path):
    (tmp_path / "kv.yml").write_text("- id: [\n")
    with pytest.raises(GuideError, match=r"^docs/data/facts/kv\.yml:2: not YAML: .+\. Correct it\.$"):
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
    with pytest.raises(FactError, match="SITE_DATE is 'tomorrow': give a date, YYYY-MM-DD"):
        site_date()
