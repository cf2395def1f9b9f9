"""Submit a mail and wait for its end: submit.py TO SUBJECT TEXT [KEY].

The environment gives JOBS_URL and JOBS_KEY.
"""

import os
import random
import sys
import time
import uuid

import httpx

TRIES = 6
PATIENCE_S = 30


# --8<-- [start:submit]
def submit(client: httpx.Client, job: dict[str, str], key: str) -> str:
    """Send a job until it is accepted. Every try has the same key, so it is one job."""
    for attempt in range(TRIES):
        try:
            headers = {"Idempotency-Key": key}
            response = client.post("/v1/jobs", json=job, headers=headers)
            if response.status_code == 202:
                return str(response.json()["id"])
            if response.status_code < 500 and response.status_code != 429:
                raise SystemExit(response.json()["error"]["message"])
        except httpx.TransportError:
            pass  # It may have arrived, or not: that is what the key is for.
        time.sleep(random.uniform(0, 2**attempt))
    raise SystemExit(f"Not accepted. Try again later, with the key {key}.")


def wait(client: httpx.Client, job: str) -> dict[str, str]:
    """Ask for the state at the pace that the answer names, until it is done or dead."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        pause = 1.0
        try:
            response = client.get(f"/v1/jobs/{job}")
            pause = float(response.headers.get("Retry-After", pause))
            if response.status_code < 500 and response.status_code != 429:
                state: dict[str, str] = response.raise_for_status().json()
                if "Retry-After" not in response.headers or time.monotonic() > deadline:
                    return state
        except httpx.TransportError:
            pass  # The job goes on without us.
        if time.monotonic() > deadline:
            raise SystemExit(f"No answer. Ask later for the job {job}.")
        time.sleep(pause)


# --8<-- [end:submit]


if __name__ == "__main__":
    to, subject, text, *rest = sys.argv[1:]
    headers = {"Authorization": f"Bearer {os.environ['JOBS_KEY']}"}
    url = os.environ["JOBS_URL"]
    with httpx.Client(base_url=url, headers=headers, timeout=10) as http:
        mail = {"kind": "mail", "to": to, "subject": subject, "text": text}
        end = wait(http, submit(http, mail, rest[0] if rest else str(uuid.uuid4())))
        print(f"{end['state']}, attempts: {end['attempts']}, error: {end['error']}")
