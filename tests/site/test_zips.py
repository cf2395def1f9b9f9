"""What a reader downloads is what the tests run, starts without the repository, and has the same bytes at every build."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import jsonschema
import pytest
from bs4 import BeautifulSoup

from hooks.publish import zips
from model import examples
from model.files import GuideError
from runtime import toolchain
from runtime.site import Site
from runtime.workers import dev_server
from tests.documents.transcripts import matches
from tests.support.pages import ROOT, SLUGS

EXTRA = {"LICENSE", "START-HERE.md", "requirements.txt"}


def unzipped(site: Site, slug: str) -> dict[str, bytes]:
    with zipfile.ZipFile(site.folder / "examples" / f"{slug}.zip") as archive:
        assert archive.testzip() is None
        return {name.removeprefix(f"{slug}/"): archive.read(name) for name in archive.namelist()}


def tracked(slug: str) -> set[str]:
    """Return the example's files as git knows them, new ones included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"snippets/{slug}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this copy of the repository has no git, which says what belongs to an example")
    return {line.removeprefix(f"snippets/{slug}/") for line in done.stdout.splitlines() if (ROOT / line).is_file()}


def started(text: str) -> list[str]:
    """Return the commands of a START-HERE.md."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", text, re.M)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_zip_holds_exactly_the_tested_files(site: Site, slug: str):
    files = unzipped(site, slug)
    own = {name: content for name, content in files.items() if name not in EXTRA}
    assert own == {name: (ROOT / "snippets" / slug / name).read_bytes() for name in tracked(slug)}
    assert files["LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert "README.md" in files and not any(name.startswith(("/", "..")) for name in files)


@pytest.mark.parametrize("slug", SLUGS)
def test_build_it_offers_the_zip_and_says_its_size(site: Site, slug: str):
    page = BeautifulSoup((site.folder / "patterns" / slug / "index.html").read_text(), "html.parser")
    offer = page.select_one("#build-it + p")
    zip_file = site.folder / "patterns" / slug / offer.a["href"]
    count, size = re.search(r"(\d+) files, (\d+) KB", offer.text).groups()
    assert zip_file.resolve() == (site.folder / "examples" / f"{slug}.zip").resolve()
    assert int(count) == len(unzipped(site, slug).keys() - EXTRA)
    assert abs(zip_file.stat().st_size / 1000 - int(size)) <= 1


@pytest.mark.parametrize("slug", SLUGS)
def test_the_commands_name_only_what_the_zip_holds(site: Site, slug: str):
    files = unzipped(site, slug)
    text = files["START-HERE.md"].decode()
    commands = started(text)
    assert 1 <= len(commands) <= 3
    for command in commands:
        assert (
            "snippets" not in command
            and "--workspace" not in command
            and not re.match(r"uv run (?!--no-project)", command)
        )
        for path in re.findall(r"(?<= )[\w./-]+\.(?:py|yml|txt|toml|json)\b", command):
            assert path in files, f"{slug}: {command}"
        if script := re.search(r"\bnpm (?:run )?(\w+)$", command):
            assert script[1] == "install" or script[1] in json.loads(files["package.json"])["scripts"], command
    if "requirements.txt" in files:
        assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in files["requirements.txt"].decode().splitlines())


def test_an_unzipped_worker_starts_and_answers_without_the_repository(site: Site, tmp_path: Path):
    with zipfile.ZipFile(site.folder / "examples" / "global-api-kv.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "global-api-kv"
    install, secrets, start = started((folder / "START-HERE.md").read_text())
    assert install == "npm install"
    # What npm would install is there already; it stands one level up, where Node looks next.
    (tmp_path / "node_modules").symlink_to(toolchain.NODE_MODULES)
    subprocess.run(["bash", "-c", secrets], cwd=folder, check=True)
    with dev_server(start, folder) as (url, lines):
        address, proof = f"{url}/v1/flags/checkout", {"Authorization": "Bearer local-admin-token-0123456789abcdef"}
        assert httpx.put(address, json={"enabled": True}, headers=proof).status_code == 200
        assert httpx.get(address).json() == {"enabled": True, "rollout": 100}
    assert "Missing required secrets" not in "\n".join(lines)


def test_an_unzipped_program_runs_without_the_repository(site: Site, tmp_path: Path):
    with zipfile.ZipFile(site.folder / "examples" / "secure-egress.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "secure-egress"
    command = started((folder / "START-HERE.md").read_text())[0]
    before = "uv run --no-project --with-requirements requirements.txt python "
    assert command.startswith(before)
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' {command.removeprefix(before)}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = re.search(r"```console\n\$ [^\n]+\n(.*?)```", (folder / "README.md").read_text(), re.S)[1]
    assert matches(shown, done.stdout), done.stdout + done.stderr


def test_the_same_files_give_the_same_bytes_and_nothing_of_yours_goes_along(tmp_path: Path):
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    folder = tmp_path / "snippets" / "global-api-kv"
    ignored = shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars", "worker-configuration.d.ts")
    shutil.copytree(ROOT / "snippets" / "global-api-kv", folder, ignore=ignored, copy_function=shutil.copyfile)
    first = zips.packed("global-api-kv", tmp_path)
    (folder / ".dev.vars").write_text("ADMIN_TOKEN=mine\n")
    (folder / ".wrangler" / "state").mkdir(parents=True)
    (folder / ".wrangler" / "state" / "flags.sqlite").write_bytes(b"mine")
    (folder / "README.md").touch()
    assert zips.packed("global-api-kv", tmp_path) == first
    names = zipfile.ZipFile(io.BytesIO(first)).namelist()
    assert names == sorted(names)


def test_a_package_that_nobody_pinned_is_named(tmp_path: Path):
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    (tmp_path / "a.py").write_text("import os\nimport pandas\nimport yaml\n")
    with pytest.raises(GuideError, match=r"imports pandas, which pyproject\.toml does not pin"):
        examples.requirements([tmp_path / "a.py"], tmp_path)


def test_the_catalogue_follows_its_schema_and_leads_to_what_is_there(site: Site):
    catalogue, schema = (
        json.loads((site.folder / name).read_text()) for name in ("patterns.json", "patterns.schema.json")
    )
    dates = {fact["id"]: fact["as_of"] for fact in json.loads((site.folder / "facts.json").read_text())}
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(catalogue, schema, format_checker=jsonschema.FormatChecker())
    assert [p["slug"] for p in catalogue["patterns"]] == list(SLUGS)
    for pattern in catalogue["patterns"]:
        assert (site.folder / pattern["page"] / "index.html").is_file()
        assert (site.folder / pattern["markdown"]).is_file() and (site.folder / pattern["example"]).is_file()
        assert set(pattern["related"]) <= set(SLUGS) - {pattern["slug"]}
        assert pattern["files"] == sorted(f"snippets/{pattern['slug']}/{name}" for name in tracked(pattern["slug"]))
        assert all((ROOT / path).is_file() for path in pattern["tests"])
        page = BeautifulSoup((site.folder / pattern["page"] / "index.html").read_text(), "html.parser")
        assert page.select_one("dl.strip time")["datetime"] == pattern["oldest_fact"]
        shown = {re.sub(r"^fact-\d+-", "", e["id"]) for e in page.select(".fact__card[id^=fact-]")}
        assert shown <= set(pattern["facts"]) <= dates.keys()
        assert min(dates[name] for name in pattern["facts"]) == pattern["oldest_fact"]


def test_the_schema_refuses_a_damaged_catalogue(site: Site):
    catalogue, schema = (
        json.loads((site.folder / name).read_text()) for name in ("patterns.json", "patterns.schema.json")
    )
    for damage in ({"state": "someday"}, {"services": []}, {"oldest_fact": "yesterday"}, {"page": ""}, {"extra": 1}):
        broken = {**catalogue, "patterns": [{**catalogue["patterns"][0], **damage}, *catalogue["patterns"][1:]]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema, format_checker=jsonschema.FormatChecker())
