"""What the search knows of a page: printed from its tree into ``search/index.js``, which is read when somebody searches.

A script and not JSON, so that a browser also reads it from a file system. ``docs/assets/search.js`` is its reader.
"""

import json
import re
from typing import Any

from hooks.guide import Guide
from hooks.page.sheet import Sheet
from hooks.page.tree import Node, children, text_of
from model.files import ROOT, fresh, read_yaml

WORDS = ROOT / "docs" / "data" / "search.yml"
NAME = "search/index.js"
START, END = "searchIndex = ", ";\n"
LEFT_OUT = "svg, template, style, script, select, a.headerlink, dl.strip, [data-search-exclude]"
HEADINGS = {"h1", "h2", "h3", "h4"}
# Of code only the names that the page's text lacks: with every line of it the index would be twice as large.
CODE_NAME = re.compile(r"_*[^\W_]\w*(?:-\w+)*")
INLINE = set("a abbr b button code em i kbd small span strong sub sup".split())

Section = list[str]


def terms(services: list[str], known: dict[str, dict[str, str]]) -> list[str]:
    """Return the names that stand for a page's services, today's names first, then the former ones."""
    entries = [known[name] for name in services if name in known]
    former = [name for entry in entries if "formerly" in entry for name in entry["formerly"].split(", ")]
    return [entry["name"] for entry in entries] + former


def sections(body: Node) -> list[Section]:
    """Return ``[anchor, heading, text, names in code]`` for each part of a page, the part before the first heading first.

    The tree loses what the search leaves out, so this is its last use.
    """
    for node in body.css(LEFT_OUT):
        node.decompose()
    found: list[Section] = [["", "", "", ""]]
    pieces: list[str] = []
    code: list[list[str]] = [[]]

    def flush(into: int) -> None:
        found[-1][into] = " ".join([*found[-1][into].split(), *"".join(pieces).split()])
        pieces.clear()

    def walk(node: Node) -> None:
        for child in children(node):
            if child.is_text_node:
                pieces.append(text_of(child))
            elif child.is_element_node and child.tag in HEADINGS:
                flush(2)
                found.append([child.attributes.get("id") or "" if child.tag != "h1" else "", "", "", ""])
                code.append([])
                walk(child)
                flush(1)
            elif child.is_element_node and child.tag == "pre":
                code[-1] += CODE_NAME.findall(child.text())
                pieces.append(" ")
            elif child.is_element_node:
                around = "" if child.tag in INLINE else " "
                pieces.append(around)
                walk(child)
                pieces.append(around)

    walk(body)
    flush(2)
    known = {name.lower() for section in found for text in section for name in CODE_NAME.findall(text)}
    for section, names in zip(found, code, strict=True):
        new = {name.lower(): name for name in names if len(name) > 1 and not name.isdigit()}
        section[3] = " ".join(sorted(new[name] for name in new.keys() - known))
        known |= new.keys()
    return [section for section in found if any(section[1:])]


@fresh(lambda: [WORDS])
def words() -> dict[str, list[str]]:
    """Return ``docs/data/search.yml``: Markdown file to the words under which readers look for it."""
    return dict(read_yaml(WORDS))


def entry(body: Node, title: str, sheet: Sheet, guide: Guide) -> list[Any]:
    """Return what the index says about a page: title, description, other names, sections."""
    names = terms(sheet.meta.get("services", []), guide.products) + words().get(sheet.uri, [])
    return [title, sheet.description, " · ".join(names), sections(body)]


def document(entries: dict[str, list[Any]]) -> str:
    """Return the index as a script: address below the site to what ``entry`` says."""
    return START + json.dumps(dict(sorted(entries.items())), ensure_ascii=False, separators=(",", ":")) + END


def parse(script: str) -> dict[str, list[Any]]:
    """Return the entries of an index."""
    entries: dict[str, list[Any]] = json.loads(script.removeprefix(START).removesuffix(END))
    return entries
