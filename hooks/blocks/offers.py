"""What a page offers to take away: the example's zip, its deployment, the guide to read offline, a running example of a product."""

import os
import re
from pathlib import Path

from hooks.guide import Guide
from hooks.page.sheet import Sheet
from model.examples import BINDINGS, uses
from model.files import ROOT, GuideError

BUILD = re.compile(r"^## Build it$", re.M)
LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\(example:(?P<slug>[a-z0-9-]+)#(?P<product>[a-z0-9-]+)\)")
ABSENT = "none here"
OFFLINE = "offline"


def zip_address(slug: str) -> str:
    """Return where an example's zip lies in the site."""
    return f"examples/{slug}.zip"


def offer(size: int, count: int, slug: str, deploy: str = "") -> str:
    """Return the line under "Build it" that offers the zip, as Markdown for a page under ``patterns/``.

    Args:
        size: of the zip, in bytes.
        count: of the example's own files.
        slug: the example.
        deploy: the address that deploys it with one click, or the empty text.
    """
    size_kb = max(1, round(size / 1000))
    text = f"[Download this example](../{zip_address(slug)}): {count} files, {size_kb} KB, as the tests run them."
    if deploy:
        text += (
            f" Or [deploy it to Cloudflare]({deploy}){{ .deploy }} into your own account; the form asks for its secret."
        )
    return f"{text}\n{{ .offer }}"


def offered(sheet: Sheet, guide: Guide) -> str:
    """Return a page's Markdown with the offer under its heading "Build it"."""
    if not sheet.is_pattern or sheet.slug not in guide.zips:
        return sheet.markdown
    size, count = guide.zips[sheet.slug]
    line = offer(size, count, sheet.slug, guide.deploy.get(sheet.slug, ""))
    return BUILD.sub(lambda heading: f"{heading[0]}\n\n{line}\n", sheet.markdown, count=1)


def linked(sheet: Sheet, root: Path = ROOT) -> str:
    """Return a page's Markdown in which ``[example](example:global-api-kv#kv)`` leads to an example that uses the product.

    A page cannot promise an example that nobody has written yet: until then, it says "none here".

    Raises:
        GuideError: a link names an unknown pattern, or a product without a binding.
    """

    def replace(match: re.Match[str]) -> str:
        page = root / "docs" / "patterns" / f"{match['slug']}.md"
        if match["product"] not in BINDINGS or not page.is_file():
            raise sheet.wrong(match.start(), f"{match[0]} names an unknown pattern, or a product without a binding.")
        built = BUILD.search(page.read_text(encoding="utf-8"))
        if built and uses(root / "snippets" / match["slug"], match["product"]):
            return f"[{match['text']}](../patterns/{match['slug']}.md#build-it)"
        return ABSENT

    return LINK.sub(replace, sheet.markdown)


def named(slug: str) -> str:
    """Return what stands for a marker that names the example of the transcripts after it: nothing.

    Raises:
        GuideError: there is no such example.
    """
    if not (ROOT / "snippets" / slug).is_dir():
        raise GuideError(f"there is no example snippets/{slug}.")
    return ""


def given() -> Path | None:
    """Return the zip to read offline that this build should offer: ``OFFLINE_ZIP=dist/….zip mkdocs build``.

    Raises:
        GuideError: it is not there.
    """
    name = os.environ.get("OFFLINE_ZIP", "")
    path = Path(name).resolve()
    if name and not path.is_file():
        raise GuideError(
            f"OFFLINE_ZIP is {name!r}, which is no file. Make it with `uv run --no-dev python -m tools.hosting.offline`."
        )
    return path if name else None


def offline(path: Path | None) -> str:
    """Return what the home page says about the zip, as Markdown; nothing where none is offered."""
    if path is None:
        return ""
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    return f"[Read it offline]({OFFLINE}/{path.name}): a zip of {size}. Unzip it and open `index.html`; it needs no server and no network."
