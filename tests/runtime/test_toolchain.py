"""The toolchain installs what a fresh machine lacks, says so, and says what to do where it cannot."""

import json
import subprocess
from pathlib import Path

import pytest

from runtime import browser, toolchain


def test_node_is_the_real_binary_and_new_enough():
    assert toolchain.node().read_bytes()[:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe"), "the shim would orphan workerd"
    version = subprocess.run([toolchain.node(), "--version"], capture_output=True, text=True, check=True).stdout
    assert tuple(map(int, version.removeprefix("v").split(".")))[:2] >= (22, 12)


def test_a_browser_named_by_the_reader_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "my-chrome").touch()
    monkeypatch.setenv("CHROME", str(tmp_path / "my-chrome"))
    assert browser.find()[0] == tmp_path / "my-chrome"


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64")])
def test_without_a_browser_other_machines_are_told_to_install_one(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str
):
    monkeypatch.delenv("CHROME", raising=False)
    monkeypatch.setattr(browser, "SYSTEM_BROWSERS", ())
    monkeypatch.setattr(browser, "OTHER_BROWSERS", ())
    monkeypatch.setattr(browser.platform, "system", lambda: system)
    monkeypatch.setattr(browser.platform, "machine", lambda: machine)
    with pytest.raises(toolchain.ToolchainError, match=rf"{system} {machine}\)\. Install Chrome, or set CHROME"):
        browser.find()


@pytest.fixture
def broken_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name, path in {"ROOT": ".", "NODE_MODULES": "node_modules", "CACHE": ".cache"}.items():
        monkeypatch.setattr(toolchain, name, tmp_path / path)
    (tmp_path / "package.json").write_text('{"dependencies": {"left": "1.0.0"}}')
    (tmp_path / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {}}')
    return tmp_path


def test_a_failed_install_says_that_it_ran_and_why_it_failed(broken_lock: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(toolchain, "say", said.append)
    with pytest.raises(
        toolchain.ToolchainError,
        match=r"npm ci failed \(1\):\n(?s:.*)lock file(?s:.*)uv run npm install --package-lock-only",
    ):
        toolchain.install()
    assert said == ["installing the Workers toolchain with npm ci (about 20 s, once) …"]
    assert not (broken_lock / "node_modules" / ".installed-from").exists(), "a failed install must be tried again"


def stale(root: Path) -> list[str]:
    """Return the workspaces that the lock holds otherwise than their ``package.json`` says, or not at all, or too many."""
    packages = json.loads((root / "package-lock.json").read_text())["packages"]
    workspaces = json.loads((root / "package.json").read_text())["workspaces"]
    found = {
        path.parent: json.loads(path.read_text()) for kind in workspaces for path in root.glob(f"{kind}/package.json")
    }
    wanted = {folder.relative_to(root).as_posix(): package for folder, package in found.items()}
    links = {entry["resolved"]: name for name, entry in packages.items() if entry.get("link")}
    same = [
        place
        for place, package in wanted.items()
        if links.get(place) == f"node_modules/{package['name']}"
        and all(packages.get(place, {}).get(kind) == package.get(kind) for kind in ("dependencies", "devDependencies"))
    ]
    return sorted(wanted.keys() ^ links.keys() | wanted.keys() - same)


def test_the_lock_holds_every_workspace_as_it_is():
    assert stale(toolchain.ROOT) == [], toolchain.MEND_LOCK
    resolved = [
        entry.get("resolved", "")
        for entry in json.loads((toolchain.ROOT / "package-lock.json").read_text())["packages"].values()
    ]
    assert not [address for address in resolved if "://" in address], "the lock names no host"


def test_a_workspace_that_the_lock_lacks_or_holds_in_another_version_is_named(tmp_path: Path):
    (tmp_path / "package.json").write_text('{"workspaces": ["snippets/*"]}')
    for name in ("good", "missing", "changed", "half"):
        (tmp_path / "snippets" / name).mkdir(parents=True)
        package = {"name": name, "devDependencies": {"wrangler": "2" if name == "changed" else "1"}}
        (tmp_path / "snippets" / name / "package.json").write_text(json.dumps(package))
    packages = {}
    for name in ("good", "changed", "gone", "half"):
        packages[f"node_modules/{name}"] = {"resolved": f"snippets/{name}", "link": True}
        packages[f"snippets/{name}"] = {"devDependencies": {"wrangler": "1"}}
    del packages["snippets/half"]
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": packages}))
    assert stale(tmp_path) == ["snippets/changed", "snippets/gone", "snippets/half", "snippets/missing"]


def test_the_tools_ask_the_network_for_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "a-real-token")
    env = toolchain.node_env()
    assert env["WRANGLER_SEND_METRICS"] == "false" and env["CLOUDFLARE_CF_FETCH_ENABLED"] == "false"
    assert "CLOUDFLARE_API_TOKEN" not in env, "a test must never reach a reader's account"
