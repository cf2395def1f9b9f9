"""Upload a tenant's module: ``TOKEN=… python deploy.py URL TENANT FILE [HOST]``."""

import os
import sys
from pathlib import Path

import httpx

from address import encrypted

url, tenant, file, *host = sys.argv[1:]
response = httpx.post(
    f"{encrypted(url)}/v1/tenants/{tenant}/versions",
    json={
        "main": "index.js",
        "modules": {"index.js": Path(file).read_text(encoding="utf-8")},
    },
    # On your machine every hostname is the same address, so the name is sent by hand.
    headers={
        "Authorization": f"Bearer {os.environ['TOKEN']}",
        **({"Host": host[0]} if host else {}),
    },
    timeout=30,
)
print(response.status_code, response.text)
# Anything else, also a redirect or a page of somebody else, is no deployment.
sys.exit(response.status_code != 201)
