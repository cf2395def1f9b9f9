"""The table of data products and its decision trees say the same."""

import re

import pytest

from model.diagrams import fences
from model.facts import load
from model.products import products
from tests.support.pages import DOCS, SLUGS, PageSource, page

PAGE = page(DOCS / "guide" / "choose-data-product.md")
ROW = re.compile(
    r"^\| (?P<need>[^|]+) \| (?P<product>[^|]+) \| (?P<way>(?:\d+ (?:yes|no)(?:, )?)+) \| [^|]+ \| (?P<leads>[^|]+) \|$",
    re.M,
)


def rows(text: str) -> list[re.Match[str]]:
    return list(ROW.finditer(text))


class Trees:
    """The decision trees of a page, joined: questions by their number, leaves by their label."""

    def __init__(self, text: str) -> None:
        self.questions: dict[str, str] = {}
        self.leaves: dict[str, str] = {}
        self.arrows: dict[tuple[str, str], str] = {}
        for number, (_, source) in enumerate(fences(text)):
            for name, label in re.findall(r"^    (\w+)[\[\](){}]+\"([^\"]+)\"[\[\](){}]+:::\w+$", source, re.M):
                asked = re.match(r"(\d+) .+\?$", label)
                (self.questions if asked else self.leaves)[f"{number}{name}"] = asked[1] if asked else label
            for start, answer, end in re.findall(r"^    (\w+) -->\|\"(yes|no)\b[^\"]*\"\| (\w+)$", source, re.M):
                assert (f"{number}{start}", answer) not in self.arrows, f"{start} has two ways for {answer}"
                self.arrows[f"{number}{start}", answer] = f"{number}{end}"

    def walk(self, way: str) -> str:
        """Return the leaf to which a row's answers lead, from the top of its tree."""
        steps = re.findall(r"(\d+) (yes|no)", way)
        place = next(name for name, number in self.questions.items() if number == steps[0][0])
        assert place not in self.arrows.values(), f"{way} does not begin at the top of a tree"
        for number, answer in steps:
            assert self.questions.get(place) == number, f"{way}: question {number} does not come there"
            place = self.arrows[place, answer]
        return self.leaves[place]


def agree(source: PageSource) -> None:
    trees, table = Trees(source.text), rows(source.text)
    assert sorted(trees.leaves.values()) == sorted(row["product"] for row in table)
    assert len({row["way"] for row in table}) == len({row["need"] for row in table}) == len(table)
    for row in table:
        assert trees.walk(row["way"]) == row["product"], (
            f"{row['need']}: {row['way']} leads to {trees.walk(row['way'])}"
        )
    for question in trees.questions:
        assert {(question, "yes"), (question, "no")} <= trees.arrows.keys(), (
            f"question {trees.questions[question]} lacks a way"
        )


def test_the_table_has_every_row_of_the_research_and_of_the_original():
    table = rows(PAGE.text)
    assert 16 <= len(table) == len(re.findall(r"^\| (?!Need|Together|---)[^\n]+<br>", PAGE.text, re.M))
    named = {row["product"] for row in table}
    assert named >= {
        "Workers KV",
        "Durable Objects",
        "D1",
        "R2",
        "Hyperdrive",
        "Queues",
        "Vectorize",
        "Workflows",
        "AI Search",
    }


def test_every_way_through_the_trees_ends_in_the_row_of_its_need_and_every_row_is_a_leaf():
    agree(PAGE)


def test_every_row_links_to_pattern_limits_and_example():
    ids = {entry["name"]: product for product, entry in products().items()}
    with_facts = {fact.product for fact in load().values()}
    for row in rows(PAGE.text):
        pattern, limits, example = row["leads"].split("<br>")
        slugs = re.findall(r"\.\./patterns/([a-z0-9-]+)\.md", pattern)
        assert len(slugs) == 1 and slugs[0] in SLUGS, row["need"]
        target = re.fullmatch(r"\[limits\]\(\.\./reference/limits\.md#([a-z0-9-]+)\)", limits)[1]
        assert target in with_facts and (row["product"] not in ids or ids[row["product"]] == target), row["need"]
        assert re.fullmatch(rf"example: (?:none here|\[see it run\]\(example:{slugs[0]}#{target}\))", example), row[
            "need"
        ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('D -->|"yes"| E', 'D -->|"yes"| D1'),
        ('A -->|"yes"| HD\n    A -->|"no"| B', 'A -->|"no"| HD\n    A -->|"yes"| B'),
        ("| Queues | 6 yes, 7 no |", "| Queues | 6 yes, 7 yes |"),
        ("| Basin | 6 no", "| Pipelines | 6 no"),
        ('BA[("Basin")]', 'BA[("Pipelines")]'),
        ("10 no, 12 yes", "12 yes"),
    ],
    ids=[
        "a way that skips a question",
        "yes and no swapped",
        "a row's answers",
        "a product in the table",
        "a product in the tree",
        "a way from the middle",
    ],
)
def test_a_table_and_a_tree_that_differ_are_noticed(old: str, new: str):
    assert old in PAGE.text
    with pytest.raises((AssertionError, KeyError)):
        agree(PageSource(PAGE.path, PAGE.text.replace(old, new, 1)))
