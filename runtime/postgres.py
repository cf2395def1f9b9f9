"""A real PostgreSQL for tests, by the same code with which a reader runs the example."""

import runpy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime import toolchain

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
        server = runpy.run_path(str(SOURCE))["Postgres"](Path(folder), packaged)
        try:
            server.start()
            server.load()
            yield server
        finally:
            server.stop()


def bindings(cached: str, fresh: str | None = None) -> dict[str, str]:
    """Return the environment that connects the two Hyperdrive bindings."""
    return {f"{VARIABLE}CACHED": cached, f"{VARIABLE}FRESH": fresh or cached}


@contextmanager
def shop_bindings() -> Iterator[dict[str, str]]:
    """Start the shop and yield the environment of an example that uses it."""
    with shop() as server:
        yield bindings(server.url())
