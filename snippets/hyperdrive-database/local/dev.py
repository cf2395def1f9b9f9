"""Run a command, such as ``wrangler dev``, with a fresh database beside it: python local/dev.py wrangler dev."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from postgres import Postgres

VARIABLE = "CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_"


def main(command: list[str]) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        server = Postgres(Path(folder))
        try:
            server.start()
            server.load()
            print(f"database: {server.url()}", flush=True)
            bindings = {VARIABLE + name: server.url() for name in ("CACHED", "FRESH")}
            with subprocess.Popen(command, env={**os.environ, **bindings}) as process:
                try:
                    return process.wait()
                finally:
                    process.terminate()
        finally:
            # A second signal must not leave the server behind.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
