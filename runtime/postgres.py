"""A real PostgreSQL for tests, by the same code with which a reader runs the example."""

import runpy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime import toolchain
from runtime.patience import PATIENCE_S

SOURCE = toolchain.ROOT / "snippets" / "hyperdrive-database" / "local" / "postgres.py"
VARIABLE = "CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_"


@contextmanager
def shop(packaged: bool = False) -> Iterator[Any]:
    """Start a server that holds the shop of hyperdrive-database, and leave nothing behind.

    Args:
        packaged: take PostgreSQL from the Python package even where the machine has its own.
    """
    # Not pytest's folder: the server may run as another user, who cannot enter it.
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        kind = runpy.run_path(str(SOURCE))["Postgres"]
        kind.start.__globals__["READY_S"] = PATIENCE_S  # a reader's own machine is quicker than one that tests
        server = kind(Path(folder), packaged)
        try:
            server.start()
            server.load()
            yield server
        finally:
            server.stop()


def limit(server: Any, statement: str, lock: str, idle: str) -> None:
    """Say how long the Worker's role may compute, wait for a lock, and leave a transaction open."""
    times = {"statement": statement, "lock": lock, "idle_in_transaction_session": idle}
    server.run("-c", "; ".join(f"ALTER ROLE shop_api SET {of}_timeout = '{time}'" for of, time in times.items()))


def bindings(cached: str, fresh: str | None = None) -> dict[str, str]:
    """Return the environment that connects the two Hyperdrive bindings."""
    return {f"{VARIABLE}CACHED": cached, f"{VARIABLE}FRESH": fresh or cached}


@contextmanager
def shop_bindings() -> Iterator[dict[str, str]]:
    """Start the shop and yield the environment of an example that uses it."""
    with shop() as server:
        yield bindings(server.url())
