"""One build: each module is there once, none of them keeps something from it, and packages of elsewhere are refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.site import SITE_DATE, build, copy_project
from runtime.toolchain import ROOT

ENVIRONMENT = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "SITE_DATE": SITE_DATE}
# Builds as `mkdocs build` does, and compares what our modules hold before and after.
WATCHED = """
import functools, json, sys, types
from pathlib import Path
from mkdocs.commands.build import build
from mkdocs.config import load_config

root = Path(sys.argv[1])
PASSED_OVER = (types.ModuleType, types.FunctionType, type, functools._lru_cache_wrapper)

def held(value, seen=()):
    if id(value) in seen or isinstance(value, PASSED_OVER):
        return "…"
    seen = (*seen, id(value))
    if isinstance(value, dict):
        return [(repr(k), held(v, seen)) for k, v in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [held(v, seen) for v in (sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)]
    if getattr(type(value), "__module__", "").split(".")[0] in ("hooks", "model", "hooks/site"):
        return [type(value).__name__, held(vars(value), seen)]
    return repr(value)

def ours():
    return {n: m for n, m in sys.modules.items() if getattr(m, "__file__", None) and Path(m.__file__).is_relative_to(root)
            and Path(m.__file__).relative_to(root).parts[0] in ("hooks", "model", "runtime", "tools", "tests")}

def snapshot():
    return {f"{n}:{k}": held(v) for n, m in ours().items() for k, v in vars(m).items() if not k.startswith("__")}

config = load_config(str(root / "mkdocs.yml"), site_dir=sys.argv[2], strict=True)
config.plugins.on_startup(command="build", dirty=False)
before = snapshot()
build(config)
after = snapshot()
print(json.dumps({
    "modules": [[n, str(Path(m.__file__).relative_to(root))] for n, m in ours().items()],
    "changed": [name for name in after if name in before and after[name] != before[name]],
    "added": [name for name in after if name not in before],
    "counted": len(before),
}))
"""
# The state of the present build, in one object, new for each build.
STATE = "hooks/site.py:state"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict:
    command = [sys.executable, "-c", WATCHED, ROOT, tmp_path_factory.mktemp("watched")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_each_module_is_there_once(watched: dict):
    names: dict[str, list[str]] = {}
    for name, file in watched["modules"]:
        names.setdefault(file, []).append(name)
    assert len(names) > 40
    assert {file: both for file, both in names.items() if len(both) > 1} == {}
    assert names["hooks/site.py"] == ["hooks/site.py"], "MkDocs loads the door under its own name, and nobody else does"


def test_no_module_keeps_anything_of_a_build_but_the_state_of_the_door(watched: dict):
    assert watched["counted"] > 200
    assert watched["changed"] == [STATE]
    assert watched["added"] == [], "what a build needs is imported before it begins"


def test_packages_of_another_checkout_are_refused_with_both_folders_and_the_remedy(tmp_path: Path):
    project = copy_project(tmp_path / "project")
    script = shutil.which("mkdocs", path=os.path.dirname(sys.executable))
    assert script, "the environment has no console script mkdocs"
    done = subprocess.run([script, "build"], cwd=project, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == (
        f"Error: This is the guide in {project.resolve()}, but its packages are those of {ROOT}. Run `uv run mkdocs …` "
        "or `python -m mkdocs …` in this folder, or install it here: `pip install -e .`."
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["model", "selectolax"])
def test_a_stale_installation_is_told_what_to_run(missing: str):
    code = f"import sys; sys.modules[{missing!r}] = None; from mkdocs.__main__ import cli; cli(['build', '--site-dir', '-'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ") and missing in last
    assert "run `uv sync`, or `pip install -e .`." in last
    assert "Traceback" not in done.stderr


def test_an_error_of_the_guide_is_one_line_without_a_traceback(tmp_path: Path):
    project = copy_project(tmp_path / "project")
    page = project / "docs" / "patterns" / "global-api-kv.md"
    text = page.read_text()
    assert "<!-- costs -->" in text
    page.write_text(text.replace("<!-- costs -->", "<!-- cost -->"))
    line = text[: text.index("<!-- costs -->")].count("\n") + 1
    done = build(tmp_path / "site", project)
    assert done.returncode != 0
    [error] = [said for said in done.stderr.splitlines() if "the marker" in said]
    assert f"docs/patterns/global-api-kv.md:{line}: the marker <!-- cost --> is unknown. Known are: costs;" in error
    assert "Traceback" not in done.stderr
