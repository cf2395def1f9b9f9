"""A test run leaves nothing behind: no file and no process, also after a failure, Ctrl-C, twice, and a kill."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from model.files import ROOT
from tests.support.patience import until
from tests.support.scratch import VARIABLES

COMMAND = [sys.executable, "-m", "pytest", "-q", "-s", "-n", "0", "--timeout", "110", "tests/support/leaving.py"]


def started_in(folder: Path) -> list[str]:
    """Return the command of every process whose folder for temporary files is, or is in, this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(VARIABLES[0], "").startswith(str(folder)):
                found.append(" ".join(process.cmdline())[:120])
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param((), id="failed"),
        pytest.param((signal.SIGINT, signal.SIGINT), id="Ctrl-C twice"),
        pytest.param((signal.SIGKILL,), id="killed"),
    ],
)
def test_a_run_that_ends_badly_leaves_no_file_and_no_process(signals, tmp_path):
    folder, sign = Path(tempfile.mkdtemp()), tmp_path / "sign"
    folder.chmod(0o711)  # as for PostgreSQL of any run; pytest's own folder lets no other user pass
    environment = {**os.environ, **dict.fromkeys(VARIABLES, str(folder))}
    run = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    run.stdin.write(f"{sign}\n".encode())
    run.stdin.flush()
    until(lambda: sign.exists() or run.poll() is not None)
    assert run.poll() is None, "the test that leaves things behind did not get that far"
    assert any("postgres" in command for command in started_in(folder))
    for number in signals:
        run.send_signal(number)
        time.sleep(0.1)
    run.communicate()
    until(lambda: [*started_in(folder), *folder.iterdir()], lambda left: left == [], "the end of all that was left")
