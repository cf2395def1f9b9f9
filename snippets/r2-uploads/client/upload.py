"""Upload one file with one request: upload.py API_URL USER FILE."""

import itertools
import mimetypes
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from answers import known_id, passing, read, wish_s
from careful import client
from session import session

PATIENCE_S = 60  # the signed address lives for ten minutes
TOO_SLOW = "<Code>RequestTimeout</Code>"


# --8<-- [start:upload]
def ask(api: str, user: str, path: Path, **more: object) -> dict[str, Any]:
    """Ask the Worker for permission to store this file."""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    about = {"name": path.name, "type": kind, "size": path.stat().st_size, **more}
    with client(api, session(user)) as http:
        answer = http.post("/v1/files", json=about)
    found = read(answer.status_code, answer.content, "id")
    return {**about, **found, "id": known_id(found["id"])}


def put(signed: dict[str, Any], path: Path) -> None:
    """Send the bytes, again after a broken connection or an answer that may change."""
    url, headers, waited = signed["url"], signed["headers"], 0.0
    for attempt in itertools.count():
        pause = float(2**attempt)
        try:
            with path.open("rb") as body, client(url, headers, 60) as http:
                answer = http.put(url, content=body)
        except httpx.RequestError:
            pass
        else:
            # 412: the key is taken. An earlier attempt arrived, only its answer was lost.
            if answer.status_code in (200, 412):
                return
            # S3 says under status 400 that the bytes came too slowly.
            if not passing(answer.status_code) and TOO_SLOW not in answer.text:
                raise SystemExit(f"{answer.status_code}: {path.name} was refused")
            pause = max(pause, wish_s(answer.headers.get("Retry-After")))
        waited += pause
        if waited > PATIENCE_S:
            break
        time.sleep(pause)
    raise SystemExit(f"{path.name} was not stored after {attempt + 1} attempts")


# --8<-- [end:upload]


def main(api: str, user: str, name: str) -> None:
    file = ask(api, user, Path(name))
    put(file["put"], Path(name))
    print(f"{file['name']}: {file['size']} bytes sent, file {file['id']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
