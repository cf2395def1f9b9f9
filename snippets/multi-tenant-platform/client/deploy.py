"""Upload a tenant's module. The environment gives TOKEN."""

import argparse
import sys
from pathlib import Path
from urllib.parse import quote

import httpx

from careful import client, setting


def utf8(given: str) -> str:
    given.encode()  # an argument in another encoding
    return given


def module(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise SystemExit(str(error)) from error
    except UnicodeDecodeError as error:
        raise SystemExit(f"{file} is no text in UTF-8") from error


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("url")
parser.add_argument("tenant", type=utf8)
parser.add_argument("file")
parser.add_argument(
    "host", nargs="?", help="on your machine, where all names are one address"
)
asked = parser.parse_args()
version = {"main": "index.js", "modules": {"index.js": module(asked.file)}}
headers = {"Authorization": f"Bearer {setting('TOKEN')}"}
if asked.host:
    headers["Host"] = asked.host
with client(asked.url, headers, timeout_s=30) as http:
    path = f"/v1/tenants/{quote(asked.tenant, safe='')}/versions"
    try:
        response = http.post(path, json=version)
    except httpx.TransportError as error:
        raise SystemExit(f"no answer: {error}") from error
print(response.status_code, response.text)
# Anything else, also a redirect or a page of somebody else, is no deployment.
sys.exit(response.status_code != 201)
