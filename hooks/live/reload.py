"""Let `mkdocs serve` follow an edit of anything that the site is made of, our own Python included, without a restart."""

import os
import socket
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from model.files import ROOT, GuideError

# Set by `mkdocs serve`, and known to the code that is loaded after it.
serving = threading.Event()
OURS = ("hooks", "model")
# These hold what outlives a build: the live server and the examples that it started, and this module.
STAY = ("hooks.live.server", "hooks.live.reload")
PASSED_OVER = {".wrangler", "__pycache__"}


@cache
def free(host: str, port: int) -> None:
    """Refuse an address that is taken before the first build; later it is our own."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise GuideError(
            f"{host}:{port}: {os.strerror(error.errno or 0)}. End what uses it, or take another: `mkdocs serve --dev-addr {host}:{port + 1}`."
        ) from error


def stamps() -> dict[Path, int]:
    """Return when each of our Python files changed last."""
    return {path: path.stat().st_mtime_ns for folder in OURS for path in (ROOT / folder).rglob("*.py")}


def forget() -> None:
    """Take our modules out of Python's memory, so that the next import reads the files again.

    The packages too: ``from model import facts`` would take the old module, which the old package still holds.
    """
    for name in [name for name in sys.modules if name.split(".")[0] in OURS and name not in STAY]:
        del sys.modules[name]


def renewed(builder: Callable[..., None], clear: Callable[[], None]) -> Callable[..., None]:
    """Return a builder that loads our code anew when it changed.

    Args:
        builder: MkDocs' own, which reads the configuration and builds.
        clear: empties MkDocs' memory of the hooks that it loaded.
    """
    known = stamps()

    def build(*args: Any, **kwargs: Any) -> None:
        nonlocal known
        if (now := stamps()) != known:
            known = now
            clear()
            forget()
        builder(*args, **kwargs)

    return build


def quiet(observer: Any) -> None:
    """Let a file observer pass over what a running example writes beside its code: it is no reason to build again."""
    schedule = observer.schedule

    def scheduled(handler: Any, path: str, **options: Any) -> Any:
        tell = handler.on_any_event

        def told(event: Any) -> None:
            if not PASSED_OVER & set(Path(event.src_path).parts):
                tell(event)

        handler.on_any_event = told
        return schedule(handler, path, **options)

    observer.schedule = scheduled
