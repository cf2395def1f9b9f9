"""One command tries newer versions of every package, says what each breaks, and takes over only what breaks nothing."""

import subprocess
from pathlib import Path

import pytest

from model.files import ROOT
from tools.pins import __main__ as command
from tools.pins.pins import Pin, newest_tag, pins, take

HTTPX, WRANGLER, CHECKOUT = Pin("python", "httpx", "0.28.1"), Pin("npm", "wrangler", "4.1.0"), "actions/checkout"
OLD, NEW = "a" * 40, "b" * 40
TAGS = f"{OLD}\trefs/tags/v9.0.0\n{'c' * 40}\trefs/tags/v10.2.0\n{NEW}\trefs/tags/v10.2.0^{{}}\n{OLD}\trefs/tags/v11\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "pyproject.toml": 'exclude-newer = "2026-11-20T00:00:00Z"\ndev = ["httpx==0.28.1", "httpx-sse==0.28.1"]\n',
        "package.json": '{"version": "4.1.0", "devDependencies": {"wrangler": "4.1.0"}}\n',
        "snippets/a/package.json": '{"dependencies": {"hono": "4.1.0"}}\n',
        ".github/workflows/x.yml": f"      - uses: {CHECKOUT}@{OLD} # v9.0.0\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_kind_of_pin_of_this_project_is_found():
    kinds = {pin.kind for pin in pins(ROOT)}
    names = {pin.name for pin in pins(ROOT)}
    assert kinds == {"python", "npm", "action"}
    assert {"mkdocs", "pytest", "wrangler", "typescript", CHECKOUT} <= names and "version" not in names


def test_a_newer_version_takes_the_place_of_the_old_one_and_of_nothing_else(project: Path):
    assert [pin.name for pin in pins(project)] == ["httpx", "httpx-sse", "wrangler", "hono", CHECKOUT]
    take(project, HTTPX, "0.29.0")
    take(project, WRANGLER, "4.2.0")
    take(project, Pin("action", CHECKOUT, "9.0.0"), *newest_tag(TAGS))
    assert "httpx==0.29.0" in (project / "pyproject.toml").read_text()
    assert "httpx-sse==0.28.1" in (project / "pyproject.toml").read_text()
    assert (project / "package.json").read_text() == '{"version": "4.1.0", "devDependencies": {"wrangler": "4.2.0"}}\n'
    assert (project / ".github/workflows/x.yml").read_text() == f"      - uses: {CHECKOUT}@{NEW} # v10.2.0\n"


class Machine:
    """Answers commands as tools do: httpx 0.29.0 breaks one test, GitHub cannot be reached."""

    def __init__(self, project: Path) -> None:
        self.project = project

    def __call__(self, given: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        text = " ".join(given)
        out, err, code = "", "", 0
        if given[:2] == ["git", "clone"]:
            subprocess.run(["cp", "-r", self.project, given[-1]], check=True)
        elif given[:2] == ["git", "ls-remote"]:
            err, code = "fatal: could not resolve host\n", 128
        elif " view " in text:
            out = '"4.2.0"' if " wrangler " in text else '"4.1.0"'
        elif "--dry-run" in given:
            err = f" + {given[-1]}==0.29.0\n" if given[-1] == "httpx" else ""
        elif given[2] == "pytest" and "httpx==0.29.0" in (folder / "pyproject.toml").read_text():
            out, code = "FAILED tests/test_a.py::test_b - AssertionError\n1 failed", 1
        return subprocess.CompletedProcess(given, code, out, err)


def test_the_report_says_which_package_broke_what_and_the_others_are_taken_over(project, monkeypatch, capsys):
    monkeypatch.setattr(command, "ROOT", project)
    assert command.main(["--write"], Machine(project)) == 1
    said = capsys.readouterr().out
    assert "| httpx (python) | 0.28.1 | 0.29.0 | breaks `tests/test_a.py::test_b` |" in said
    assert "| wrangler (npm) | 4.1.0 | 4.2.0 | all tests pass |" in said
    assert f"| {CHECKOUT} (action) | 9.0.0 | could not tell | fatal: could not resolve host |" in said
    assert "httpx==0.28.1" in (project / "pyproject.toml").read_text()
    assert '"wrangler": "4.2.0"' in (project / "package.json").read_text()


def test_a_list_tests_nothing_and_writes_nothing(project, monkeypatch, capsys):
    monkeypatch.setattr(command, "ROOT", project)
    before = {path: path.read_text() for path in project.rglob("*") if path.is_file()}
    assert command.main(["--list"], Machine(project)) == 0
    assert "python httpx: 0.28.1 to 0.29.0\n" in capsys.readouterr().out
    assert before == {path: path.read_text() for path in project.rglob("*") if path.is_file()}
