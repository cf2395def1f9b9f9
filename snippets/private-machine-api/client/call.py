"""Send one signed request: call.py METHOD PATH [BODY].

The environment gives API_URL, API_KEY_ID and API_KEY.
"""

import os
import sys

import httpx

from own_address import Refused
from sign import client

method, path, *body = sys.argv[1:]
names = ("API_URL", "API_KEY_ID", "API_KEY")
url, key_id, key = (os.environ.get(n) or sys.exit(f"set {n}") for n in names)
try:
    with client(url, key_id, key) as api:
        response = api.request(method, path, content="".join(body))
except (ValueError, Refused, httpx.InvalidURL, httpx.TransportError) as error:
    raise SystemExit(str(error)) from error
print(response.status_code, response.text)
