"""Submit a mail and wait for its end. The environment gives JOBS_URL and JOBS_KEY."""

import argparse
import itertools
import random
import time
import uuid
from typing import Any

import httpx

import careful
from answers import known_id, passing, read, shown, wish_s

PATIENCE_S = 30
FIELDS = ("state", "attempts", "error")


# --8<-- [start:submit]
def submit(client: httpx.Client, job: dict[str, str], key: str) -> str:
    """Send a job until it is accepted. Every try has the same key, so it is one job."""
    deadline = time.monotonic() + PATIENCE_S
    for attempt in itertools.count():
        pause = random.uniform(0, 2**attempt)
        try:
            headers = {"Idempotency-Key": key}
            response = client.post("/v1/jobs", json=job, headers=headers)
        except httpx.RequestError:
            pass  # It may have arrived, or not: that is what the key is for.
        else:
            if not passing(response.status_code):
                return known_id(read(response.status_code, response.content, "id")["id"])
            pause = max(pause, wish_s(response.headers.get("Retry-After")))
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    raise SystemExit(f"Not accepted. Try again later, with the key {key}.")


def wait(client: httpx.Client, job: str) -> dict[str, Any]:
    """Ask for the state at the pace that the answer names, until it is done or dead."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        state, pause = None, 1.0
        try:
            response = client.get(f"/v1/jobs/{job}")
        except httpx.RequestError:
            pass  # The job goes on without us.
        else:
            wish = response.headers.get("Retry-After")
            if not passing(response.status_code):
                state = read(response.status_code, response.content, *FIELDS)
                if wish is None:
                    return state
            pause = wish_s(wish) or pause
        if time.monotonic() + pause > deadline:
            if state is None:
                raise SystemExit(f"No answer. Ask later for the job {job}.")
            return state
        time.sleep(pause)


# --8<-- [end:submit]


def utf8(given: str) -> str:
    given.encode()  # an argument in another encoding
    return given


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("to", "subject", "text"):
        parser.add_argument(name, type=utf8)
    parser.add_argument("key", nargs="?", default=str(uuid.uuid4()))
    asked = parser.parse_args()
    careful.sendable({"Idempotency-Key": asked.key})
    headers = {"Authorization": f"Bearer {careful.setting('JOBS_KEY')}"}
    with careful.client(careful.setting("JOBS_URL"), headers) as http:
        mail = {"kind": "mail", "to": asked.to, "subject": asked.subject, "text": asked.text}
        try:
            end = wait(http, submit(http, mail, asked.key))
        except (SystemExit, KeyboardInterrupt) as stopped:
            # It may have been accepted: only with this key is it no second job.
            raise SystemExit(f"{str(stopped) or 'Stopped.'} (key {asked.key})") from None
        told = f"{end['state']}, attempts: {end['attempts']}, error: {end['error']}"
        print(shown(told))
