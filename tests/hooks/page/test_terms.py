"""A term is explained once a page, in running text, and nowhere where a button would break something."""

import pytest
from bs4 import BeautifulSoup

from hooks.blocks.glossary import listing
from hooks.page.terms import explain
from model.files import GuideError
from model.glossary import Term, load, parse
from tests.support.sheets import passed

EDGE = Term("edge", ("edge",), "Near the visitor.")
QUEUE = Term("dead letter queue", ("dead letter queue", "DLQ"), "For what failed <often>.")
HOST = Term("origin", ("origin", "origins"), "The server.")
TERMS = [EDGE, QUEUE, HOST]


def words(page: str) -> list[str]:
    soup = BeautifulSoup(passed(page, explain, TERMS, "../glossary/"), "html.parser")
    return [button.get_text() for button in soup.select("button.term__word")]


def test_the_first_use_is_explained_and_the_second_is_not():
    assert words("<p>The edge asks origins; the edge waits for the origin.</p><p>edge</p>") == ["edge", "origins"]


def test_a_word_inside_a_product_name_is_left_alone():
    worker = Term("Worker", ("Worker", "Workers"), "Your code.")
    page = "<p>Workers KV, Workers for Platforms and Worker Loader, then Workers as such. Workers. And Worker.</p>"
    found = BeautifulSoup(passed(page, explain, [worker], "/"), "html.parser").select("button")
    assert [button.next_element for button in found] == ["Workers"]
    assert (
        found[0]
        .find_parent("p")
        .get_text()
        .startswith("Workers KV, Workers for Platforms and Worker Loader, then Workers")
    )


def test_a_card_holds_the_escaped_text_and_leads_to_the_glossary():
    soup = BeautifulSoup(passed("<p>A DLQ.</p>", explain, TERMS, "../glossary/"), "html.parser")
    card = soup.select_one("[popover]")
    assert soup.button["popovertarget"] == card["id"] == "term-dead-letter-queue"
    assert card.get_text().startswith("For what failed <often>.")
    assert card.a["href"] == "../glossary/#dead-letter-queue"
    assert "data-search-exclude" in card.attrs


@pytest.mark.parametrize(
    "page",
    [
        '<p><a href="/">the <b>edge</b></a></p>',
        "<h2>The edge</h2>",
        "<p><code>edge</code></p>",
        '<div class="highlight"><pre><span>edge</span><br>edge</pre></div>',
        "<figure><svg><text>edge</text></svg></figure>",
        '<span class="fact"><button>edge</button><span popover>the edge</span></span>',
        '<p class="admonition-title">The edge</p>',
        '<p title="edge">nothing</p><!-- the edge -->',
        "<p>edges, edge-case, an.edge, Edge, knowledge</p>",
        '<dl class="strip"><dd>edge</dd></dl>',
        "<table><tr><th>edge</th></tr></table>",
    ],
)
def test_names_links_headings_code_and_parts_of_words_stay_as_they_are(page: str):
    assert passed(page, explain, TERMS, "../glossary/") == passed(page, lambda body: None)


def test_after_an_element_that_stays_closed_the_text_is_open_again():
    page = '<p><span class="fact"><button>1</button><span popover>a <span>b</span></span></span> at the edge<br> of <code>x</code> origins</p>'
    assert words(page) == ["edge", "origins"]


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ({"term": "x", "text": "No stop"}, "full stop"),
        ({"term": "x", "also": ["edge"], "text": "A."}, "edge already belongs to edge"),
    ],
)
def test_a_bad_entry_is_named(entry: dict, remedy: str):
    with pytest.raises(GuideError, match=rf"entry 2 \(x\).*{remedy}"):
        parse([{"term": "edge", "text": "Near."}, entry])


def test_the_glossary_is_sorted_and_every_term_has_its_own_anchor():
    terms = load()
    assert len(terms) >= 50
    assert [t.name.lower() for t in terms] == sorted(t.name.lower() for t in terms)
    assert len({t.anchor for t in terms}) == len(terms)
    assert "## edge { #edge }\n\nNear the visitor." in listing([EDGE])
