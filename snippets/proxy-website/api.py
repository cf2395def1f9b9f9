"""Cloudflare's API, and nothing that only looks like it."""

import json
import os
from typing import Any

import httpx
from cloudflare import Cloudflare

from careful import NoAnswer, client, sendable, setting

API = "https://api.cloudflare.com/client/v4"


def caller() -> httpx.Client:
    """Return a client that carries no secret."""
    return client(os.environ.get("CLOUDFLARE_BASE_URL", API))


def cloudflare() -> Cloudflare:
    """Return the SDK's client. Left alone, it takes any page with status 200 for an answer."""
    token = setting("CLOUDFLARE_API_TOKEN")
    sendable({"Authorization": f"Bearer {token}"})
    http = caller()
    http.event_hooks["response"].append(_look)
    return Cloudflare(api_token=token, base_url=http.base_url, http_client=http)


def _look(response: httpx.Response) -> None:
    if response.is_success:  # of errors, the SDK makes exceptions
        result(response)


def result(response: httpx.Response) -> Any:
    """Return what a success holds; a firewall or a login page may answer instead.

    Raises:
        NoAnswer: it is no success, or no answer of the API.
    """
    try:
        answer = json.loads(response.read())
    except (ValueError, RecursionError):
        answer = None
    told = answer if isinstance(answer, dict) and response.is_success else {}
    if told.get("success") is True and "result" in told:
        return told["result"]
    raise NoAnswer(f"{response.status_code}: this is no answer of the API")
