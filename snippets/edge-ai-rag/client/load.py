"""Send a folder of Markdown files to the example and wait until they can be found: load.py FOLDER TENANT."""

import os
import sys
import time
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from answers import passing, read, wish_s
from careful import client

URL = os.environ.get("ANSWERS_URL", "http://localhost:8787")
ADMIN = {
    "Authorization": f"Bearer {os.environ.get('ADMIN_TOKEN', 'local-admin-token-0123456789abcdef')}"
}
PATIENCE_S = 120
PAUSES_S = [0.05, 0.1, 0.2, 0.5, 1, 2]


# --8<-- [start:load]
def load(http: httpx.Client, folder: Path, tenant: str) -> int:
    """Send each file, then ask for each until it is indexed; return how many there are."""
    keys = []
    for path in sorted(folder.glob("*.md")):
        keys.append(f"{quote(tenant, safe='')}/{quote(path.name, safe='')}")
        headers = {"Content-Type": "text/markdown"}
        ask(http, "PUT", keys[-1], passing, content=path.read_bytes(), headers=headers)
    for key in keys:
        # Until it is indexed, a document is 404.
        ask(http, "GET", key, lambda s: s == 404 or passing(s))
    return len(keys)


def ask(
    http: httpx.Client, method: str, key: str, waits: Callable[[int], bool], **more: Any
) -> None:
    """Send a request, again while its answer may change, until it is a success."""
    deadline = time.monotonic() + PATIENCE_S
    for least_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        pause, said = least_s, "no answer"
        try:
            response = http.request(method, f"/v1/documents/{key}", **more)
        except httpx.TransportError:
            pass  # It may have arrived, or not: the same document again changes nothing.
        else:
            if not waits(response.status_code):
                read(response.status_code, response.content)
                return
            pause = max(pause, wish_s(response.headers.get("Retry-After")))
            said = str(response.status_code)
        if time.monotonic() + pause > deadline:
            raise SystemExit(f"{said}: {key} took more than {PATIENCE_S} s")
        time.sleep(pause)


# --8<-- [end:load]


if __name__ == "__main__":
    with client(URL, ADMIN, timeout_s=20) as caller:
        print(f"{load(caller, Path(sys.argv[1]), sys.argv[2])} documents are indexed")
