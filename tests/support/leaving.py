"""A test that leaves everything behind that a test can; `test_scratch.py` runs it by its name."""

import subprocess
import sys
import tempfile
from pathlib import Path


def test_that_fails_in_the_middle(runtime, postgres, browser, tmp_path):
    (tmp_path / "file").write_text("left")
    tempfile.mkdtemp()
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with runtime.example("global-api-kv"):
        Path(sys.stdin.readline().strip()).write_text("here")
        assert sys.stdin.readline(), "nobody says how to go on, so this fails"
