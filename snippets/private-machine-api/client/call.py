"""Send one signed request: call.py METHOD PATH [BODY].

The environment gives API_URL, API_KEY_ID and API_KEY.
"""

import os
import sys

import httpx

from sign import HmacAuth

method, path, *body = sys.argv[1:]
auth = HmacAuth(os.environ["API_KEY_ID"], os.environ["API_KEY"])
response = httpx.request(
    method, os.environ["API_URL"] + path, content="".join(body), auth=auth, timeout=10
)
print(response.status_code, response.text)
