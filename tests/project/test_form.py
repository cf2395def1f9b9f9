"""The form of all code: one formatter, one linter and one type checker for each language, and no exception without a reason."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import toolchain

ROOT = toolchain.ROOT
BIOME = toolchain.NODE_MODULES / "@biomejs" / "biome" / "bin" / "biome"
PYTHON = {
    "ruff format": (["ruff", "format", "--check"], "`uv run ruff format` mends it."),
    "ruff check": (["ruff", "check"], "`uv run ruff check --fix` mends what can be mended without a decision."),
    "pyrefly": (["pyrefly", "check"], "`uv run pyrefly check` shows it again."),
}
SCRIPTS = {
    "biome format": (["format"], "`uv run npx biome format --write` mends it."),
    "biome lint": (
        ["lint", "--error-on-warnings"],
        "`uv run npx biome lint --write` mends what can be mended without a decision.",
    ),
}
FOLDERS = (
    "docs/assets",
    "experiments",
    "hooks",
    "hosting",
    "model",
    "overrides",
    "runtime",
    "snippets",
    "tests",
    "tools",
)
LANGUAGES = {".py", ".js", ".mjs", ".ts"}
NOT_OURS = {"node_modules", "vendor", ".wrangler", ".venv", "worker-configuration.d.ts"}
EXCEPTION = re.compile(
    r"(?:#|//|/\*) ?(?P<what>(?:ruff: ?)?noqa(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?|(?:fmt|yapf): ?(?:off|skip)"
    r"|(?:type|pyrefly|pyright): ?ignore(?:\[[\w, -]*\])?|biome-ignore\S* [\w/]+|prettier-ignore|eslint-disable\S*"
    r"|@ts-(?:ignore|expect-error|nocheck))(?P<reason>.*)"
)
REASON = re.compile(r":? ?-? ?\w\S* \w")


def run(command: list[str | Path]) -> tuple[int, str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def unexplained(text: str) -> list[str]:
    """Return the comments that switch a check off without saying why."""
    return [found[0] for found in EXCEPTION.finditer(text) if not REASON.match(found["reason"])]


@pytest.mark.parametrize("check", PYTHON)
def test_python_has_the_form_that_pyproject_toml_asks_for(check: str):
    command, remedy = PYTHON[check]
    code, output = run([sys.executable, "-m", *command])
    assert code == 0, f"{remedy}\n{output}"


@pytest.mark.parametrize("check", SCRIPTS)
def test_scripts_and_workers_have_the_form_that_biome_jsonc_asks_for(check: str):
    toolchain.install()
    command, remedy = SCRIPTS[check]
    code, output = run([toolchain.node(), BIOME, *command, "--colors=off"])
    assert code == 0, f"{remedy}\n{output}"


def test_whoever_switches_a_check_off_in_code_says_why():
    paths = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.suffix in LANGUAGES and p.is_file()]
    ours = [p for p in paths if not NOT_OURS & set(p.relative_to(ROOT).parts)]
    assert len(ours) > 400
    found = {str(p.relative_to(ROOT)): u for p in ours if (u := unexplained(p.read_text(encoding="utf-8")))}
    assert found == {}, "write the reason behind it, as in `noqa: S506 - both loaders are safe ones`"


@pytest.mark.parametrize(
    ("mark", "what"),
    [
        ("#", "noqa"),
        ("#", "noqa: E731"),
        ("#", "fmt: skip"),
        ("#", "fmt: off"),
        ("#", "type: ignore[override]"),
        ("//", "prettier-ignore"),
        ("//", "biome-ignore lint/style/useConst"),
    ],
)
def test_an_exception_without_a_reason_is_seen(mark: str, what: str):
    comment = f"{mark} {what}"
    assert unexplained(f"x = 1  {comment}\n") == [comment]
    assert unexplained(f"x = 1  {comment} - read by people\n") == []


def test_a_rule_that_is_off_everywhere_says_why_in_the_configuration():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    sections = re.findall(r"^\[tool\.(?:ruff|pyrefly)[^\n]*\n(?:(?!\[tool)[^\n]*\n)+", project, re.M)
    off = [
        line for s in sections for line in s.splitlines() if re.search(r'^ +"[A-Z]+\d*"|= "ignore"|= \["[A-Z]', line)
    ]
    biome = (ROOT / "biome.jsonc").read_text(encoding="utf-8").splitlines()
    bare = [line for line, above in zip(biome[1:], biome, strict=False) if '"off"' in line and "//" not in above]
    assert len(off) > 12
    assert [line for line in off if "#" not in line] + bare == []
