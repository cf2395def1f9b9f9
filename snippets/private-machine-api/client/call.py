"""Send one signed request: call.py METHOD PATH [BODY].

The environment gives API_URL, API_KEY_ID and API_KEY.
"""

import os
import sys

import httpx

from own_address import Refused
from sign import client

method, path, *body = sys.argv[1:]
try:
    with client(
        os.environ["API_URL"], os.environ["API_KEY_ID"], os.environ["API_KEY"]
    ) as api:
        response = api.request(method, path, content="".join(body))
except (ValueError, Refused, httpx.InvalidURL, httpx.TransportError) as error:
    raise SystemExit(str(error)) from error
print(response.status_code, response.text)
