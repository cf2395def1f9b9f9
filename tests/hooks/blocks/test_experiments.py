"""The build shows measured figures, and names file, line and remedy where there are none."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from hooks import markers
from hooks.blocks.experiments import NBSP, chart, shown, table
from model import experiments
from model.experiments import command
from model.files import GuideError
from tests.experiments.measure import alike, same_order
from tests.support.sheets import sheet, the_guide

FIGURES = {
    "what": "Two <clients> count",
    "date": "2026-11-24",
    "machine": "2 cores, workerd 1.2",
    "columns": [{"name": "Lost", "bars": True}, {"name": "Time", "unit": "ms"}],
    "rows": [
        {"way": "KV & friends", "side": "wrong", "values": [150, 1040]},
        {"way": "Object", "side": "right", "values": [0, None]},
    ],
}


def fill(text: str) -> str:
    return markers.fill(sheet(text), the_guide())


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(experiments, "DATA", tmp_path)
    (tmp_path / "two-ways.json").write_text(json.dumps(FIGURES))
    return tmp_path


def test_a_marker_becomes_chart_table_and_command(data: Path):
    text = fill("a\n\n<!-- experiment: two-ways -->\n\nb\n")
    assert (
        "<svg " in text
        and "| Way | Lost | Time |\n" in text
        and f"| ✗ KV & friends | 150 | 1,040{NBSP}ms |\n| ✓ Object | 0 | – |" in text
    )
    assert "Measured on 2026-11-24 with 2 cores, workerd 1.2." in text
    assert "`uv run pytest tests/experiments/test_two_ways.py`" in text
    assert text.startswith("a\n") and text.endswith("\nb\n")
    assert "Two &lt;clients> count:" in text and "<clients>" not in text


@pytest.mark.parametrize("name", ["two-wys", "../two-ways", "Two-Ways"])
def test_an_unknown_experiment_is_refused_with_file_line_and_remedy(data: Path, name: str):
    with pytest.raises(
        GuideError, match=r"docs/guide/x\.md:6: nothing was measured .* Known are two-ways\. .*--update"
    ) as caught:
        fill(f"a\n\n<!-- experiment: {name} -->\n")
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": [{"way": "x", "side": "bad", "values": [1, 2]}]},
        {"rows": [{"way": "x", "side": "right", "values": [1]}]},
        {"date": None},
    ],
    ids=["an unknown side", "a value too few", "a missing date"],
)
def test_damaged_figures_are_refused_with_the_remedy(data: Path, damage: dict):
    broken = {k: v for k, v in {**FIGURES, **damage}.items() if v is not None}
    (data / "broken.json").write_text(json.dumps(broken))
    with pytest.raises(
        GuideError, match=r"x\.md:4: docs/data/experiments/broken\.json.*[Ww]rite it anew: `uv run pytest"
    ):
        fill("<!-- experiment: broken -->\n")


def test_an_experiment_stands_on_a_page_once(data: Path):
    with pytest.raises(
        GuideError, match=r"x\.md:5: <!-- experiment: two-ways --> is on this page already\. Link to it"
    ):
        fill("<!-- experiment: two-ways -->\n<!-- experiment: two-ways -->\n")


def test_a_chart_says_in_words_what_it_shows():
    svg = BeautifulSoup(chart("two-ways", FIGURES), "html.parser").svg
    assert svg["role"] == "img" and not svg.has_attr("viewbox")
    title, words = (svg.find(id=name).text for name in svg["aria-labelledby"].split())
    assert title == "Two <clients> count"
    assert words == "Lost, KV & friends: 150. Lost, Object: 0."


def test_the_longest_bar_fills_the_width_and_nothing_has_no_bar():
    bars = re.findall(r'class="chart__(wrong|right)"[^>]*width="([\d.]+)%"', chart("two-ways", FIGURES))
    assert bars == [("wrong", "100.0"), ("right", "0.0")]


def test_without_a_column_for_bars_there_is_no_chart():
    plain = {**FIGURES, "columns": [{"name": "Lost"}, {"name": "Time"}]}
    assert chart("two-ways", plain) == ""
    assert table(plain).count("\n") == 3


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (12345, "", "12,345"),
        (2.5, "ms", "2.5 ms"),
        (1040, "ms", "1,040 ms"),
        ("refused", "", "refused"),
        (None, "ms", "–"),
        (64 * 2**20, "bytes", "64 MiB"),
        (97_583_104, "bytes", "93.1 MiB"),
        (65536, "bytes", "64 KiB"),
        (7, "bytes", "7 bytes"),
    ],
)
def test_figures_are_written_for_readers(value: float | str | None, unit: str, text: str):
    assert shown(value, unit).replace(NBSP, " ") == text
    assert " " not in shown(value, unit)


def test_the_command_names_the_test_of_the_experiment():
    assert command("kv-counter") == "uv run pytest tests/experiments/test_kv_counter.py"


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (100, 100, True),
        (100, 999, True),
        (100, 11, True),
        (100, 1001, False),
        (100, 9, False),
        (0, 0, True),
        (0, 1, False),
        (1, 0, False),
        ("a", "a", True),
        ("a", "b", False),
        (None, None, True),
        (None, 1, False),
    ],
)
def test_figures_are_compared_by_order_of_magnitude_and_nothing_is_like_zero(was, now, same):
    assert alike(was, now) is same


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        ([747, 614, 13], [7470, 6140, 138], True),
        ([747, 614, 13], [614, 747, 138], True),
        ([747, 614, 13], [747, 100, 138], False),
        ([747, 614, 13], [138, 614, 138], False),
        ([481, 574], [5740, 481], True),
        ([481, None, 0], [10, None, 20], True),
    ],
    ids=["all slower", "close ones change places", "second", "equal", "not clear", "nothing to compare"],
)
def test_times_are_compared_by_their_order_within_one_run(was, now, same):
    assert same_order(was, now) is same
