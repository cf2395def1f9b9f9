"""What the machine lacks is said in one line with the remedy, by every command."""

import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from model.files import ROOT
from runtime.remedies import remedy

TOOLS = {
    "tools.diagrams": "playwright",
    "tools.hosting.editions publish": "mike",
    "tools.facts check": "httpx",
    "tools.bench": "uvicorn",
    "tools.report": "playwright",
    "tools.terraform snippets": "hcl2",
    "runtime.toolchain": "filelock",
}


def run(code: str, **environment: str) -> str:
    """Run a command of the guide and return what it prints; it must fail with few words and no traceback."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("command", TOOLS)
def test_without_the_packages_of_the_tests_each_command_says_what_is_missing(command: str):
    module, *arguments = command.split()
    start = f"sys.argv[1:] = {arguments}; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    said = run(f"import runpy, sys; sys.modules[{TOOLS[command]!r}] = None; {start}")
    assert re.fullmatch(rf"The package {TOOLS[command]}[\w.]* is missing: run `uv sync`, without `--no-dev`\.", said)


def test_without_git_the_report_says_so():
    said = run("import runpy; runpy.run_module('tools.report', run_name='__main__', alter_sys=True)", PATH="")
    assert said == "git is missing: install it, or let PATH name its folder."


def test_a_port_that_is_taken_is_named_before_the_build():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = run(
            f"import sys, mkdocs.__main__ as m; sys.argv[1:] = ['serve', '--dev-addr', '127.0.0.1:{port}']; m.cli()"
        )
    assert f"127.0.0.1:{port}: Address already in use. End what uses it, or take another: `mkdocs serve" in said
    assert "Building documentation to" not in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_cache_that_cannot_be_written_is_named(number: int):
    line = remedy(OSError(number, os.strerror(number), ".cache/social/x.png"))
    assert line == f".cache/social/x.png: {os.strerror(number)}. Make room there, or make it writable."


def test_mkdocs_stops_with_the_same_line():
    from mkdocs.exceptions import PluginError

    from hooks.site import told

    @told
    def event() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", ".cache/social/x.png")

    with pytest.raises(PluginError, match=r"^\.cache/social/x\.png: No space left on device\. Make room there"):
        event()


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), FileNotFoundError(2, "gone", "a.md"), ModuleNotFoundError(name="hooks.gone")],
)
def test_an_error_of_another_kind_keeps_its_traceback(error: Exception):
    assert remedy(error) == ""


def test_tools_that_need_no_tests_run_without_them(tmp_path: Path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['playwright'] = sys.modules['httpx'] = None; import tools.hosting.offline",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
