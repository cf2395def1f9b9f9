"""The workflows are valid, pin what they run, and grant nothing that they do not need."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from model.facts import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ALL = [pytest.param(path, id=path.name) for path in WORKFLOWS]
TOOLS = Path(sys.executable).parent


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_there_are_workflows():
    assert {"deploy.yml", "facts.yml", "preview-build.yml", "preview-close.yml", "preview-deploy.yml", "tests.yml"} <= {
        path.name for path in WORKFLOWS
    }


def test_every_workflow_keeps_the_schema():
    run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


def test_zizmor_finds_no_weakness():
    run(TOOLS / "zizmor", "--offline", "--persona", "regular", *WORKFLOWS)


@pytest.mark.parametrize("path", ALL)
def test_every_action_is_pinned_by_hash_with_its_version_beside_it(path: Path):
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, rest in used:
        if action.removeprefix("$/.github/workflows/") in {other.name for other in WORKFLOWS}:
            continue
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), f"{path.name}: {action}"
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", rest), f"{path.name}: name the version of {action} in a comment"


@pytest.mark.parametrize("path", ALL)
def test_nothing_is_granted_to_the_whole_workflow_and_every_job_ends(path: Path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}, f"{path.name}: grant permissions to jobs, each with its reason"
    for name, job in workflow["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 60, f"{path.name}: {name} may hang"


def test_every_push_runs_the_command_of_the_readme_and_nothing_else_is_deployed():
    tests, deploy = (
        yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text()) for name in ("tests", "deploy")
    )
    assert {"push", "pull_request", "workflow_call"} <= set(tests[True])  # YAML reads the key "on" as true
    command = "uv run pytest"
    assert f"\n$ {command}\n" in (ROOT / "README.md").read_text()
    assert command in [step.get("run") for step in tests["jobs"]["everything"]["steps"]]
    assert deploy["jobs"]["tests"]["uses"] == "$/.github/workflows/tests.yml"
    assert [job["needs"] for name, job in deploy["jobs"].items() if name != "tests"] == ["tests"]


def test_what_runs_on_other_systems_exists():
    words = (ROOT / ".github/workflows/tests.yml").read_text().split()
    named = {word.split("::")[0] for word in words if word.startswith("tests/")}
    assert len(named) > 5
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_facts_are_checked_on_a_schedule_and_proposed_as_a_pull_request():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "facts.yml").read_text())
    assert workflow[True]["schedule"]  # YAML reads the key "on" as true
    steps = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    assert any("tools.facts check --write --report" in step for step in steps)
    assert any("gh pr create" in step for step in steps)
    # The token is there only where the branch is pushed, not where code of the repository runs.
    assert [("GH_TOKEN" in step.get("env", {})) for step in workflow["jobs"]["check"]["steps"]].count(True) == 1


def test_only_main_is_deployed_and_only_the_upload_holds_the_token():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())
    job = workflow["jobs"]["deploy"]
    assert workflow[True].keys() == {"push", "workflow_dispatch"} and workflow[True]["push"] == {"branches": ["main"]}
    assert "github.ref == 'refs/heads/main'" in job["if"] and "vars.SITE_URL != ''" in job["if"], (
        "a fork does nothing by itself"
    )
    assert job["environment"]["name"] == "production" and job["permissions"] == {"contents": "write"}
    assert [step["name"] for step in job["steps"] if "secrets." in str(step)] == ["Deploy"]
    assert [step["name"] for step in job["steps"] if "github.token" in str(step)] == ["Push the edition"]
