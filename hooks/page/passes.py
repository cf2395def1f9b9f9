"""What happens to a page's tree, in this order. The order carries weight: each pass gives the reason for its place."""

import html
import re

from hooks.blocks import chooser, costs, overview
from hooks.guide import Guide
from hooks.live import buttons
from hooks.page import cards, lead, raw, terms
from hooks.page.sheet import Sheet
from hooks.page.tree import Closed, Node, children, classes, put, text_of, texts
from model.files import GuideError

GLOSSARY = "guide/glossary.md"
EXPLAINED = ("patterns/", "guide/")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
# White space, names and constants have the colour of plain code in docs/assets/site.css.
PLAIN = {"kc", "n", "nx", "w"}
ROWS_FROM = 3
CARDS = Closed(set(), {"fact__card", "term__card"})
PADDING, WORD, TABLE = 4, 10, 92  # characters: of a cell, of the longest word that is not broken, of a page's width


def text(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Refuse what would run in a reader's browser."""
    raw.check(body, sheet)


def values(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Give each figure its card."""
    cards.fill(body, guide.facts)


def strip(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Put the strip under a pattern's lead."""
    if sheet.is_pattern:
        lead.put_strip(body, sheet, guide)


def transcripts(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Say under each transcript when it was recorded, and offer to send it."""
    buttons.put_bars(body, sheet, guide)


def options(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Keep an option of a command in a sentence on one line: browsers break a line after each hyphen of ``--remote``."""
    for code in body.css(":not(pre) > code"):
        for node in children(code):
            if node.is_text_node:
                text = html.escape(text_of(node), quote=False)
                whole = OPTION.sub(r'<span class="option">\g<0></span>', text)
                if whole != text:
                    put(node, whole)


def lean(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Take the spans off code that colour nothing: they were half of the elements of a page, and each costs a telephone time."""
    for span in body.css("pre span"):
        marked = classes(span)
        if len(marked) == 1 and marked[0] in PLAIN:
            span.unwrap()


def glossary(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Explain each term where the page uses it first."""
    if sheet.uri.startswith(EXPLAINED) and sheet.uri != GLOSSARY:
        terms.explain(body, guide.terms, sheet.lead_to(GLOSSARY))


def figures(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Put the diagrams into their places."""
    for number, figure in enumerate(sheet.figures):
        for place in body.css(f'[data-fill="figure-{number}"]'):
            put(place, figure)


def forms(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Fill in what is no Markdown: the overview, the chooser, the form of the costs."""
    fillings = {
        "overview": lambda: overview.block(guide.patterns, sheet.lead_to),
        "chooser": lambda: chooser.form(
            guide.rules, {page.slug: sheet.lead_to(f"patterns/{page.slug}.md") for page in guide.patterns}
        ),
        "costs": lambda: costs.calculator(guide.costs[sheet.slug]),
    }
    for place in body.css("[data-fill]"):
        name = str(place.attributes["data-fill"])
        if name not in fillings:
            raise GuideError(f"{sheet.place}: data-fill={name!r} is unknown. Known are {', '.join(fillings)}.")
        put(place, fillings[name]())


def shares(table: Node) -> list[int]:
    """Return the columns' shares of a table's width, in percent: first the longest word of each, the rest by length of text."""
    rows = [[" ".join(map(text_of, texts(cell, CARDS))) for cell in row.css("th, td")] for row in table.css("tr")]
    columns = [" ".join(column) for column in zip(*rows, strict=False)]
    words = [PADDING + min(WORD, max(map(len, column.split()))) for column in columns]
    rest = max(0, TABLE - sum(words)) / sum(map(len, columns))
    widths = [word + rest * len(column) for word, column in zip(words, columns, strict=True)]
    return [round(100 * width / sum(widths)) for width in widths]


def frames(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Put every plain table into a frame that scrolls, so that a wide one never widens the page, also without JavaScript.

    A table of three columns or more becomes a list of rows on a phone: each of its cells carries the name of its column.
    Columns of numbers, which are set to the right, stay a table; so does one whose rows have headings of their own. Its
    columns are as wide as their text asks for: a browser that found that out would move a table that arrives in pieces.
    """
    for table in body.css("table:not([class])"):
        heads = [heading.text().strip() for heading in table.css("th")]
        wide = len(heads) >= ROWS_FROM and not table.css_first('[align="right"], [scope="row"]')
        if wide:
            for row in table.css("tr"):
                for label, cell in zip(heads[1:], row.css("td")[1:], strict=False):
                    cell.attrs["data-label"] = label
            for heading, share in zip(table.css("th"), shares(table), strict=False):
                heading.attrs["width"] = f"{share}%"
        kind = " rows" if wide else ""
        put(
            table,
            f'<div class="md-typeset__scrollwrap{kind}"><div class="md-typeset__table">{table.html}</div></div>',
        )


PASSES = (
    figures,  # first: a drawing is part of the page as any picture is
    text,  # before anything that the site itself puts in
    values,  # before the glossary: a figure's card explains itself
    strip,  # while the lead is the first paragraph
    options,
    lean,
    glossary,  # before the bars and the forms, which are no running text
    transcripts,
    forms,
    frames,  # last: every table is there
)


def run(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Take a page through all passes."""
    for step in PASSES:
        step(body, sheet, guide)
