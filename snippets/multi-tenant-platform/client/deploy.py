"""Upload a tenant's module: ``TOKEN=… python deploy.py URL TENANT FILE [HOST]``."""

import sys
from pathlib import Path
from urllib.parse import quote

import httpx

from careful import client, setting

url, tenant, file, *host = sys.argv[1:]
version = {
    "main": "index.js",
    "modules": {"index.js": Path(file).read_text(encoding="utf-8")},
}
headers = {
    "Authorization": f"Bearer {setting('TOKEN')}",
    # On your machine every hostname is the same address, so the name is sent by hand.
    **({"Host": host[0]} if host else {}),
}
with client(url, headers, timeout_s=30) as http:
    path = f"/v1/tenants/{quote(tenant, safe='')}/versions"
    try:
        response = http.post(path, json=version)
    except httpx.TransportError as error:
        raise SystemExit(f"no answer: {error}") from error
print(response.status_code, response.text)
# Anything else, also a redirect or a page of somebody else, is no deployment.
sys.exit(response.status_code != 201)
