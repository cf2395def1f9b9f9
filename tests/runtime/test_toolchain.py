"""The toolchain installs what a fresh machine lacks, says so, and says what to do where it cannot."""

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
    monkeypatch.setattr(toolchain, "SYSTEM_BROWSERS", ())
    monkeypatch.setattr(toolchain, "MAC_BROWSERS", ())
    monkeypatch.setattr(toolchain.platform, "system", lambda: system)
    monkeypatch.setattr(toolchain.platform, "machine", lambda: machine)
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
    with pytest.raises(toolchain.ToolchainError, match=r"npm ci failed \(1\):\n(?s:.*)lock file"):
        toolchain.install()
    assert said == ["installing the Workers toolchain with npm ci (about 20 s, once) …"]
    assert not (broken_lock / "node_modules" / ".installed-from").exists(), "a failed install must be tried again"


def test_the_tools_ask_the_network_for_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "a-real-token")
    env = toolchain.node_env()
    assert env["WRANGLER_SEND_METRICS"] == "false" and env["CLOUDFLARE_CF_FETCH_ENABLED"] == "false"
    assert "CLOUDFLARE_API_TOKEN" not in env, "a test must never reach a reader's account"
