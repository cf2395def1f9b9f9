"""A writer who has `mkdocs serve` running sees every edit without a restart, and every mistake with its place."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from runtime.browser import Visit
from runtime.site import SITE_DATE, copy_project
from runtime.sites import free_port
from tests.support.patience import PATIENCE_S, until

PATTERN = "patterns/global-api-kv/"
PAGE = "docs/patterns/global-api-kv.md"
OFFERS = "hooks/blocks/offers.py"


class Writer:
    """Someone who edits a copy of the project while `mkdocs serve` shows it."""

    def __init__(self, root: Path, url: str, log: Path) -> None:
        self.root, self.url, self._log = root, url, log
        self._edited: set[str] = set()
        self.mistake: tuple[str, str, str] | None = None

    def mend(self) -> None:
        if self.mistake:
            self.edit(*self.mistake)
        self.mistake = None

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} no longer holds {old!r}; mend this test"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def page(self, address: str) -> str:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}{address}", timeout=PATIENCE_S, follow_redirects=True).text
        return ""

    def asset(self, name: str) -> str:
        """Return a script or style of the site, as the pages ask for it now."""
        stem, _, ending = name.rpartition(".")
        found = re.search(rf"assets/{stem}\.\w+\.{ending}", self.page(PATTERN))
        return self.page(found[0]) if found else ""

    def shown(self, address: str) -> str:
        return self.asset(address) if address.startswith("site.") else self.page(address)

    def edit_all(self, folder: str) -> None:
        """Make every edit of ``EDITS`` in a folder at once, the first time: each costs a build, and MkDocs watches whole folders."""
        if folder in self._edited:
            return
        self._edited.add(folder)
        edits = [edit for edit in EDITS.values() if edit[0].startswith(folder)]
        for _, _, new, address in edits:
            assert word(new) not in self.shown(address)
        for name, old, new, _ in edits:
            self.edit(name, old, new)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait(self, found: Callable[[], object], what: str) -> None:
        try:
            until(found, what=what)
        except AssertionError as error:
            error.add_note(self.log()[-2000:])
            raise


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    folder = tmp_path_factory.mktemp("edits")
    root, log, port = copy_project(folder / "project"), folder / "log", free_port()
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "SITE_DATE": SITE_DATE}
    command = [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"]
    with (
        log.open("wb") as said,
        subprocess.Popen(command, cwd=root, env=environment, stdout=said, stderr=said) as server,
    ):
        try:
            writer = Writer(root, f"http://127.0.0.1:{port}/", log)
            writer.wait(lambda: bool(writer.page(PATTERN)) or server.poll() is not None, "the site")
            assert server.poll() is None, writer.log()
            yield writer
        finally:
            server.terminate()


# Kind of file: the file, what is edited in it, and the page that depends on it.
EDITS = {
    "a page": ("docs/guide/quick-start.md", "\n## ", "\nAnEditedPage says more.\n\n## ", "guide/quick-start/"),
    "a fact": ("docs/data/facts/kv.yml", "One key accepts one write per second", "AnEditedFact", PATTERN),
    "a product": (
        "docs/data/products.yml",
        "https://developers.cloudflare.com/kv/\n",
        "https://developers.cloudflare.com/kv/#AnEditedProduct\n",
        PATTERN,
    ),
    "a term": ("docs/data/glossary.yml", "A named connection from a Worker", "AnEditedTerm of a Worker", PATTERN),
    "the chooser": ("docs/data/decide.yml", "The place that produces the answer.", "AnEditedHint.", "guide/decide/"),
    "a cost": (
        "docs/data/costs/patterns/global-api-kv.yml",
        "A request that Workers Cache answers",
        "AnEditedCost",
        PATTERN,
    ),
    "an experiment": (
        "docs/data/experiments/kv-counter.json",
        "200 increments from 20 clients",
        "AnEditedExperiment",
        "guide/mistakes/",
    ),
    "a date of transcripts": (
        "docs/data/live/recorded.json",
        '"date": "2026-',
        '"date": "AnEditedDate-',
        "guide/quick-start/",
    ),
    "a style": ("docs/assets/site.css", "\n", "\n/* AnEditedStyle */\n", "site.css"),
    "a script": ("docs/assets/site.js", "\n", "\n// AnEditedScript\n", "site.js"),
    "words for the search": ("docs/data/search.yml", "which storage", "AnEditedWord", "search/index.js"),
    "a version": (
        "package-lock.json",
        '"node_modules/workerd": {\n      "version": "',
        '"node_modules/workerd": {\n      "version": "AnEditedVersion',
        PATTERN,
    ),
    "a snippet": (
        "snippets/global-api-kv/src/store.ts",
        "[start:read]\n",
        "[start:read]\n// AnEditedSnippet\n",
        PATTERN,
    ),
    "an override": ("overrides/partials/header.html", "<header", "<!-- AnEditedOverride --><header", PATTERN),
    "our own code for pages": (OFFERS, "Download this example", "AnEditedHook", PATTERN),
    "our own code for data": ("model/facts.py", "documentation page", "page AnEditedModel", PATTERN),
    "the door to MkDocs": (
        "hooks/site.py",
        "printed = tree.printed(body)\n",
        'printed = tree.printed(body) + "<!-- AnEditedDoor -->"\n',
        PATTERN,
    ),
}


def word(new: str) -> str:
    """Return the word of an edit that must show."""
    return re.findall(r"AnEdited\w+", new)[0]


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_shows(writer: Writer, kind: str):
    name, _, new, address = EDITS[kind]
    writer.edit_all(name.split("/")[0])
    writer.wait(lambda: word(new) in writer.shown(address), kind)


def test_pages_have_the_policy_of_the_hosted_site_and_still_reload_themselves(writer: Writer, visit: Visit):
    page = visit.page
    policy = page.goto(f"{writer.url}guide/decide/").headers["content-security-policy"]
    assert "unsafe" not in policy and "object-src 'none'" in policy and "script-src 'self' 'sha256-" in policy
    writer.edit("docs/guide/decide.md", "# Five questions", "# AnEditWhileItIsOpen: five questions")
    page.get_by_role("heading", name="AnEditWhileItIsOpen").wait_for(timeout=1000 * PATIENCE_S)
    assert visit.complaints == []


# File, edit, what the terminal says, and the page that is then edited once more.
MISTAKES = {
    "a marker": (
        PAGE,
        "<!-- costs -->",
        "<!-- cost -->",
        r"docs/patterns/global-api-kv\.md:\d+: the marker <!-- cost --> is unknown\. Known are: ",
    ),
    "a data file": (
        "docs/data/glossary.yml",
        "- { term: alarm,",
        "- { term: [alarm,",
        r"docs/data/glossary\.yml:2: not YAML: .+\. Correct it\.",
    ),
    "a script in a page": (
        PAGE,
        "\n## Tradeoffs\n",
        "\n<script>fetch('live/global-api-kv')</script>\n\n## Tradeoffs\n",
        r"docs/patterns/global-api-kv\.md:\d+: <script would run in the reader's browser\. Remove it",
    ),
    "a section of a snippet": (
        PAGE,
        'store.ts:read"',
        'store.ts:red"',
        r"docs/patterns/global-api-kv\.md:\d+: snippets/global-api-kv/src/store\.ts has no section red, or has it twice\. Correct",
    ),
    "a service": (
        PAGE,
        "services: [workers, kv,",
        "services: [workers, kvv,",
        r"docs/patterns/global-api-kv\.md:5: unknown service 'kvv'\. Add it to docs/data/products\.yml",
    ),
    "front matter": (
        "docs/guide/decide.md",
        "title: ",
        "title: [",
        r"docs/guide/decide\.md:\d: not YAML: .+\. Correct it\.",
    ),
    "the syntax of our own code": (OFFERS, "def offered(", "def offered((", r"SyntaxError: "),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_the_server_survives_a_mistake_and_names_it(writer: Writer, kind: str):
    """Each mends the mistake before it, so that none costs a whole build."""
    name, old, wrong, message = MISTAKES[kind]
    begun = len(writer.log())
    writer.mend()
    writer.edit(name, old, wrong)
    writer.mistake = (name, wrong, old)
    writer.wait(lambda: re.search(message, writer.log()[begun:]) is not None, f"the mistake in {kind}")
    if "Syntax" not in message:
        assert "Traceback" not in writer.log()[begun:]


def test_after_all_mistakes_the_server_shows_the_mended_file(writer: Writer):
    writer.mend()
    writer.edit(PAGE, "\n## Strengths\n", "\nAnEditedEnd\n\n## Strengths\n")
    writer.wait(lambda: "AnEditedEnd" in writer.page(PATTERN), "the page after the last mistake")
