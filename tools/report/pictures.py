"""Take a picture of each diagram that changed, as its page shows it: nobody compares drawings by reading SVG."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Page

from runtime.browser import chromium
from tools.report.compare import Build, Drawing
from tools.report.data import DiagramChange

MOST = 40
Change = tuple[str, Drawing | None, str, Drawing | None]


def name(drawing: Drawing) -> str:
    """Return the picture's name, the same for the same drawing."""
    return hashlib.sha256(drawing.svg).hexdigest()[:16]


def take(base: Build, head: Build, changes: Iterable[Change], folder: Path) -> list[DiagramChange]:
    """Write the pictures of the first ``MOST`` changes into a folder and return all changes.

    The browser runs no script and asks no network, because a stranger may have written the pages.
    """
    changes = list(changes)
    folder.mkdir(parents=True, exist_ok=True)
    if not changes:
        return []
    with chromium() as browser:
        context = browser.new_context(
            java_script_enabled=False, offline=True, color_scheme="light", viewport={"width": 1280, "height": 900}
        )
        page = context.new_page()
        found = []
        for number, (old, was, address, now) in enumerate(changes):
            draw = number < MOST
            before = _picture(page, base, old, was, folder) if was and draw else ""
            after = _picture(page, head, address, now, folder) if now and draw else ""
            title = now.title if now else was.title if was else ""
            found.append(DiagramChange(address, title, before, after))
    return found


def _picture(page: Page, build: Build, address: str, drawing: Drawing, folder: Path) -> str:
    target = folder / f"{name(drawing)}.png"
    if not target.exists():
        page.goto((build.site / address / "index.html").as_uri())
        page.locator(f"#diagram-{drawing.number} svg").first.screenshot(path=target)
    return target.stem
