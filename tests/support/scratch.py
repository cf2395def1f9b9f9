"""One folder for everything that a test run writes, and a process of its own that clears it away, however the run ends.

Wrangler, PostgreSQL, Chromium and the packages of the tests write into the folder for temporary files, and not all of
them tidy up. So the run gets a folder of its own there. What clears it away waits until the run is over: a pipe closes
then, also after a second Ctrl-C and after SIGKILL.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

VARIABLES = ("TMPDIR", "TEMP", "TMP")


class Scratch:
    """The folder of one test run.

    Attributes:
        folder: where ``tempfile``, and every program that the tests start, put their files.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="guide-"))
        self.folder.chmod(0o711)  # PostgreSQL may run as another user, who has to pass through
        for variable in VARIABLES:
            os.environ[variable] = str(self.folder)
        tempfile.tempdir = None
        self._broom = subprocess.Popen(
            [sys.executable, __file__, self.folder], stdin=subprocess.PIPE, start_new_session=True
        )

    def clear(self) -> None:
        """End what is left running and delete the folder."""
        if self._broom.stdin and not self._broom.stdin.closed:
            self._broom.stdin.close()
            self._broom.wait()


def left_running(folder: str) -> Iterator[psutil.Process]:
    """Yield the processes that were started with this folder for temporary files."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(VARIABLES[0]) == folder:
                yield process


def sweep(folder: str) -> None:
    """Kill what still runs in the folder and delete it."""
    while Path(folder).exists():
        for process in left_running(folder):
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(sys.argv[1])
