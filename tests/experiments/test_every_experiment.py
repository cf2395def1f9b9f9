"""What holds for every experiment: the page shows it, its test measures it, it type-checks and would deploy."""

import json
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.experiments import command
from runtime.workers import SNIPPETS, Runtime, configs, dry_run, typecheck
from tests.documents.fences import MARKER as SECTION
from tests.documents.fences import section
from tests.experiments.measure import DATA, EXPERIMENTS
from tests.support.pages import ROOT, page

PAGE = page(ROOT / "docs" / "guide" / "mistakes.md")
# The eight of the original guide, in its order; their headings are addresses that others link to.
EIGHT = {
    "1. One product for everything": "one-product",
    "2. KV as a transactional database": "kv-counter",
    "3. Durable Objects without a partition plan": "hot-object",
    "4. Uploads through your own server without need": "upload-path",
    "5. Forgetting to harden the origin": "open-origin",
    "6. Rebuilding a VPN instead of access per application": "network-access",
    "7. No plan for the cache": "cache-key",
    "8. A machine API that anybody can call": "anonymous-api",
}
FURTHER = 6
MARKER = re.compile(r"<!-- experiment: (?P<name>[^ ]+) -->")
NAMES = sorted(p.name for p in EXPERIMENTS.iterdir() if p.is_dir() and p.name != "node_modules")
# local-s3 is a door of the local runtime, and nothing to deploy.
CONFIGS = [config for name in NAMES for config in configs(EXPERIMENTS / name) if config.parent.name != "local-s3"]
SOURCES = sorted(
    p
    for p in EXPERIMENTS.rglob("*")
    if p.suffix in {".ts", ".py", ".toml", ".sql"} and not {"node_modules", ".wrangler"} & set(p.parts)
)
MISTAKES = [heading for heading in PAGE.headings if re.match(r"\d+\. ", heading)]


def test_folders_tests_figures_and_the_page_name_the_same_experiments():
    tests = {p.stem.removeprefix("test_").replace("_", "-") for p in Path(__file__).parent.glob("test_*.py")}
    assert set(NAMES) == tests - {"every-experiment"}
    assert set(NAMES) == {p.stem for p in DATA.glob("*.json")}
    assert sorted(m["name"] for m in MARKER.finditer(PAGE.text)) == NAMES
    assert len(NAMES) >= len(EIGHT)
    for name in NAMES:
        assert (ROOT / command(name).split()[-1]).is_file(), name


def test_the_eight_mistakes_of_the_original_come_first_each_with_its_experiment():
    assert MISTAKES[: len(EIGHT)] == list(EIGHT)
    for heading, name in EIGHT.items():
        assert [m["name"] for m in MARKER.finditer(PAGE.section(heading))] == [name], heading


def test_further_mistakes_follow_and_all_are_numbered():
    assert [int(heading.split(".")[0]) for heading in MISTAKES] == list(range(1, len(MISTAKES) + 1))
    assert len(MISTAKES) >= len(EIGHT) + FURTHER


@pytest.mark.parametrize("heading", MISTAKES)
def test_a_mistake_says_what_goes_wrong_how_one_notices_and_what_to_do(heading: str):
    text = PAGE.section(heading)
    parts = re.findall(r"^\*\*([^*]+)\.\*\*", text, re.M)
    shown = MARKER.search(text)
    assert parts == ["What goes wrong", "How you notice", "What to do", *["See it happen"][: bool(shown)]], heading
    assert "](../patterns/" in text, f"{heading}: link to a pattern"
    if shown:
        assert f'"experiments/{shown["name"]}/' in text, f"{heading}: show the code of {shown['name']}"


def test_figures_say_when_and_on_what_machine_they_were_measured():
    for path in DATA.glob("*.json"):
        data = json.loads(path.read_text())
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", data["date"]), path.name
        assert re.fullmatch(r"\d+ cores, (workerd|Python) [\d.]+", data["machine"]), path.name
        assert {row["side"] for row in data["rows"]} >= {"wrong", "right"}, f"{path.name}: show both ways"


def test_every_worker_type_checks_against_its_own_configuration(runtime: Runtime):
    for config in CONFIGS:
        typecheck(runtime, config, [])


def test_every_worker_would_deploy_without_a_warning(tmp_path: Path):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda config: dry_run(config, tmp_path / config.parent.name), CONFIGS))
    assert len(list(tmp_path.iterdir())) == len(CONFIGS) > 10


def test_experiments_keep_the_compatibility_date_of_the_examples():
    date = tomllib.loads((SNIPPETS / "global-api-kv" / "wrangler.toml").read_text())["compatibility_date"]
    assert {tomllib.loads(c.read_text())["compatibility_date"] for c in CONFIGS} == {date}


def test_python_of_experiments_is_typed():
    files = [p for p in SOURCES if p.suffix == ".py"]
    done = subprocess.run(
        [sys.executable, "-m", "pyrefly", "check", *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert files and done.returncode == 0, done.stdout + done.stderr


def test_every_marked_section_has_one_start_and_one_end_and_stands_on_the_page():
    for path in SOURCES:
        for kind, name in SECTION.findall(path.read_text()):
            assert section(path, name)
            include = f'"{path.relative_to(ROOT)}:{name}"'
            assert kind == "end" or include in PAGE.text, f"{include} is shown nowhere"


def test_experiments_hold_no_real_id():
    for path in SOURCES:
        for found in re.findall(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", path.read_text()):
            assert len(set(found.replace("-", ""))) == 1, f"{path.relative_to(ROOT)}: {found} looks like a real id"


def test_packages_of_experiments_are_pinned_to_the_versions_of_the_lock():
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for path in EXPERIMENTS.glob("*/package.json"):
        package = json.loads(path.read_text())
        assert package["name"] == path.parent.name and package["private"] is True
        for name, version in package["dependencies"].items():
            assert version == lock[f"node_modules/{name}"]["version"], f"{path.parent.name}: {name}"
