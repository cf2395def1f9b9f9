"""Draw every Mermaid fence of the site once, in real Chromium, and check the drawings in.

Run it after editing a diagram:  uv run python -m tools.diagrams
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page

from model.diagrams import DRAWN, fences, key
from runtime import toolchain
from runtime.browser import chromium

DOCS = toolchain.ROOT / "docs"
FONT = DOCS / "assets" / "fonts" / "public-sans.woff2"
SCRIPT = Path(__file__).with_name("draw.js")
FINGERPRINT = DRAWN / "fingerprint.json"
CONFIG = {
    "startOnLoad": False,
    "securityLevel": "strict",
    "theme": "base",
    "fontFamily": "Public Sans",
    "fontSize": 16,
    "handDrawnSeed": 1,
    "htmlLabels": False,
    "flowchart": {"htmlLabels": False, "nodeSpacing": 36, "rankSpacing": 44, "padding": 12, "wrappingWidth": 190},
    "sequence": {
        "mirrorActors": False,
        "actorMargin": 24,
        "width": 140,
        "wrap": True,
        **{f"{part}FontSize": 16 for part in ("actor", "message", "note")},
    },
}
# Mermaid also measures in "sans-serif" and keeps the wider result; only one font makes every machine agree.
PAPER = "<style>* { font-family: 'Public Sans' !important }</style><body></body>"
LINK = re.compile(r"^\s*%% link (\S+) (https://\S+)\s*$", re.M)


class Source(NamedTuple):
    """A Mermaid fence and where it stands."""

    path: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(toolchain.ROOT)}:{self.line}"


def sources() -> list[Source]:
    """Return every Mermaid fence under ``docs``, in page order."""
    return [
        Source(path, line, text)
        for path in sorted(DOCS.rglob("*.md"))
        for line, text in fences(path.read_text(encoding="utf-8"))
    ]


def fingerprint() -> dict[str, str]:
    """Return what the drawings depend on besides their sources: Mermaid, its configuration, our code, the font."""
    package = json.loads((toolchain.ROOT / "package.json").read_text(encoding="utf-8"))
    return {
        "mermaid": package["devDependencies"]["mermaid"],
        "config": hashlib.sha256((json.dumps(CONFIG, sort_keys=True) + PAPER).encode()).hexdigest()[:16],
        "draw.js": hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:16],
        "font": hashlib.sha256(FONT.read_bytes()).hexdigest()[:16],
    }


class Drawer:
    """A headless Chromium with the site's font, in which diagrams are drawn one after the other.

    What was drawn before leaves no trace in a drawing: ``draw.js`` removes the ids that Mermaid counts up.
    """

    def __enter__(self) -> "Drawer":
        toolchain.install()
        with ExitStack() as stack:
            self._browser = stack.enter_context(chromium())
            self._page = self._paper()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def draw(self, source: str) -> str:
        """Return the SVG of one Mermaid source.

        Raises:
            ValueError: Mermaid rejects the source; the message is Mermaid's, which names the line.
        """
        try:
            drawn = self._page.evaluate("([s, c, l]) => draw(s, c, l)", [source.strip(), CONFIG, LINK.findall(source)])
        except BrowserError as error:
            self._page.close()
            self._page = self._paper()
            raise ValueError(str(error).removeprefix("Page.evaluate: ").split("\n    at ")[0]) from error
        return drawn["svg"] + "\n"

    def _paper(self) -> Page:
        page = self._browser.new_page()
        page.route(
            "http://diagram.test/**",
            lambda route: route.fulfill(
                body=FONT.read_bytes() if route.request.url.endswith("woff2") else PAPER,
                content_type="font/woff2" if route.request.url.endswith("woff2") else "text/html",
            ),
        )
        page.goto("http://diagram.test/")
        page.evaluate(
            "async () => { const f = new FontFace('Public Sans', 'url(/font.woff2)', { weight: '100 900' });"
            " document.fonts.add(await f.load()); }"
        )
        page.add_script_tag(path=toolchain.NODE_MODULES / "mermaid" / "dist" / "mermaid.min.js")
        page.add_script_tag(path=SCRIPT)
        return page


def stale() -> Iterator[Path]:
    """Yield drawings whose source no page holds any more."""
    wanted = {f"{key(s.text)}.svg" for s in sources()}
    yield from (p for p in sorted(DRAWN.glob("*.svg")) if p.name not in wanted)


def main() -> int:
    """Draw what is missing, remove what is stale, and return the process's exit code."""
    DRAWN.mkdir(parents=True, exist_ok=True)
    same = FINGERPRINT.is_file() and json.loads(FINGERPRINT.read_text(encoding="utf-8")) == fingerprint()
    todo = [s for s in sources() if not same or not (DRAWN / f"{key(s.text)}.svg").is_file()]
    failed = 0
    with Drawer() as drawer:
        for source in todo:
            try:
                (DRAWN / f"{key(source.text)}.svg").write_text(drawer.draw(source.text), encoding="utf-8")
                print(f"drew {source.place}")
            except ValueError as error:
                failed += 1
                print(f"{source.place}: {error}", file=sys.stderr)
    for path in list(stale()):
        path.unlink()
        print(f"removed {path.name}")
    if not failed:
        FINGERPRINT.write_text(json.dumps(fingerprint(), indent=2) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
