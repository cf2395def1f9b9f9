"""A page's HTML as a tree: parsed once, changed in place, printed.

Lexbor, by way of selectolax, reads HTML as browsers do: 78 pages of 6 MB in 0.06 s (lxml 0.16 s, BeautifulSoup 2.8 s).
"""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

Tree = LexborHTMLParser
Node = LexborNode


def parse(markup: str) -> Node:
    """Return the body of a page that consists of this markup."""
    body = LexborHTMLParser(f"<!doctype html><body>{markup}").body
    if body is None:
        raise ValueError("a parsed document has a body")
    return body


def printed(body: Node) -> str:
    """Return the markup of what a body holds."""
    return body.inner_html or ""


def children(node: Node) -> list[Node]:
    """Return what a node holds, text included; safe against changes while a caller walks."""
    return list(node.iter(include_text=True))


def text_of(node: Node) -> str:
    """Return the text of a text node."""
    return node.text_content or ""


def classes(node: Node) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _holder() -> Node:
    return children(parse("<div></div>"))[0]


def _become(holder: Node | None, markup: str) -> None:
    if holder:
        holder.inner_html = markup
        holder.unwrap()


def put(node: Node, markup: str) -> None:
    """Let markup take a node's place."""
    put_before(node, markup)
    node.decompose()


def put_before(node: Node, markup: str) -> None:
    """Put markup before a node. It is parsed in its place: a template that moves between trees would lose its content."""
    node.insert_before(_holder())
    _become(node.prev, markup)


def put_after(node: Node, markup: str) -> None:
    """Put markup behind a node."""
    node.insert_after(_holder())
    _become(node.next, markup)


def texts(node: Node, closed: "Closed") -> Iterator[Node]:
    """Yield the text nodes below a node, in order, without those inside elements that ``closed`` names."""
    for child in children(node):
        if child.is_text_node:
            yield child
        elif child.is_element_node and not closed.holds(child):
            yield from texts(child, closed)


class Closed:
    """Elements that a walk does not enter.

    Args:
        tags: names of elements.
        marked: classes.
    """

    def __init__(self, tags: set[str], marked: set[str]) -> None:
        self._tags, self._marked = tags, marked

    def holds(self, node: Node) -> bool:
        return node.tag in self._tags or bool(self._marked.intersection(classes(node)))
