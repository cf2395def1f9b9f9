"""The site builds strictly, without a browser, a network or Node, and each broken input names its place."""

import filecmp
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from runtime.setups import EXAMPLES
from runtime.site import Site, build, copy_project
from tests.documents.fences import fences
from tests.support.pages import ROOT, every_page, service_ids


def test_every_markdown_page_is_built(site: Site):
    written = {p.place.removeprefix("docs/").removesuffix(".md").removesuffix("index").strip("/") for p in every_page()}
    assert {place.strip("/") for place in site.pages()} == written | {f"services/{name}" for name in service_ids()}
    assert len(written) >= 26


def test_the_build_is_the_same_without_browser_node_and_toolchain(site: Site, tmp_path: Path):
    project = copy_project(tmp_path / "project")
    done = build(tmp_path / "site", project, SITE_URL=site.url, PATH=os.path.dirname(sys.executable), CHROME="")
    assert done.returncode == 0, done.stderr
    # The dates in the sitemap come from git, which the copy lacks.
    written = (p for p in site.folder.rglob("*") if p.is_file() and not p.name.startswith("sitemap.xml"))
    files = [str(p.relative_to(site.folder)) for p in written]
    _, different, missing = filecmp.cmpfiles(site.folder, tmp_path / "site", files, shallow=False)
    assert (different, missing) == ([], [])
    assert len(files) > 40


def test_every_internal_link_and_anchor_leads_somewhere(site: Site, soups: dict[str, BeautifulSoup]):
    anchors = {p: {e["id"] for e in soup.find_all(id=True)} for p, soup in soups.items()}
    checked = 0
    for place, soup in soups.items():
        for element in soup.find_all(["a", "link", "script", "img"]):
            address = element.get("href") or element.get("src")
            if not address or address.startswith(("data:", "mailto:")):
                continue
            target, anchor = urldefrag(urljoin(site.url + place, address))
            if not target.startswith(site.url):
                continue
            path = unquote(urlsplit(target).path).lstrip("/")
            file = site.folder / path / "index.html" if path in anchors else site.folder / path
            assert file.is_file(), f"{place}: link to {address}, which is not there"
            if anchor and path in anchors:
                assert unquote(anchor) in anchors[path], f"{place}: {address} has no such anchor"
            checked += 1
    assert checked > 1000


def test_nothing_is_loaded_from_another_host(soups: dict[str, BeautifulSoup]):
    for place, soup in soups.items():
        for element in soup.find_all(["script", "img", "iframe", "link", "source"]):
            address = element.get("src") or element.get("href") or ""
            loaded = element.name != "link" or set(element.get("rel", [])) & {
                "stylesheet",
                "preload",
                "icon",
                "preconnect",
            }
            assert not loaded or not urlsplit(address).hostname, f"{place}: loads {address}"


def test_every_id_is_unique_on_its_page(soups: dict[str, BeautifulSoup]):
    for place, soup in soups.items():
        ids = [e["id"] for e in soup.find_all(id=True)]
        assert sorted(set(ids)) == sorted(ids), f"{place}: {[i for i in set(ids) if ids.count(i) > 1]}"


def test_no_item_of_a_list_is_swallowed_by_a_paragraph(soups: dict[str, BeautifulSoup]):
    lines = 0
    for place, soup in soups.items():
        for text in (
            line for part in soup.select(".md-content p, .md-content li") for line in part.get_text().splitlines()
        ):
            lines += 1
            assert not re.match(r"(\d+\.|[-*]) +\S", text), f"{place}: {text[:60]}"
    assert lines > 3_000


def test_every_code_block_on_a_page_comes_from_a_fence(soups: dict[str, BeautifulSoup]):
    for page in every_page():
        place = page.place.removeprefix("docs/").removesuffix(".md").removesuffix("index")
        soup = soups[place and place.rstrip("/") + "/"]
        shown = [pre for pre in soup.select("article pre") if not pre.find_parent("figure", class_="diagram")]
        assert len(shown) == sum(f.language != "mermaid" for f in fences(page.text, page.place)), page.place
        drawn = [f for f in fences(page.text, page.place) if f.language == "mermaid"]
        assert len(soup.select("figure.diagram svg")) == len(drawn), page.place


def test_every_transcript_belongs_to_an_example_that_can_be_started(soups: dict[str, BeautifulSoup]):
    bars = [(place, bar["data-example"]) for place, soup in soups.items() for bar in soup.select("div.live")]
    assert len(bars) > 50
    assert {place: name for place, name in bars if name not in EXAMPLES} == {}
    assert {name for place, name in bars if place == "guide/quick-start/"} == {"static-site-api", "global-api-kv"}


def test_finished_pages_load_no_mermaid_script(site: Site, soups: dict[str, BeautifulSoup]):
    assert not [s for soup in soups.values() for s in soup.find_all("script") if "mermaid" in str(s)]
    assert not list(site.folder.rglob("*mermaid*"))
    assert not list(site.folder.rglob("assets/diagrams"))


# What a build counts up to its end, and what ends it at once.
WARNED = {
    "a link": ("](background-queues.md", "](background-queue.md", r"patterns/global-api-kv\.md.*background-queue\.md"),
    "an anchor": (
        "\n## Related patterns\n",
        "\n## Related patterns\n\n[x](private-machine-api.md#gone)\n",
        r"patterns/global-api-kv\.md.*private-machine-api\.md#gone",
    ),
    "a Mermaid arrow": (
        '-->|"1 ',
        '-->|"1 oops ',
        r"docs/patterns/global-api-kv\.md:\d+: this diagram is not drawn yet\. Run `uv run python -m tools\.diagrams`",
    ),
}
FATAL = {
    "a fact id": (
        "fact:kv-write-rate)",
        "fact:kv-write-rte)",
        r"docs/patterns/global-api-kv\.md:\d+: names the unknown fact kv-write-rte",
    ),
    "a snippet section": (
        ".ts:",
        ".ts:gone",
        r"docs/patterns/global-api-kv\.md:\d+: snippets/global-api-kv/.*\.ts has no section gone\w*, or has it twice",
    ),
    "a snippet file": (
        "snippets/global-api-kv/src/",
        "snippets/global-api-kv/source/",
        r"docs/patterns/global-api-kv\.md:\d+: snippets/global-api-kv/source/.* is no file of the guide",
    ),
}


def refusal(project: Path, breakages: Iterable[tuple[str, str, str]]) -> str:
    """Break a page of a copy of the project and return what a strict build says."""
    page = copy_project(project) / "docs" / "patterns" / "global-api-kv.md"
    text = page.read_text()
    for old, new, _ in breakages:
        assert old in text, f"the page no longer holds {old!r}; mend this test"
        text = text.replace(old, new, 1)
    page.write_text(text)
    done = build(project / "site", project)
    assert done.returncode != 0
    return done.stderr


@pytest.fixture(scope="module")
def warned(tmp_path_factory: pytest.TempPathFactory) -> str:
    return refusal(tmp_path_factory.mktemp("warned"), WARNED.values())


@pytest.mark.parametrize("name", WARNED)
def test_a_strict_build_refuses_a_broken_page_and_names_the_place(name: str, warned: str):
    assert re.search(WARNED[name][2], warned), warned[-1500:]


@pytest.mark.parametrize("name", FATAL)
def test_a_build_ends_at_what_is_not_there(name: str, tmp_path: Path):
    said = refusal(tmp_path, [FATAL[name]])
    assert re.search(FATAL[name][2], said), said[-1500:]


def test_the_configuration_holds_no_machine_path():
    assert str(ROOT) not in (ROOT / "mkdocs.yml").read_text()
