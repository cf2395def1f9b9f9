"""The report on a branch names what a reader would see change, and nothing else."""

import random
import re
import string
import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hooks.publish.headers import parse
from model.diagrams import key
from model.files import GuideError
from runtime.browser import Visit
from runtime.site import copy_project
from tools.hosting.archive import unpack
from tools.report import __main__ as tool
from tools.report.compare import Build, compare, facts, text_change
from tools.report.data import DiagramChange, FactChange, FactValue, PageChange, Report, from_json, to_json
from tools.report.markdown import markdown, weight
from tools.report.page import page

COMMIT = "0" * 40
SENTENCE = "This sentence is new."
FACT = "workers-roles"
RATE = "  value: 1\n  unit: write per second\n"


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path.name}: {old}"
    path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of its own, whose branch changes a page, a fact and a diagram, deletes a page and moves one."""
    root = copy_project(tmp_path_factory.mktemp("clone") / "guide")
    guide = root / "docs" / "guide"
    (guide / "leaving.md").write_text("# A page that goes\n\nText.\n")
    (guide / "travelling.md").write_text("# A page that moves\n\nText.\n")
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Base")
    git(root, "switch", "--quiet", "--create", "change")
    with (guide / "quick-start.md").open("a") as text:
        text.write(f"\n{SENTENCE} It [leads nowhere](nowhere.md).\n")
    edit(root / "docs" / "data" / "facts" / "workers.yml", 'value: "one Worker"', 'value: "two Workers"')
    edit(root / "docs" / "data" / "facts" / "kv.yml", RATE, RATE.replace("value: 1", "value: 2"))
    redraw(root / "docs" / "patterns" / "global-api-kv.md", root / "docs" / "assets" / "diagrams")
    (guide / "leaving.md").unlink()
    (guide / "travelling.md").rename(guide / "arrived.md")
    (root / "docs" / "data" / "moved.yml").write_text(
        "- {old: guide/travelling/, new: guide/arrived/, date: 2026-11-24}\n"
    )
    return root


def redraw(markdown_page: Path, drawings: Path) -> None:
    """Give the page's first diagram another label, in its source and in its drawing."""
    source = re.search(r"```mermaid\n(.*?)```", markdown_page.read_text(), re.S)[1]
    label = re.search(r'\["(\w[\w ]+)"\]', source)[1]
    changed = source.replace(f'["{label}"]', '["Another label"]', 1)
    svg = (drawings / f"{key(source)}.svg").read_text()
    edit(markdown_page, source, changed)
    (drawings / f"{key(changed)}.svg").write_text(
        svg.replace('fill="', 'data-new="" fill="', 1).replace(label.split()[-1], "Another", 1)
    )


@pytest.fixture(scope="module")
def made(clone: Path) -> Path:
    """The folder of the report on that branch, whose changes are not even committed."""
    tool.report(clone, "main", clone / "report")
    return clone / "report"


@pytest.fixture(scope="module")
def found(made: Path) -> Report:
    return from_json((made / "report.json").read_bytes())


def test_each_page_that_changed_is_named_and_no_other(found: Report):
    assert {one.address: one.state for one in found.pages} == {
        "guide/arrived/": "moved",
        "guide/leaving/": "removed",
        "guide/quick-start/": "changed",
        "patterns/global-api-kv/": "changed",
        "reference/limits/": "changed",
    }
    pages = {one.address: one for one in found.pages}
    assert (pages["guide/arrived/"].old, pages["guide/arrived/"].more) == ("guide/travelling/", 0)
    assert (pages["guide/quick-start/"].more, pages["guide/quick-start/"].less) == (1, 0)
    assert pages["guide/leaving/"].after is None and pages["guide/leaving/"].title == "A page that goes"


def test_the_fact_that_changed_is_named_with_both_values(found: Report):
    assert [(fact.id, fact.state, fact.before.shown, fact.after.shown) for fact in found.facts] == [
        ("kv-write-rate", "changed", "1 write per second", "2 write per second"),
        (FACT, "changed", "one Worker", "two Workers"),
    ]
    assert found.facts[1].after.source.startswith("https://developers.cloudflare.com/")


def test_the_diagram_is_shown_before_and_after(found: Report, made: Path):
    assert [diagram.address for diagram in found.diagrams] == ["patterns/global-api-kv/"]
    before, after = (
        (made / "pictures" / f"{name}.png").read_bytes() for name in (found.diagrams[0].before, found.diagrams[0].after)
    )
    assert before != after
    for picture in (before, after):
        assert picture.startswith(b"\x89PNG") and int.from_bytes(picture[16:20]) > 400 and len(picture) > 5_000


def test_a_new_warning_of_the_build_is_named(found: Report):
    assert ["nowhere.md" in line for line in found.warnings].count(True) == 1


def test_each_place_that_still_prints_the_old_value_of_a_fact_is_named(found: Report, clone: Path):
    places = set()
    for path in (clone / "docs").rglob("*.md"):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if "(fact:kv-write-rate)" in line:
                places.add(f"{path.relative_to(clone)}:{number}: says '1")
    named = {line.partition(" write per second'")[0] for line in found.warnings if "kv-write-rate" in line}
    assert {re.sub(r"'1',.*", "'1", place) for place in named} == places and len(places) >= 5
    assert all("the fact kv-write-rate says '2 write per second'" in w for w in found.warnings if "kv-write-rate" in w)


@pytest.mark.parametrize("side", ["base", "head"])
def test_chooser_and_calculator_work_in_both_builds_of_the_report_from_files(made: Path, browser: Browser, side: str):
    with Visit(browser, offline=True) as visit:
        visit.page.goto((made / side / "guide" / "decide" / "index.html").as_uri())
        visit.page.locator("input[name=state][value=tables]").check()
        visit.page.locator(".chooser__first a, .chooser__result a").first.wait_for()
        visit.page.goto((made / side / "patterns" / "global-api-kv" / "index.html").as_uri())
        total = visit.page.locator("[data-total]")
        before = total.inner_text()
        visit.page.locator("[data-size='2']").click()
        assert total.inner_text() != before


def test_without_history_there_is_one_line_with_the_remedy(tmp_path: Path):
    with pytest.raises(
        GuideError, match=r"This folder has no history\. A report compares commits: get the guide with `git clone`"
    ):
        tool.left(tmp_path, "main")


def test_the_page_of_the_report_stands_alone_and_leads_to_both_builds(made: Path):
    text = (made / "index.html").read_text()
    assert SENTENCE in text and text.count("data:image/png;base64,") == 2
    assert not re.findall(r'(?:src|href)="(?!data:|https://developers\.cloudflare\.com|head/|base/)', text)
    for link in re.findall(r'href="((?:head|base)/[^"]+)"', text):
        assert (made / link).is_file(), link


def test_a_preview_names_no_address_that_nobody_can_visit(made: Path):
    files = [p for p in (made / "head").rglob("*") if p.suffix in (".html", ".md", ".txt", ".xml", ".json")]
    assert len(files) > 150 and not [p for p in files if "preview.invalid" in p.read_text()]
    assert "](../guide/decide/index.md" in (made / "head/patterns/index.md").read_text()


def test_the_check_of_previews_lets_our_build_in(made: Path, found: Report, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "preview.zip", "w") as archive:
        for path in sorted(made.rglob("*")):
            if path.is_file() and path.relative_to(made).parts[0] != "base":  # as preview-build.yml uploads it
                archive.write(path, path.relative_to(made))
    assert unpack(tmp_path / "preview.zip", tmp_path / "site") == found
    guide, preview = (
        parse((made / "head" / "_headers").read_text()),
        parse((tmp_path / "site" / "_headers").read_text()),
    )
    assert preview == {**guide, "/*": {**guide["/*"], "X-Robots-Tag": "noindex"}}
    assert (tmp_path / "site" / "patterns" / "index.html").read_bytes() == (
        made / "head" / "patterns" / "index.html"
    ).read_bytes()


def test_nothing_of_the_working_tree_or_of_git_is_left_changed(clone: Path, made: Path):
    assert git(clone, "worktree", "list").count("\n") == 0
    assert git(clone, "branch", "--show-current") == "change"
    assert git(clone, "diff", "--cached", "--name-only") == ""


def test_the_same_builds_give_the_same_report(clone: Path, made: Path, found: Report):
    base = Build(made / "base", clone / "docs")
    again = compare(base, Build(made / "head", clone / "docs"), found.base, found.diagrams, found.warnings)
    assert to_json(again) == (made / "report.json").read_text()


def test_a_branch_without_changes_says_so(clone: Path, made: Path):
    base = Build(made / "base", clone / "docs")
    nothing = compare(base, base, COMMIT, [], [])
    assert not nothing
    assert (
        markdown(nothing, str, str, str)
        == "No page, diagram or fact changes for a reader, and no page weighs more or less.\n"
    )


def test_the_report_reads_well_as_markdown(found: Report):
    text = markdown(
        found,
        lambda a: f"https://new.example/{a}",
        lambda a: f"https://old.example/{a}",
        lambda n: f"https://new.example/{n}.png",
    )
    assert "| `A page that moves` | moved from `guide/travelling/` |" in text
    assert "[preview](https://new.example/guide/arrived/) · [current](https://old.example/guide/travelling/)" in text
    assert "[current](https://old.example/guide/leaving/) |" in text and "new.example/guide/leaving" not in text
    assert f"| `{FACT}` | changed | `one Worker` ([" in text


def test_a_base_that_git_does_not_know_is_refused(clone: Path, made: Path):
    for name in ("nonsense", "--help", "--output=x"):
        with pytest.raises(GuideError, match="git knows no commit"):
            tool.report(clone, name, clone / "report")
    assert (made / "report.json").is_file()


def test_a_folder_with_other_files_is_not_overwritten(clone: Path):
    with pytest.raises(GuideError, match="holds other files"):
        tool.report(clone, "main", clone / "docs")
    assert (clone / "docs" / "index.md").is_file()


def test_a_side_that_does_not_build_says_why(tmp_path: Path):
    (tmp_path / "mkdocs.yml").write_text("site_name: x\n")
    with pytest.raises(GuideError, match=r"the branch does not build:\nERROR .*docs_dir"):
        tool.warnings(tmp_path, tmp_path / "site", "the branch")


# Small sites


def site(folder: Path, pages: dict[str, str], files: dict[str, str]) -> Build:
    for name, text in {**{f"{a}index.html": t for a, t in pages.items()}, **files, "facts.json": "[]"}.items():
        (folder / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "site" / name).write_text(text)
    (folder / "docs").mkdir()
    return Build(folder / "site", folder / "docs")


def test_a_style_that_only_has_a_new_name_changes_no_page(tmp_path: Path):
    html = '<link rel="stylesheet" href="assets/site.{0}.css"><article><h1>Home</h1><p>Text.</p></article>'
    base = site(tmp_path / "a", {"": html.format("11111111")}, {"assets/site.11111111.css": "a{}"})
    head = site(tmp_path / "b", {"": html.format("22222222")}, {"assets/site.22222222.css": "b{}"})
    assert not compare(base, head, COMMIT, [], [])


def test_a_page_that_only_weighs_more_is_named(tmp_path: Path):
    html = '<script src="assets/site.js"></script><article><h1>Home</h1></article>'
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=2000))
    base = site(tmp_path / "a", {"": html, "other/": "<article></article>"}, {"assets/site.js": ""})
    head = site(tmp_path / "b", {"": html, "other/": "<article></article>"}, {"assets/site.js": noise})
    (found,) = compare(base, head, COMMIT, [], []).pages
    assert (found.address, found.state) == ("", "weight") and found.after - found.before > 512


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("One.\n\nTwo.", "One.\n\n\nTwo.", []),
        ("One.", "One & two.", ["-One.", "+One & two."]),
        ("[One](x/)", "[One](y/)", ["-[One](x/)", "+[One](y/)"]),
        ("[One](a.0123abcd.css)", "[One](a.4567abcd.css)", []),
        ("- One", "- One\n- Two", ["+- Two"]),
    ],
)
def test_pages_are_compared_by_what_they_say(before: str, after: str, lines: list[str]):
    assert text_change(f"---\npage: a\n---\n{before}\n", f"---\npage: b\n---\n{after}\n") == lines


def test_no_text_of_a_stranger_is_markup_in_the_page_of_the_report(tmp_path: Path):
    evil = '"><script>a()</script>'
    quoted = evil.replace('"', "&quot;").replace(">", "&gt;").replace("<", "&lt;")
    base = site(tmp_path / "a", {"x/": "<article><p>One.</p></article>"}, {})
    head = site(tmp_path / "b", {"x/": f"<article><h1>{quoted}</h1><p>{quoted}</p></article>"}, {})
    (tmp_path / "a" / "site" / "x" / "index.md").write_text("One.\n")
    (tmp_path / "b" / "site" / "x" / "index.md").write_text(f"# {evil}\n\n{evil}\n")
    changed = Report(
        COMMIT,
        (PageChange("x/", evil, "changed", "", 1, 1, 1, 2),),
        (DiagramChange("x/", evil, "", ""),),
        (FactChange(evil, "added", None, FactValue(evil, "https://developers.cloudflare.com/", "2026-11-01")),),
        (evil,),
    )
    text = page(changed, base, head, tmp_path)
    assert text.count("&lt;script&gt;a()") == 8 and "<script" not in text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (70_000, 70_500, "70.0 kB → 70.5 kB (+0.5)"),
        (70_500, 70_000, "70.5 kB → 70.0 kB (−0.5)"),
        (70_000, 70_049, "70.0 kB"),
        (None, 1_234, "1.2 kB"),
        (1_234, None, "1.2 kB"),
    ],
)
def test_a_weight_is_told_in_kilobytes(before: int | None, after: int | None, text: str):
    assert weight(before, after) == text


def test_a_long_report_is_cut_short(tmp_path: Path):
    pages = tuple(PageChange(f"p{n}/", "T", "added", "", 0, 0, None, 1) for n in range(100))
    text = markdown(Report(COMMIT, pages, (), (), ()), str, None, str)
    assert "### Pages: 100" in text and text.count("| `T` |") == 80 and "And 20 more." in text


def test_facts_that_come_and_go_are_named():
    one, two = (
        FactValue("1 GB", "https://developers.cloudflare.com/", "2026-11-01"),
        FactValue("1 GB", "https://developers.cloudflare.com/", "2026-11-02"),
    )
    changes = facts({"a": one, "b": one, "c": one}, {"b": one, "c": two, "d": two})
    assert [(c.id, c.state) for c in changes] == [("a", "removed"), ("c", "changed"), ("d", "added")]
