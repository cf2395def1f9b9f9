"""A pattern begun with one command builds and passes its tests as a draft, and a wrong name writes nothing."""

import difflib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hooks.page.lead import box
from runtime import browser, toolchain
from tests.support.pages import SLUGS
from tests.support.patience import PATIENCE_S
from tools.new.__main__ import checked, main, write
from tools.new.entries import ENTRIES, NewError, insert
from tools.new.template import FILES, files

ROOT = toolchain.ROOT
SLUG = "begun-by-a-test"
# What a missing entry breaks; the last one needs the site, built strictly.
CHECKS = (
    f"docs/patterns/{SLUG}.md",
    "tests/snippets/test_begun_by_a_test.py",
    "tests/documents/test_recorded.py",
    "tests/runtime/test_toolchain.py::test_the_lock_holds_every_workspace_as_it_is",
    "tests/model/test_chooser.py::test_the_short_names_are_those_of_the_navigation",
    "tests/model/test_transcripts.py::test_every_pattern_with_a_button_has_rules",
    "tests/site/test_pages.py",
    f"tests/site/test_facts_on_pages.py::test_every_fact_on_the_page_exists_and_reads_as_in_the_data[docs/patterns/{SLUG}.md]",
    f"tests/site/test_facts_on_pages.py::test_no_figure_stands_in_prose_without_a_fact[docs/patterns/{SLUG}.md]",
    "tests/site/test_use_cases.py",
    "tests/site/test_build.py::test_every_markdown_page_is_built",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as it stands, with the toolchain that is installed here."""
    toolchain.install()
    browser.find()
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this copy of the repository has no git, which says what belongs to it")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    # Folders of links, and not links: what is written there must not reach the real ones.
    for folder, names in (("node_modules", "*"), (".cache", "chromium")):
        (tmp_path / folder).mkdir()
        for path in (ROOT / folder).glob(names):
            (tmp_path / folder / path.name).symlink_to(path)
    installed(tmp_path)
    return tmp_path


def installed(folder: Path) -> None:
    """Say that the packages of the lock are there, as they are but for a link to the new example."""
    stamp = folder / "node_modules" / ".installed-from"
    stamp.unlink(missing_ok=True)
    stamp.write_text(hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest())


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(10 * PATIENCE_S)
def test_a_draft_builds_strictly_and_its_tests_pass(copy: Path):
    before = {name: (copy / name).read_text() for name in (entry.path for entry in ENTRIES)}
    done = python(copy, "tools.new", "pattern", SLUG)
    assert done.returncode == 0, done.stderr
    for name, text in before.items():
        after = (copy / name).read_text()
        removed = [line for line in difflib.ndiff(text.splitlines(), after.splitlines()) if line.startswith("- ")]
        assert removed == [] and SLUG in after, name
    installed(copy)
    tested = python(copy, "pytest", "-q", "-n", "0", "-o", "timeout=0", "-p", "no:cacheprovider", *CHECKS)
    assert tested.returncode == 0, tested.stdout[-3000:]
    assert re.search(r"\d{3,} passed", tested.stdout) and "skipped" not in tested.stdout, tested.stdout[-300:]


@pytest.mark.parametrize(
    ("slug", "message"),
    [
        ("global-api-kv", "there is a pattern 'global-api-kv' already"),
        ("global-api", "'global-api' and 'global-api-kv' begin alike"),
        ("global-api-kv-cache", "'global-api-kv-cache' and 'global-api-kv' begin alike"),
        ("wrangler", "'wrangler' is the name of an npm package"),
        ("upload-path", "'upload-path' is the name of an npm package"),
        ("", "'' is no slug: take lower-case words"),
        ("Demo", "'Demo' is no slug"),
        ("demo_pattern", "'demo_pattern' is no slug"),
        ("demo--pattern", "no slug"),
        ("-demo", "no slug"),
        ("../demo", "no slug"),
        ("demo pattern", "no slug"),
        ("1-demo", "no slug"),
        ("démo", "no slug"),
        ("null", "no slug"),
        ("d" * 41, "no slug: .* at most 40 characters"),
    ],
)
def test_a_slug_that_cannot_be_used_is_refused_with_the_reason(slug: str, message: str):
    with pytest.raises(NewError, match=message):
        checked(slug, "")


@pytest.mark.parametrize(
    "title", ["demo", "Demo: one", "Demo | x", "[Demo]", "Demo ", "Yes", "D" * 41, "Image pipeline"]
)
def test_a_title_that_a_table_or_the_navigation_cannot_hold_is_refused(title: str):
    with pytest.raises(NewError, match="title"):
        checked(SLUG, title)


def test_a_new_pattern_gets_the_next_number_and_a_title_from_its_slug():
    tokens = checked(SLUG, "")
    numbers = re.findall(r"- (\d+)\w* · ", (ROOT / "mkdocs.yml").read_text())
    assert (tokens["title"], tokens["module"]) == ("Begun by a test", "begun_by_a_test")
    assert int(tokens["number"]) == max(map(int, numbers)) + 1 > 15


def test_an_existing_pattern_stays_as_it_is(capsys: pytest.CaptureFixture[str]):
    page = ROOT / "docs" / "patterns" / f"{SLUGS[0]}.md"
    before = page.read_bytes()
    assert main(["pattern", SLUGS[0]]) == 1
    assert capsys.readouterr().err == f"there is a pattern '{SLUGS[0]}' already. Nothing was written.\n"
    assert page.read_bytes() == before


def test_an_entry_goes_behind_the_last_of_its_kind_and_keeps_what_is_there():
    nav = next(entry for entry in ENTRIES if entry.path == "mkdocs.yml")
    text = "nav: # kept\n      - 1 · A: patterns/a.md\n      - 2 · B: patterns/b.md\n  - More:\n      - C: c.md\n"
    made = insert(text, nav, {"number": "3", "title": "New", "slug": "new"})
    assert made == text.replace("b.md\n", "b.md\n      - 3 · New: patterns/new.md\n")


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.behind != r"\Z"], ids=lambda entry: entry.path)
def test_a_file_without_a_place_for_its_entry_is_named(entry):
    with pytest.raises(NewError, match=rf"^{re.escape(entry.path)} has no line like"):
        insert("nothing of the kind\n", entry, checked(SLUG, ""))


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(tmp_path: Path):
    (tmp_path / "there").write_text("old")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"):
        write(tmp_path, {"there": "new", "a/b/c": "new", "file/x": "new"})
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "there"]
    assert (tmp_path / "there").read_text() == "old"


def test_a_draft_says_so_under_its_first_sentence_and_a_finished_page_does_not():
    shown = box([], "Free", None, None, "The <failures> are missing.")
    assert "<div><dt>Draft</dt><dd>The &lt;failures&gt; are missing.</dd></div>" in shown
    assert "Draft" not in box([], "Free", None, None)


def test_no_token_is_left_in_what_is_written():
    made = files(checked(SLUG, ""))
    assert len(made) == len([p for p in FILES.rglob("*") if p.is_file() and "__pycache__" not in p.parts]) >= 8
    for name, text in made.items():
        assert not re.search(r"__[a-z]+__|\[\]\(fact:", name + text), name
