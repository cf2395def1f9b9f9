"""Print a page's tree as Markdown: its twin, so that programs and people can take a page away without reading HTML.

The twin says what the page says: code included, figures with their sources as footnotes, generated tables filled in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from urllib.parse import urljoin, urlsplit

import yaml

from hooks.page.sheet import Sheet
from hooks.page.tree import Node, children, classes, parse, printed, put_before, text_of
from model.address import INSIDE, placed
from model.facts import EVIDENCE, Fact, remarks

# What is there for the eye, for a script or for the style sheet only.
DROPPED = (
    "form, template, script, style, button.diagram__button, div.live, p.changes, details.changes, a.headerlink, "
    "figure.chart, div.finder, .fact__card, p.unscripted, .chooser__result"
)
BLOCKS = set("p ul ol table pre blockquote div figure dl details section h1 h2 h3 h4 h5 h6 hr".split())
ON_THE_PAGE = "The form is on the page itself. The tables below say the same."
FACT = re.compile(r"fact-\d+-")
SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Twin:
    """A page as Markdown.

    Attributes:
        title: the page's title, a pattern's with its number.
        description: its one sentence.
        address: where the twin lies, below the site.
        body: the text, without front matter and footnotes; ``placed`` fills its addresses in.
        facts: the facts behind its footnotes, in order.
        page: the page's own address, below the site.
    """

    title: str
    description: str
    address: str
    body: str
    facts: list[Fact]
    page: str

    def text(self, site_url: str) -> str:
        """Return the whole document."""
        head = {"title": self.title, "description": self.description, "page": site_url and urljoin(site_url, self.page)}
        lines = yaml.safe_dump({k: v for k, v in head.items() if v}, sort_keys=False, allow_unicode=True, width=1000)
        notes = "\n" + footnotes(self.facts) if self.facts else ""
        return f"---\n{lines}---\n\n{placed(self.body, self.address, site_url)}{notes}"


def footnotes(facts: list[Fact]) -> str:
    """Return a footnote for each fact: what it says, where, and since when."""
    return "".join(
        f"[^{f.id}]: {' '.join([f.claim, *remarks(f)])} Source: {f.source} ({EVIDENCE[f.evidence]}, {f.as_of},"
        f" confidence {f.confidence}).\n"
        for f in facts
    )


def flat(text: str) -> str:
    return SPACE.sub(" ", text)


class Printer:
    """Print a tree as Markdown.

    Args:
        link: gives the address that takes the place of one in the page.

    Attributes:
        notes: the ids of the facts that were printed, in order.
    """

    def __init__(self, link: Callable[[str], str]) -> None:
        self._link = link
        self.notes: dict[str, None] = {}

    def inline(self, nodes: list[Node]) -> str:
        """Return running text."""
        return "".join(flat(text_of(n)) if n.is_text_node else self._span(n) for n in nodes if not n.is_comment_node)

    def _span(self, node: Node) -> str:
        marked, inside = classes(node), lambda: self.inline(children(node))
        if node.tag == "br":
            return " — "
        if node.tag == "code":
            text = node.text()
            tick = "``" if "`" in text else "`"
            return f"{tick}{text}{tick}"
        if node.tag in ("strong", "b"):
            return f"**{inside()}**"
        if node.tag in ("em", "i"):
            return f"*{inside()}*"
        if "fact" in marked and (value := node.css_first(".fact__value")):
            name = FACT.sub("", str(value.attributes["popovertarget"]), count=1)
            self.notes[name] = None
            return f"{self.inline(children(value))}[^{name}]"
        if "term" in marked and (word := node.css_first(".term__word")):
            return self.inline(children(word))
        if node.tag == "a" and (href := node.attributes.get("href")):
            title = node.attributes.get("title")
            return f"[{inside()}]({self._link(href)}" + (f' "{title}")' if title else ")")
        return "" if node.tag in ("svg", "button") else inside()

    def blocks(self, node: Node) -> str:
        """Return what a node holds: blocks with a blank line between, loose text as a paragraph of its own."""
        parts: list[str] = []
        loose: list[Node] = []

        def flush() -> None:
            parts.append(self.inline(loose).strip())
            loose.clear()

        for child in children(node):
            if child.is_element_node and child.tag in BLOCKS:
                flush()
                parts.append(self._block(child))
            else:
                loose.append(child)
        flush()
        return "\n\n".join(part for part in parts if part)

    def _block(self, node: Node) -> str:
        tag, marked = str(node.tag), classes(node)
        if tag[0] == "h" and tag[1:].isdigit():
            return f"{'#' * int(tag[1:])} {self.inline(children(node)).strip()}"
        if tag == "p":
            return self.inline(children(node)).strip()
        if tag in ("ul", "ol"):
            return self._list(node)
        if tag == "figure" and (source := node.css_first("pre code")):
            return f"```mermaid\n{source.text().strip()}\n```"
        if "highlight" in marked or tag == "pre":
            return self._code(node, marked)
        if tag == "table":
            return self._table(node)
        if "admonition" in marked or tag == "blockquote":
            return self._quote(node)
        if tag == "dl":
            return self._pairs(node)
        if tag == "details":
            return self._folded(node)
        return "---" if tag == "hr" else self.blocks(node)

    def _list(self, node: Node) -> str:
        items = []
        first = int(node.attributes.get("start") or 1)
        for number, item in enumerate((n for n in children(node) if n.tag == "li"), first):
            mark = "- " if node.tag == "ul" else f"{number}. "
            lines = self.blocks(item).split("\n")
            indented = [line and " " * len(mark) + line for line in lines[1:]]
            items.append(mark + "\n".join([lines[0], *indented]))
        return "\n".join(items)

    def _code(self, node: Node, marked: list[str]) -> str:
        language = next((name.removeprefix("language-") for name in marked if name.startswith("language-")), "")
        name = node.css_first(".filename")
        block = node if node.tag == "pre" else node.css_first("pre")
        text = block.text().strip("\n") if block else ""
        ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
        title = f' title="{name.text()}"' if name else ""
        return f"{ticks}{language}{title}\n{text}\n{ticks}"

    def _table(self, node: Node) -> str:
        rows = [[cell for cell in children(row) if cell.tag in ("td", "th")] for row in node.css("tr")]
        marks = ["--:" if cell.attributes.get("align") == "right" else "---" for cell in rows[0]]
        texts = [[self._cell(cell) for cell in row] for row in rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in [texts[0], marks, *texts[1:]])

    def _cell(self, cell: Node) -> str:
        nodes = children(cell)
        parts = [self.inline([n]).strip() for n in nodes] if len(nodes) > 1 and cell.css_first("a + span") else []
        text = ": ".join(part for part in parts if part) or self.inline(nodes).strip()
        return text.replace("|", "\\|")

    def _quote(self, node: Node) -> str:
        title = node.css_first(".admonition-title")
        head = f"**{title.text()}**\n\n" if title else ""
        if title:
            title.decompose()
        return "\n".join(f"> {line}".rstrip() for line in (head + self.blocks(node)).split("\n"))

    def _pairs(self, node: Node) -> str:
        pairs = [(pair.css_first("dt"), pair.css_first("dd")) for pair in node.css("div")]
        return "\n".join(f"- {t.text()}: {self.inline(children(d)).strip()}" for t, d in pairs if t and d)

    def _folded(self, node: Node) -> str:
        summary = node.css_first("summary")
        head = f"**{self.inline(children(summary)).strip()}**\n\n" if summary else ""
        if summary:
            summary.decompose()
        return head + self.blocks(node)


def leading(sheet: Sheet, twins: dict[str, str]) -> Callable[[str], str]:
    """Return what turns a link of a page into one of its twin; ``twins`` leads from a page's address to its twin's."""

    def lead(url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            return url
        place = normpath(join(dirname(sheet.dest), parts.path) if parts.path else sheet.url)
        page = "" if place == "." else place if place in twins else f"{place}/"
        # A query chooses a row of an interactive page, which a twin is not.
        if page in twins:
            place = page if parts.query else twins[page]
        rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        return f"{INSIDE}{place}{rest}"

    return lead


def twin(body: Node, sheet: Sheet, facts: dict[str, Fact], twins: dict[str, str]) -> Twin:
    """Return the twin of a page, whose tree stays as it is."""
    copy = parse(printed(body))
    for form in copy.css("form.chooser, div.chooser"):
        put_before(form, f"<p>{ON_THE_PAGE}</p>")
    for node in copy.css(f"div.chooser, {DROPPED}"):
        node.decompose()
    printer = Printer(leading(sheet, twins))
    text = printer.blocks(copy).strip() + "\n"
    return Twin(sheet.name, sheet.description, sheet.twin, text, [facts[n] for n in printer.notes], sheet.url)
