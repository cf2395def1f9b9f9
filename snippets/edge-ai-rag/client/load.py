"""Send a folder of Markdown files to the example and wait until they can be found: load.py FOLDER TENANT."""

import os
import sys
import time
from pathlib import Path

import httpx

URL = os.environ.get("ANSWERS_URL", "http://localhost:8787")
ADMIN = {
    "Authorization": f"Bearer {os.environ.get('ADMIN_TOKEN', 'local-admin-token-0123456789abcdef')}"
}
PATIENCE_S = 120


# --8<-- [start:load]
def load(http: httpx.Client, folder: Path, tenant: str) -> int:
    """Send each file, then ask for each until it is indexed; return how many there are."""
    keys = []
    for path in sorted(folder.glob("*.md")):
        keys.append(f"{tenant}/{path.name}")
        headers = {**ADMIN, "Content-Type": "text/markdown"}
        http.put(
            f"/v1/documents/{keys[-1]}", content=path.read_bytes(), headers=headers
        ).raise_for_status()
    deadline = time.monotonic() + PATIENCE_S
    for key in keys:
        while (answer := http.get(f"/v1/documents/{key}", headers=ADMIN)).status_code == 404:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{key} is not indexed after {PATIENCE_S} s")
            time.sleep(0.05)
        answer.raise_for_status()
    return len(keys)


# --8<-- [end:load]


if __name__ == "__main__":
    with httpx.Client(base_url=URL, timeout=20) as client:
        print(f"{load(client, Path(sys.argv[1]), sys.argv[2])} documents are indexed")
