"""The checked-in drawings are what Mermaid draws today, in real Chromium, from the sources on the pages."""

import json

import pytest

from model.diagrams import DRAWN, key
from tools.diagrams.__main__ import FINGERPRINT, Drawer, fingerprint, sources, stale


def test_every_source_is_drawn_and_every_drawing_is_what_chromium_draws():
    assert len(sources()) >= 17
    with Drawer() as drawer:
        for source in sources():
            path = DRAWN / f"{key(source.text)}.svg"
            assert path.is_file(), f"{source.place}: not drawn. Run `uv run python -m tools.diagrams`."
            assert drawer.draw(source.text) == path.read_text(), (
                f"{source.place}: the drawing {path.name} is out of date"
            )


def test_no_drawing_outlives_its_source():
    assert list(stale()) == []


def test_the_drawings_were_made_by_this_mermaid_configuration_and_font():
    assert json.loads(FINGERPRINT.read_text()) == fingerprint(), "run `uv run python -m tools.diagrams`"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("flowchart LR\n    accTitle: x\n    accDescr: y\n    A ->> B", "line 4"),
        ("flowchart LR\n    A --> B", "accTitle and accDescr are missing"),
        (
            "sequenceDiagram\n    accTitle: x\n    accDescr: y\n    %% link Z https://example.com\n    A->>B: 1 go",
            "unknown actor Z",
        ),
    ],
    ids=["a broken arrow", "no title", "a link to nobody"],
)
def test_a_bad_source_is_refused_in_words(source: str, message: str):
    with Drawer() as drawer, pytest.raises(ValueError, match=message):
        drawer.draw(source)
