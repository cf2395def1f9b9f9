"""Who knows nothing of Cloudflare gets from the home page to a running example: three clicks, three commands, one request."""

import shutil
import subprocess

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from model.examples import has_worker
from runtime.browser import Visit
from runtime.site import Site
from runtime.workers import SNIPPETS, dev_server
from tests.documents.transcripts import ADDRESS
from tests.support.pages import ROOT, SLUGS
from tests.support.patience import PATIENCE_S


def copied(visit: Visit, number: int) -> list[str]:
    """Return the commands that the copy button of a block under "Run it" puts on the clipboard."""
    block = visit.page.locator("h3#run-it ~ .language-console").nth(number)
    block.hover()
    block.locator(".copy").click()
    return visit.page.evaluate("navigator.clipboard.readText()").split("\n")


def test_from_the_home_page_to_an_answer_of_the_running_example(site: Site, browser: Browser, tmp_path):
    with Visit(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.goto(site.url)
        visit.page.locator("article").get_by_role("link", name="3 · Global API with KV").click()
        visit.page.wait_for_url("**/patterns/global-api-kv/")
        visit.page.locator("nav.md-nav--secondary").get_by_role("link", name="Run it").click()
        install, secret, start = copied(visit, 0)
        request = "\n".join(copied(visit, 1)).split("\ncurl ")[0]

    # A copy of the clone, so that nothing is written into the tree; its packages are those of the lock file.
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copytree(
        SNIPPETS / "global-api-kv",
        tmp_path / "snippets/global-api-kv",
        ignore=shutil.ignore_patterns("node_modules", ".*"),
    )
    assert install == "uv run npm ci"
    subprocess.run(["bash", "-c", secret], cwd=tmp_path, check=True)
    with dev_server(start, tmp_path) as (url, _):
        answer = subprocess.run(
            ["bash", "-c", request.replace(ADDRESS, url)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert answer.stdout.startswith('{"enabled":true'), answer.stderr


@pytest.mark.parametrize("slug", SLUGS)
def test_every_pattern_is_two_clicks_from_running_it(soups: dict[str, BeautifulSoup], slug: str):
    assert soups[""].select_one(f"article a[href$='patterns/{slug}/']")
    page = soups[f"patterns/{slug}/"]
    assert page.select_one("nav.md-nav--secondary a[href='#run-it']")
    assert 1 <= page.select_one("h3#run-it ~ .language-console").get_text().count("$ ") <= 3


def test_the_readme_counts_the_patterns_without_a_worker():
    without = [slug for slug in SLUGS if not has_worker(slug)]
    words = {3: "Three patterns have", 4: "Four patterns have", 5: "Five patterns have"}
    assert f"{words[len(without)]} no Worker." in " ".join((ROOT / "README.md").read_text().split()), without
