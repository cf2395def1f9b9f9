"""Upload one file with one request: upload.py API_URL USER FILE."""

import mimetypes
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from session import session


# --8<-- [start:upload]
def ask(api: str, user: str, path: Path, **more: object) -> dict[str, Any]:
    """Ask the Worker for permission to store this file."""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    about = {"name": path.name, "type": kind, "size": path.stat().st_size, **more}
    answer = httpx.post(f"{api}/v1/files", json=about, headers=session(user), timeout=10)
    if answer.is_error:
        raise SystemExit(f"{answer.status_code} {answer.text}")
    return {**about, **answer.json()}


def put(signed: dict[str, Any], path: Path, attempts: int = 4) -> None:
    """Send the bytes, again after a broken connection."""
    for attempt in range(attempts):
        try:
            with path.open("rb") as body:
                answer = httpx.put(
                    signed["url"], content=body, headers=signed["headers"], timeout=60
                )
        except httpx.TransportError:
            time.sleep(2**attempt)
            continue
        # 412: the key is taken. An earlier attempt arrived, only its answer was lost.
        if answer.status_code in (200, 412):
            return
        if answer.status_code < 500:
            raise SystemExit(f"{answer.status_code} {answer.text}")
    raise SystemExit(f"{path.name} was not stored after {attempts} attempts")


# --8<-- [end:upload]


def main(api: str, user: str, name: str) -> None:
    file = ask(api, user, Path(name))
    put(file["put"], Path(name))
    print(f"{file['name']}: {file['size']} bytes sent, file {file['id']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
