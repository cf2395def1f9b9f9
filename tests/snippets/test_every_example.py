"""What holds for every example: it type-checks, would deploy, starts as its README says, and holds no secret."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from runtime.setups import EXAMPLES
from runtime.workers import SNIPPETS, Runtime, configs, dev_server, dry_run, program, typecheck
from tests.documents.fences import MARKER, fences, section
from tests.documents.transcripts import commands
from tests.support.pages import ROOT
from tools.terraform import __main__ as terraform

CONFIGS = [pytest.param(c, id=str(c.parent.relative_to(SNIPPETS))) for slug in EXAMPLES for c in configs(slug)]
# A folder named local-… holds what stands beside an example on the reader's machine only.
DEPLOYED = [c for c in CONFIGS if not c.values[0].parent.name.startswith("local-")]
SOURCES = sorted(
    p
    for p in SNIPPETS.rglob("*")
    if p.suffix in {".ts", ".py", ".toml", ".sql", ".tf", ".yml", ".conf"}
    and not {"node_modules", ".wrangler"} & set(p.parts)
)
PYTHON = sorted({p.relative_to(SNIPPETS).parts[0] for p in SOURCES if p.suffix == ".py"})
TERRAFORM = [
    pytest.param(f, id=str(f.relative_to(SNIPPETS))) for f in sorted({p.parent for p in SOURCES if p.suffix == ".tf"})
]


def test_every_example_is_known_to_the_harness_and_every_worker_is_started():
    assert set(EXAMPLES) == {p.name for p in SNIPPETS.iterdir() if p.is_dir()}
    assert len(CONFIGS) >= 5
    for slug, setup in EXAMPLES.items():
        assert {SNIPPETS / f / "wrangler.toml" for f in setup.folders} == set(configs(slug)), slug


@pytest.mark.parametrize("config", CONFIGS)
def test_it_type_checks_against_its_own_configuration(runtime: Runtime, config: Path):
    slug = config.relative_to(SNIPPETS).parts[0]
    # A local stand-in reaches the others by HTTP; their code is checked with their own bindings.
    typecheck(runtime, config, [] if config.parent.name.startswith("local-") else configs(slug))


@pytest.mark.parametrize("config", DEPLOYED)
def test_it_would_deploy_without_a_warning(config: Path, tmp_path: Path):
    dry_run(config, tmp_path)


@pytest.mark.parametrize("slug", PYTHON)
def test_its_python_is_typed_and_calls_what_its_libraries_and_windows_have(slug: str):
    """What Linux has, the tests that run it show."""
    files = sorted(p for p in SOURCES if p.suffix == ".py" and p.relative_to(SNIPPETS).parts[0] == slug)
    folders = [f"--search-path={folder}" for folder in sorted({str(p.parent) for p in files})]
    done = subprocess.run(
        [sys.executable, "-m", "pyrefly", "check", "--python-platform=win32", *folders, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", TERRAFORM)
def test_its_terraform_is_what_the_provider_accepts(folder: Path):
    assert [str(problem) for problem in terraform.check(folder)] == []


@pytest.mark.parametrize("slug", EXAMPLES)
def test_it_starts_the_way_its_readme_says(slug: str, tmp_path: Path):
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    ignored = shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars", "worker-configuration.d.ts")
    shutil.copytree(SNIPPETS / slug, tmp_path / "snippets" / slug, ignore=ignored)

    readme = (SNIPPETS / slug / "README.md").read_text()
    run_it = next(f for f in fences(readme, slug) if f.language == "console")
    setup = EXAMPLES[slug]
    typed = [c.text for c in commands(run_it, slug)]
    assert len(typed) <= 3, "Run it takes at most three commands"
    if not setup.folders and not setup.server:
        assert all(c.runs for c in commands(run_it, slug)), "the README's transcript is run as it stands"
        return
    install, prepare, start = typed[:1] if setup.folders else [], typed[bool(setup.folders) : -1], typed[-1]
    assert install == (["uv run npm ci"] if setup.folders else [])
    assert setup.folders or setup.server == start
    for command in prepare:
        # What a reader types writes the local secrets; here it runs in the copy.
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    serve = dev_server if setup.folders else program
    with serve(start, tmp_path) as (url, lines):
        assert httpx.get(url).status_code < 500
        for host, status in setup.hosts.items():
            assert httpx.get(url, headers={"Host": host}).status_code == status, host
        said = "\n".join(lines)
    assert "Unexpected fields" not in said and "Missing required secrets" not in said, said


@pytest.mark.parametrize("slug", EXAMPLES)
def test_its_readme_is_short_and_says_what_the_tests_prove(slug: str):
    readme = (SNIPPETS / slug / "README.md").read_text()
    assert len(readme.splitlines()) <= 25
    assert "| Test" in readme and "Deploy" in readme


def test_no_python_server_reads_an_address_that_the_host_header_helped_to_write():
    servers = [p for p in SOURCES if p.suffix == ".py" and "from starlette" in p.read_text()]
    assert len(servers) >= 4
    for path in servers:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("url", "base_url")), (
                f"{path.relative_to(ROOT)}:{node.lineno}: decide on request.scope['path'], which the router reads too"
            )


def test_every_marked_section_has_one_start_and_one_end():
    names = [(p, m[2]) for p in SOURCES for m in MARKER.finditer(p.read_text()) if m[1] == "start"]
    ends = [(p, m[2]) for p in SOURCES for m in MARKER.finditer(p.read_text()) if m[1] == "end"]
    assert sorted(names) == sorted(ends) and len(names) > 10
    for path, name in names:
        assert section(path, name)


def test_examples_hold_no_real_id_and_no_secret():
    for path in SOURCES:
        for found in re.findall(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", path.read_text()):
            assert len(set(found.replace("-", ""))) == 1, f"{path.relative_to(ROOT)}: {found} looks like a real id"
    assert not list(ROOT.glob("wrangler.*")), "a root configuration would be taken for an example that lacks one"


def test_every_package_pins_the_versions_of_the_root():
    root = json.loads((ROOT / "package.json").read_text())
    for path in SNIPPETS.glob("*/package.json"):
        package = json.loads(path.read_text())
        assert package["name"] == path.parent.name and package["private"] is True
        for name, version in {**package.get("dependencies", {}), **package.get("devDependencies", {})}.items():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{path.parent.name}: pin {name}"
            assert root["devDependencies"].get(name, version) == version, (
                f"{path.parent.name}: {name} differs from the root"
            )
