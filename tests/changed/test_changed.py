"""The quick run finds what the whole one would: each kind of edit leads to the test that notices it, and no file is forgotten."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model.files import ROOT
from tests.changed import table
from tests.changed.select import TABLE, ChangedError, Project, branch_point, changed_files, placed

KV, UPLOADS = "docs/patterns/global-api-kv.md", "docs/patterns/r2-uploads.md"
MISTAKES = "docs/guide/mistakes.md"
FACTS = "tests/site/test_facts_on_pages.py"
EXAMPLES = "tests/snippets/test_every_example.py"
SCREEN = "tests/site/test_reading.py::test_every_diagram_is_readable_and_no_page_scrolls_sideways"
HOSTED = "tests/hosting/test_live.py::test_a_hosted_example_runs_the_tested_code_with_the_tested_dates_and_limits"
# Each was broken once and found by this test of the whole suite.
FINDERS = [
    (UPLOADS, f"{FACTS}::test_no_figure_stands_in_prose_without_a_fact[{UPLOADS}]"),
    (UPLOADS, "tests/site/test_pages.py::test_the_sections_stand_in_the_order_of_the_template[r2-uploads]"),
    (UPLOADS, UPLOADS),
    (KV, "tests/site/test_build.py::test_every_internal_link_and_anchor_leads_somewhere"),
    ("docs/guide/how-to-read.md", f"{SCREEN}[docs/guide/how-to-read.md-390]"),
    (MISTAKES, "tests/experiments/test_every_experiment.py::test_further_mistakes_follow_and_all_are_numbered"),
    ("docs/data/facts/kv.yml", f"{FACTS}::test_every_fact_on_the_page_exists_and_reads_as_in_the_data[{KV}]"),
    ("docs/data/costs/patterns/r2-uploads.yml", "tests/model/test_costs.py"),
    ("docs/data/decide.yml", "tests/model/test_chooser.py"),
    ("docs/data/glossary.yml", "tests/hooks/page/test_terms.py"),
    ("docs/data/own-numbers.yml", f"{FACTS}::test_every_number_of_our_own_is_still_on_its_page_and_gives_a_reason"),
    ("docs/data/products.yml", "tests/hooks/blocks/test_services.py"),
    ("docs/data/live/paths.yml", "tests/model/test_transcripts.py"),
    ("docs/data/live/recorded.json", "tests/documents/test_recorded.py"),
    ("docs/data/experiments/kv-counter.json", "tests/experiments/test_every_experiment.py"),
    ("docs/assets/site.css", f"{SCREEN}[docs/guide/how-to-read.md-390]"),
    ("docs/assets/search.js", "tests/site/test_search.py::test_the_right_page_comes_first_for_95_of_100_questions"),
    ("docs/assets/decide.js", "tests/model/test_chooser.py"),
    ("docs/assets/costs.js", "tests/model/test_costs.py"),
    ("docs/assets/diagrams/00901f63338e9192.svg", "tests/site/test_drawings.py"),
    ("overrides/main.html", "tests/site/test_build.py::test_nothing_is_loaded_from_another_host"),
    ("mkdocs.yml", "tests/site/test_pages.py::test_the_nav_file_list_matches_the_folder"),
    ("hooks/page/passes.py", "tests/hooks/page/test_passes.py"),
    ("hooks/page/twin.py", "tests/site/test_twins.py::test_a_twin_holds_every_row_of_every_table"),
    ("tools/report/markdown.py", "tests/tools/test_preview.py"),
    ("snippets/global-api-kv/src/index.ts", "tests/snippets/test_global_api_kv.py"),
    ("snippets/global-api-kv/src/index.ts", "docs/guide/quick-start.md"),
    (
        "snippets/global-api-kv/wrangler.toml",
        "tests/site/test_pages.py::test_one_compatibility_date_holds_for_every_example",
    ),
    ("snippets/global-api-kv/README.md", "snippets/global-api-kv/README.md"),
    ("snippets/static-site-api/wrangler.toml", HOSTED),
    ("snippets/secure-egress/wirefilter.py", "tests/snippets/test_secure_egress.py"),
    (
        "snippets/secure-egress/terraform/http.tf",
        f"{EXAMPLES}::test_its_terraform_is_what_the_provider_accepts[secure-egress/terraform]",
    ),
    ("snippets/fullstack-d1/migrations/0001_users_sessions_tasks.sql", "tests/snippets/test_fullstack_d1.py"),
    ("experiments/kv-counter/src/index.ts", "tests/experiments/test_kv_counter.py"),
    ("hosting/live/examples/global-api-kv/index.ts", HOSTED),
    ("hosting/wrangler.toml", "tests/hosting/test_site.py"),
    (".github/workflows/deploy.yml", "tests/tools/test_workflows.py"),
    ("README.md", "README.md"),
    ("tests/site/search_queries.yml", "tests/site/test_search.py"),
    ("tests/snippets/private_machine_api/tls.py", "tests/experiments/test_open_origin.py"),
]
LEFT_OUT = [
    (UPLOADS, f"{FACTS}::test_no_figure_stands_in_prose_without_a_fact[{KV}]"),
    (UPLOADS, "tests/snippets/test_r2_uploads.py::test_a_part_of_a_file_can_be_read"),
    (UPLOADS, f"{SCREEN}[{KV}-390]"),
    (UPLOADS, KV),
    (UPLOADS, "tests/changed/test_changed.py::test_the_test_that_notices_an_edit_is_chosen"),
    ("snippets/secure-egress/wirefilter.py", f"{EXAMPLES}::test_it_starts_the_way_its_readme_says[fullstack-d1]"),
    ("tools/report/markdown.py", "tests/site/test_build.py::test_every_markdown_page_is_built"),
]
AUTHOR = ("-c", "user.name=x", "-c", "user.email=x")


class Edited(Project):
    """The project, in which one fact was edited."""

    def differing(self, path: str) -> set[str]:
        return {"kv-write-rate"} if path == "docs/data/facts/kv.yml" else set()


@pytest.fixture(scope="module")
def project() -> Project:
    try:
        return Edited(ROOT)
    except ChangedError:
        pytest.skip("this copy of the repository has no git, which says what belongs to it")


def wanted(project: Project, path: str, test: str) -> bool:
    file, _, rest = test.partition("::")
    function, _, case = rest.removesuffix("]").partition("[")
    return project.select([path]).wants(file, function, case)


def test_every_file_of_the_project_belongs_to_a_row(project: Project):
    project.select(project.files)


def test_every_row_names_files_and_tests_that_exist(project: Project):
    rows = [selector for row in [*table.ROWS.values(), *table.FORM.values(), table.PAGE] for selector in row]
    assert len(rows) > 150
    for selector in rows:
        place, _, function = re.sub(r"\[.*", "", re.sub(r"\{\w+\}(?!\])", "*", selector)).partition("::")
        files = [f for f in project.files if fnmatch.fnmatchcase(f, place) or f.startswith(f"{place}/")]
        assert files or " " in place or selector == table.EVERYTHING, f"{TABLE}: {selector}: there is no such file"
        tests = [name for f in files if function for name in project.graph.modules[f].symbols]
        assert not function or fnmatch.filter(tests, function), f"{TABLE}: {selector}: there is no such test"
    for pattern in table.ROWS:
        assert any(placed(pattern, f) is not None for f in project.files), f"{TABLE}: no file is called {pattern}"


@pytest.mark.parametrize(("path", "test"), FINDERS)
def test_the_test_that_notices_an_edit_is_chosen(project: Project, path: str, test: str):
    assert path in project.files and test.partition("::")[0] in project.tests
    assert wanted(project, path, test)


@pytest.mark.parametrize(("path", "test"), LEFT_OUT)
def test_what_an_edit_cannot_break_is_left_out(project: Project, path: str, test: str):
    assert not wanted(project, path, test)


@pytest.mark.parametrize("path", ["pyproject.toml", "package.json", "package-lock.json", "conftest.py"])
def test_what_all_tests_stand_on_runs_them_all(project: Project, path: str):
    assert project.select([UPLOADS, path]).everything == [path]


# What changed, and what the Python files say, in a project of seven files


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    def run(*command: str) -> str:
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *AUTHOR, *command],
            cwd=tmp_path,
            env={**os.environ, **own},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    for name, text in {
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = [".", "lib"]\n',
        "mkdocs.yml": "hooks: [lib/hook.py]\nextra: !ENV [X]\n",
        "conftest.py": 'import lib.deep\npytest_plugins = ["lib.fixtures"]\n',
        "lib/deep.py": "X = 1\n",
        "lib/hook.py": "import deep\n",
        "lib/fixtures.py": "import pytest\nfrom lib.deep import X\n@pytest.fixture\ndef given():\n    return X\n",
        "tests/test_a.py": "def test_x(given):\n    pass\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    run("init", "-qb", "main")
    run("add", ".")
    run("commit", "-qm", "one")
    return run


def test_committed_staged_edited_deleted_and_new_files_count(git: Callable[..., str], tmp_path: Path):
    assert changed_files(tmp_path, branch_point(tmp_path)) == []
    git("switch", "-qc", "work")
    (tmp_path / "committed").touch()
    git("add", ".")
    git("commit", "-qm", "two")
    (tmp_path / "staged").touch()
    git("add", ".")
    (tmp_path / "new here").touch()
    (tmp_path / "mkdocs.yml").unlink()
    (tmp_path / "pyproject.toml").write_text("")
    assert changed_files(tmp_path, branch_point(tmp_path)) == [
        "committed",
        "mkdocs.yml",
        "new here",
        "pyproject.toml",
        "staged",
    ]
    assert "committed" not in changed_files(tmp_path, branch_point(tmp_path, "work"))
    git("switch", "-q", "main")
    assert branch_point(tmp_path) == git("rev-parse", "main"), "who is on main has only what is not committed"


def test_on_main_what_is_not_pushed_counts(git: Callable[..., str], tmp_path: Path):
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("commit", "-qm", "two", "--allow-empty")
    assert branch_point(tmp_path) == git("rev-parse", "origin/main")


def test_a_base_that_is_not_there_is_named(git: Callable[..., str], tmp_path: Path):
    with pytest.raises(ChangedError, match="--changed=gone: git knows no such commit"):
        branch_point(tmp_path, "gone")


def test_a_module_runs_the_tests_that_use_it_through_fixtures_too(git: Callable[..., str], tmp_path: Path):
    users = Project(tmp_path).graph.users("lib/deep.py")
    assert users == {"lib/deep.py", "lib/hook.py", "mkdocs.yml", "tests/test_a.py", "conftest.py"}
    (tmp_path / "lib/deep.py").unlink()
    assert Project(tmp_path).graph.users("lib/deep.py") == users, "also when it is gone"
    (tmp_path / "lib/deep.py").write_text("def broken(:\n")
    assert Project(tmp_path).graph.users("lib/deep.py") == users, "also when it is no Python any more"


def test_a_file_that_belongs_nowhere_is_named_with_the_table_to_edit(git: Callable[..., str], tmp_path: Path):
    (tmp_path / "strange.xyz").touch()
    with pytest.raises(ChangedError, match=r"^strange\.xyz: no row of tests/changed/table\.py says .* Add one\.$"):
        Project(tmp_path).select(["strange.xyz"])


# The command


@pytest.fixture(scope="module")
def clone(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files as they are now, committed once."""
    folder = tmp_path_factory.mktemp("clone")
    for file in project.files:
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, folder / file)
    for command in (["init", "-qb", "main"], ["add", "."], [*AUTHOR, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    for name in ("node_modules", ".cache"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".git" / "info" / "exclude").write_text("node_modules\n.cache\n")
    return folder


def run(folder: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--changed", *options]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_with_nothing_changed_nothing_runs_and_that_is_no_failure(clone: Path):
    code, said = run(clone)
    assert (code, said.partition(" since")[0]) == (0, "changed: nothing"), said


def test_one_page_runs_its_own_cases_without_workers_and_says_what_is_left_out(clone: Path):
    page = clone / UPLOADS
    text = page.read_text()
    page.write_text(f"{text}\nOne more line.\n")
    code, said = run(clone, "-k", "test_title_and_text_fit_their_picture")
    page.write_text(text)
    assert code == 0 and "1 passed" in said, said
    assert f"changed: 1 file since {branch_point(clone)[:10]}: {UPLOADS}" in said
    assert re.search(r"left out, .*tests/snippets \(all \d+\), ", said) and "deselected" in said
    assert "workers" not in said


def test_without_git_the_command_says_that_it_needs_it(clone: Path):
    (clone / ".git").rename(clone / "no-git")
    code, said = run(clone)
    (clone / "no-git").rename(clone / ".git")
    assert (code, "--changed asks git what changed; git rev-parse says: " in said) == (4, True), said
