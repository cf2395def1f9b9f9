"""Two dated editions in a throw-away repository: one page renamed, one deleted, one figure changed; then both hosted in workerd."""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from hooks.publish.edition import block, compared, figures
from hooks.publish.headers import FIXED, IMMUTABLE, RULES, digest, inline
from model.facts import ROOT, Fact, load
from model.files import GuideError
from model.markdown import sections
from runtime.browser import Visit
from runtime.site import SITE_DATE, copy_project
from runtime.workers import Example, Runtime
from tools.hosting import __main__ as host
from tools.hosting.editions import publish

OLD, NEW = "2026-10-01", "2026-11-24"
ADDRESS = "https://guide.example.com/"
PAGE = "# {}\n\nA page.\n\n## First part\n\nText.\n\n## Second part\n\nMore text.\n"


class Repository:
    """A throw-away repository of the guide."""

    def __init__(self, folder: Path) -> None:
        self.folder = copy_project(folder)
        shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "hosting", folder / "hosting", ignore=lambda *_: {"live", ".wrangler"})
        (folder / ".gitignore").write_text(".cache/\n__pycache__/\n/site/\n")
        self.env = {
            **os.environ,
            "SITE_URL": ADDRESS,
            "SITE_DATE": SITE_DATE,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        self.run("git", "init", "--quiet", "--initial-branch=main")

    def run(self, *command: str | Path) -> str:
        done = self.attempt(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)

    def publish(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.attempt(sys.executable, "-m", "tools.hosting.editions", "publish", *options)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message=A change")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text, f"{path} no longer holds {old!r}; mend this test"
        (self.folder / path).write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Both editions are published; what was refused on the way is remembered."""
    made = Repository(tmp_path_factory.mktemp("editions") / "guide")
    nav = "      - Glossary: guide/glossary.md\n"
    made.edit("mkdocs.yml", nav, f"{nav}      - Old name: guide/old-name.md\n      - Going: guide/going.md\n")
    for name in ("old-name", "going"):
        (made.folder / "docs" / "guide" / f"{name}.md").write_text(PAGE.format(name))
    made.uncommitted = made.publish("--date", OLD)
    made.commit()
    first = made.publish("--date", OLD)
    assert first.returncode == 0, first.stderr

    made.edit(
        "mkdocs.yml",
        "      - Old name: guide/old-name.md\n      - Going: guide/going.md\n",
        "      - New name: guide/new-name.md\n",
    )
    made.run("git", "mv", "docs/guide/old-name.md", "docs/guide/new-name.md")
    made.run("git", "rm", "--quiet", "docs/guide/going.md")
    made.edit("docs/guide/new-name.md", "More text.", "Other text.\n\n## Third part\n\nNew.")
    made.edit("docs/assets/site.css", "/* Editions */", "/* The editions */")
    made.edit("docs/data/facts/kv.yml", VALUE, VALUE.replace("1", "2"))
    for page in (made.folder / "docs").rglob("*.md"):  # no page may say something else than the fact
        page.write_text(page.read_text().replace("1 write per second](fact:", "2 write per second](fact:"))
    made.edit("snippets/global-api-kv/src/index.ts", "\n", "\n\n")
    moved = made.folder / "docs" / "data" / "moved.yml"
    moved.write_text(
        moved.read_text()
        + f"- {{ old: guide/old-name/, new: guide/new-name/, date: {NEW} }}\n- {{ old: guide/going/, new: guide/mistakes/, date: {NEW} }}\n"
    )
    made.commit()
    made.done = made.publish("--new", "--date", NEW)
    assert made.done.returncode == 0, made.done.stderr
    return made


VALUE = "  value: 1\n  unit: write per second"


@pytest.fixture(scope="module")
def folder(repository: Repository) -> Path:
    """Both editions, put together for hosting."""
    host.gather(host.BRANCH, repository.folder / "site", repository.folder)
    return repository.folder / "site"


@pytest.fixture(scope="module")
def hosted(folder: Path, runtime: Runtime) -> Iterator[Example]:
    with runtime.example(folder.parent / "hosting") as example:
        yield example


def soup(answer_or_path: object) -> BeautifulSoup:
    text = answer_or_path.read_text() if isinstance(answer_or_path, Path) else answer_or_path.text
    return BeautifulSoup(text, "html.parser")


def banner(hosted: Example, path: str) -> tuple[str, str]:
    """Return the words of a page's banner and where it leads."""
    found = soup(hosted.http.get(path)).select_one(".edition-banner")
    return (" ".join(found.get_text().split()), found.a["href"]) if found else ("", "")


# Publishing


def test_an_edition_belongs_to_a_commit(repository: Repository):
    assert repository.uncommitted.returncode == 1
    assert "Commit your changes first" in repository.uncommitted.stderr


def test_a_page_that_would_be_lost_stops_the_edition(repository: Repository, monkeypatch: pytest.MonkeyPatch):
    (repository.folder / ".cache/edition/guide/new-name/index.html").unlink()
    (repository.folder / ".cache/edition/guide/going/index.html").unlink()
    monkeypatch.chdir(repository.folder)
    monkeypatch.setenv("SITE_URL", ADDRESS)
    monkeypatch.setattr(host, "build", lambda *arguments, **environment: None)
    before = repository.run("git", "rev-parse", "editions")
    with pytest.raises(
        GuideError, match=r"pages that are gone: guide/going/, guide/new-name/\. Say in docs/data/moved\.yml"
    ):
        publish(repository.folder, True, datetime.date(2026, 12, 1))
    assert repository.run("git", "rev-parse", "editions") == before


def test_both_editions_stand_on_the_branch_and_nothing_else_is_touched(repository: Repository):
    assert repository.done.stdout == f"Edition of {NEW}, on the branch editions.\n"
    versions = json.loads(repository.run("git", "show", "editions:versions.json"))
    assert [(v["version"], v["aliases"]) for v in versions] == [(NEW, ["latest"]), (OLD, [])]
    assert versions[0]["properties"]["commit"] == repository.run("git", "rev-parse", "main").strip()
    assert repository.run("git", "status", "--porcelain") == ""


def test_editions_that_know_no_address_are_not_put_together(tmp_path: Path):
    (tmp_path / "latest").mkdir()
    with pytest.raises(GuideError, match=r"latest/ has no sitemap .* again, with SITE_URL"):
        host.finish(tmp_path)


def test_an_edition_older_than_the_newest_is_refused(repository: Repository):
    refused = repository.publish("--new", "--date", "2026-11-01")
    assert refused.returncode == 1 and "2026-11-01 is older than the newest edition, 2026-11-24" in refused.stderr


# Hosting


def test_search_engines_are_led_to_the_latest_edition(hosted: Example):
    for path in ("patterns/", "patterns/global-api-kv/", ""):
        for edition in (OLD, NEW, "latest"):
            answer = hosted.http.get(f"/{edition}/{path}")
            assert answer.status_code == 200
            assert soup(answer).select_one("link[rel=canonical]")["href"] == f"{ADDRESS}latest/{path}"
            assert answer.headers.get("x-robots-tag") == ("noindex" if edition == OLD else None)
    assert hosted.http.get("/robots.txt").text == f"Sitemap: {ADDRESS}latest/sitemap.xml\n"
    places = re.findall(r"<loc>(.*?)</loc>", hosted.http.get("/latest/sitemap.xml").text)
    assert len(places) > 70 and all(place.startswith(f"{ADDRESS}latest/") for place in places)


def test_each_edition_has_one_policy_of_its_own_and_the_other_headers_once(hosted: Example, folder: Path):
    policies = {}
    for edition in (OLD, NEW, "latest"):
        answer = hosted.http.get(f"/{edition}/")
        assert {name: answer.headers[name] for name in FIXED} == FIXED
        assert answer.headers["speculation-rules"] == '"/latest/assets/speculation-rules.json"'
        policies[edition] = answer.headers["content-security-policy"]
        assert policies[edition].count("default-src") == 1
        for page in (folder / edition).rglob("*.html"):
            assert all(digest(script) in policies[edition] for script in inline(page.read_text())), page
        assert all(digest(script) in policies[edition] for script in inline(hosted.http.get(f"/{edition}/none").text))
    assert policies[NEW] == policies["latest"]
    rules = hosted.http.get("/latest/assets/speculation-rules.json")
    assert rules.headers["content-type"] == "application/speculationrules+json"


def test_files_with_a_hash_are_kept_for_ever_in_every_edition(hosted: Example, folder: Path):
    for edition in (OLD, NEW, "latest"):
        for name in ("site.*.css", "site.*.js", "costs.*.js"):
            file = next((folder / edition / "assets").glob(name)).name
            assert hosted.http.get(f"/{edition}/assets/{file}").headers["cache-control"] == IMMUTABLE
    styles = {next((folder / edition / "assets").glob("site.*.css")).name for edition in (OLD, NEW)}
    assert len(styles) == 2


def test_the_oldest_editions_lose_their_caching_before_a_rule_is_lost(tmp_path: Path):
    editions = [f"2026-{month:02}-01" for month in range(12, 0, -1)]
    for number, edition in enumerate(["latest", *editions]):
        (tmp_path / edition).mkdir()
        files = "".join(f"/assets/{max(number, 1)}-{n}.js\n  Cache-Control: {IMMUTABLE}\n" for n in range(10))
        (tmp_path / edition / "_headers").write_text(
            f"/*\n  Content-Security-Policy: script-src 'self'; x {number}\n{files}"
        )
        (tmp_path / edition / "404.html").write_text("<script>1</script>")
    rules = host.merged(tmp_path, editions)
    assert len(rules) == RULES
    assert [f"/{edition}/*" in rules for edition in editions] == [False] + [True] * 11
    assert "/:edition/assets/1-0.js" in rules and "/:edition/assets/12-0.js" not in rules
    assert "'sha256-" in rules["/2026-01-01/*"]["Content-Security-Policy"], (
        "the page for a wrong address works there too"
    )


@pytest.mark.parametrize(
    ("path", "status", "place"),
    [
        ("/", 302, "/latest/"),
        ("/patterns/global-api-kv/", 302, "/latest/patterns/global-api-kv/"),
        ("/facts.json", 302, "/latest/facts.json"),
        ("/latest/guide/old-name/", 301, "/latest/guide/new-name/"),
        (f"/{NEW}/guide/going", 301, f"/{NEW}/guide/mistakes/"),
        (f"/{OLD}/guide/old-name/", 200, None),
        (f"/{OLD}/guide/going/", 200, None),
        (f"/{OLD}/guide/new-name/", 404, None),
        ("/2020-01-01/", 404, None),
    ],
)
def test_every_address_leads_somewhere(hosted: Example, path: str, status: int, place: str | None):
    answer = hosted.http.get(path)
    assert (answer.status_code, answer.headers.get("location")) == (status, place)


def test_the_banner_of_an_older_edition_leads_to_the_same_page_in_the_latest(hosted: Example):
    words = f"You read the edition of {OLD}. "
    assert banner(hosted, f"/{OLD}/patterns/queues-none/") == ("", ""), (
        "the page for a wrong address is of the latest edition"
    )
    for path, text, place in (
        ("patterns/global-api-kv/", "Read this page in the latest edition.", "../../../latest/patterns/global-api-kv/"),
        ("", "Read this page in the latest edition.", "../latest/"),
        ("guide/old-name/", "This page is now elsewhere in the latest edition.", "../../../latest/guide/new-name/"),
        ("guide/going/", "This page is now elsewhere in the latest edition.", "../../../latest/guide/mistakes/"),
    ):
        assert banner(hosted, f"/{OLD}/{path}") == (words + text, place)
    for edition in (NEW, "latest"):
        assert banner(hosted, f"/{edition}/patterns/global-api-kv/") == ("", "")


def test_a_page_that_nobody_replaced_leads_to_the_overview(tmp_path: Path):
    assert "../../latest/patterns/" in host.banner(tmp_path, OLD, "gone/", {}) and "This page is gone" in host.banner(
        tmp_path, OLD, "gone/", {}
    )


def test_a_reader_moves_between_editions_without_breaking_the_policy(hosted: Example, browser: Browser):
    with Visit(browser) as visit:
        page = visit.page
        page.goto(f"{hosted.url}/{OLD}/patterns/")
        page.locator("a[href$='global-api-kv/']:visible").first.click()
        page.wait_for_url(f"{hosted.url}/{OLD}/patterns/global-api-kv/")
        link = page.locator(".edition-banner a")
        page.locator(".edition-banner a[href$='global-api-kv/']").wait_for()
        link.click()
        page.wait_for_url(f"{hosted.url}/latest/patterns/global-api-kv/")
        page.get_by_role("link", name="Other editions").click()
        choice = page.get_by_role("combobox", name="Edition")
        choice.wait_for()
        assert choice.locator("option").all_inner_texts() == [f"{NEW} (latest)", OLD]
        assert choice.input_value() == "latest"
        choice.select_option(OLD)
        page.wait_for_url(f"{hosted.url}/{OLD}/patterns/global-api-kv/")
        page.goto(f"{hosted.url}/latest/guide/new-name/")
        page.get_by_role("link", name="Other editions").click()
        page.get_by_role("combobox", name="Edition").select_option(OLD)
        page.wait_for_url(f"{hosted.url}/{OLD}/")
        assert [c for c in visit.complaints if "404" not in c] == []


def test_without_javascript_the_editions_are_a_list(hosted: Example, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{hosted.url}/latest/patterns/")
        visit.page.get_by_role("link", name="Other editions").click()
        visit.page.wait_for_url(f"{hosted.url}/editions/")
        visit.page.get_by_role("link", name=OLD).click()
        visit.page.wait_for_url(f"{hosted.url}/{OLD}/")
        assert visit.complaints == []


# What changed on a page


def changes(folder: Path, path: str) -> str:
    found = soup(folder / path / "index.html").select_one(".changes")
    return " ".join(found.get_text(" ").split()) if found else ""


def test_the_first_edition_says_nothing_of_changes(folder: Path):
    assert changes(folder, f"{OLD}/patterns/global-api-kv") == ""


def test_a_page_says_what_changed_in_it(folder: Path):
    said = changes(folder, "latest/patterns/global-api-kv")
    assert re.match(rf"Changed since the edition of {OLD} : \d sections?, 1 figure, 1 file of the example", said)
    assert "Before: 1 write per second. Now: 2 write per second." in said
    assert "src/index.ts: changed" in said
    assert changes(folder, "latest/guide/glossary") == f"Unchanged since the edition of {OLD} ."


def test_a_renamed_page_is_compared_with_what_it_was(folder: Path):
    said = changes(folder, "latest/guide/new-name")
    assert "Second part: changed" in said and "Third part: new" in said and "First part" not in said


def test_a_heading_inside_code_is_no_section():
    text = "---\ntitle: x\n---\nLead.\n\n## One {#a}\n\n```console\n## not one\n```\n\n## Two\n\nb\n"
    assert list(sections(text)) == ["the beginning of the page", "One", "Two"]
    assert compared(text, text.replace("## not one", "## not two")) == ["One: changed"]
    assert compared(text, text.replace("## Two\n\nb\n", "")) == ["Two: gone"]
    assert compared(text, text.replace("title: x", "title: y")) == []


def test_only_figures_that_changed_and_were_there_before_are_named():
    facts = dict(list(load().items())[:3])
    one, two, three = facts
    before = {one: facts[one], two: Fact(**{**vars(facts[two]), "text": "another"})}
    assert figures(before, facts, [one, two, two, three]) == [
        f"{facts[two].claim} Before: another. Now: {facts[two].shown}."
    ]


def test_a_new_page_says_so_and_words_are_escaped():
    assert "This page is new since" in block(OLD, True, {})
    assert "<li>a &lt;b&gt;: new</li>" in block(OLD, False, {"sections": ["a <b>: new"]})
