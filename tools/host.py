"""Build the guide as it is hosted, look at it in workerd, and deploy it to Workers Static Assets.

    uv run python -m tools.host build
    uv run python -m tools.host serve
    SITE_URL=https://guide.example.com/ uv run python -m tools.host deploy

Any other static host takes the folder ``site/`` as it is.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tools import toolchain

ROOT = toolchain.ROOT
SITE = ROOT / "site"
CONFIG = ROOT / "hosting" / "wrangler.toml"


class HostError(Exception):
    """The site cannot be hosted like this; the message says what to do."""


def build(site: Path, root: Path = ROOT) -> None:
    """Build the site strictly into a folder.

    Raises:
        HostError: the build failed; the message is its own.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    if done.returncode:
        raise HostError(done.stderr.strip())


def public_address() -> str:
    """Return the address under which the site will be read.

    Raises:
        HostError: ``SITE_URL`` is missing or is not the address of a public host.
    """
    address = os.environ.get("SITE_URL", "")
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.path != "/":
        raise HostError("Say under which address the guide will be read, for example SITE_URL=https://guide.example.com/")
    return address


def wrangler(*arguments: str) -> int:
    """Run Wrangler with the site's configuration and return its exit code; its credentials stay in the environment."""
    toolchain.install()
    quiet = {"WRANGLER_SEND_METRICS": "false", "PATH": os.pathsep.join([str(toolchain.node().parent), os.environ.get("PATH", "")])}
    script = toolchain.NODE_MODULES / "wrangler" / "bin" / "wrangler.js"
    command = [toolchain.node(), script, *arguments, "--config", CONFIG]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **quiet}).returncode


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.host", description="Build, look at, and deploy the guide.")
    parser.add_argument("command", choices=["build", "serve", "upload", "deploy"])
    command, rest = parser.parse_known_args(arguments)
    try:
        if command.command == "deploy":
            public_address()
        if command.command != "upload":
            build(SITE)
            print(f"site/: {sum(path.is_file() for path in SITE.rglob('*'))} files", flush=True)
        if command.command == "serve":
            return wrangler("dev", "--ip", "127.0.0.1", *rest)
        if command.command in ("upload", "deploy"):
            return wrangler("deploy", *rest)
    except (HostError, toolchain.ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
