"""How each example is started: its Workers, the secrets a reader would put into .dev.vars, its migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.harness.workers import Example, Runtime

LOCAL_KEY = "local-key-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Setup:
    """One example.

    Attributes:
        folders: its Workers under ``snippets/``, the public one first.
        secrets: what the public Worker's ``.dev.vars`` holds.
        migrations: ``(worker, binding)`` of each D1 database.
    """

    folders: tuple[str, ...]
    secrets: dict[str, str] = field(default_factory=dict)
    migrations: tuple[tuple[str, str], ...] = ()

    @contextmanager
    def run(self, runtime: Runtime, **options: dict[str, str]) -> Iterator[Example]:
        """Start it with clean storage and migrated databases."""
        with runtime.example(*self.folders, **{"secrets": self.secrets, **options}) as example:
            for worker, binding in self.migrations:
                example.migrate(binding, worker)
            yield example


EXAMPLES = {
    "global-api-kv": Setup(("global-api-kv",), {"ADMIN_TOKEN": "local-admin-token"}),
    "private-machine-api": Setup(
        tuple(f"private-machine-api/{name}" for name in ("gateway", "internal-a", "internal-b", "worker-x")),
        {"HMAC_KEYS": f'{{"shop-backend":["{LOCAL_KEY}"]}}'},
        (("internal-a", "DB"),),
    ),
}
