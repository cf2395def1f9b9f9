"""Pages as the build's own code sees them, without a build."""

import functools
from typing import Any

from hooks import guide
from hooks.guide import Guide
from hooks.page.sheet import Sheet
from hooks.page.tree import parse, printed


@functools.cache
def the_guide() -> Guide:
    """Return the guide's data."""
    return guide.read()


def sheet(markdown: str, uri: str = "guide/x.md", **meta: Any) -> Sheet:
    """Return a page with front matter of three lines, as a build takes it up."""
    stem = uri.removesuffix(".md").removesuffix("index")
    return Sheet(
        uri=uri,
        dest=f"{stem.rstrip('/')}/index.html".lstrip("/"),
        url=f"{stem.rstrip('/')}/".lstrip("/"),
        source=f"---\ntitle: X\n---\n{markdown}",
        markdown=markdown,
        meta=meta,
        title="X",
        generated=False,
        home=uri == "index.md",
        lead_to=lambda target: f"../../{target.removesuffix('.md')}/",
    )


def passed(markup: str, step: Any, *rest: Any) -> str:
    """Return the markup of a page after a step that changes its tree."""
    body = parse(markup)
    step(body, *rest)
    return printed(body)
