"""A secret that can be guessed is refused in every example, at the first request, and the log says which."""

import json
import tomllib

import pytest

from runtime.postgres import bindings
from runtime.setups import EXAMPLES, Setup
from runtime.workers import SNIPPETS, Runtime
from tests.snippets.private_machine_api.support import signed

LEAST = {"INVITE_CODE": 12}  # typed by people; any other secret has 32 characters
# Cloudflare makes and checks these; the examples only pass them on.
NOT_OURS = {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "CLOUDFLARE_API_TOKEN"}
STRONG = "a-strong-key-0123456789-0123456789"
WEAK = "guessable-" * 4
# What asks the Worker, where that is not just any address.
ASKED = {
    "static-site-api": ("/contact", {}),
    "fullstack-d1": ("/api/session", {}),
    "r2-uploads": ("/v1/files", {}),
    "multi-tenant-platform": ("/", {"Host": "control.example.com"}),
    "private-machine-api": ("/v1/orders", {}),
}


def required(setup: Setup) -> dict[str, list[str]]:
    """Return the secrets of each Worker of an example, by its folder."""
    settings = {folder: tomllib.loads((SNIPPETS / folder / "wrangler.toml").read_text()) for folder in setup.folders}
    names = {folder: one.get("secrets", {}).get("required", []) for folder, one in settings.items()}
    return {folder: own for folder, all_ in names.items() if (own := sorted({*all_} - NOT_OURS))}


def weak(name: str) -> str:
    """One character too short; where a secret holds several keys, one of them is."""
    short = WEAK[: LEAST.get(name, 32) - 1]
    if name == "API_KEYS":
        return json.dumps({"shop": STRONG, "crm": short})
    if name == "HMAC_KEYS":
        return json.dumps({"shop-backend": [STRONG], "billing-job": [STRONG, short]})
    return f"{STRONG},{short}" if name in {"SESSION_KEYS", "SIGNING_KEYS", "TOKEN_KEYS"} else short


WITH_SECRETS = {slug: setup for slug, setup in EXAMPLES.items() if required(setup)}


@pytest.mark.parametrize("slug", WITH_SECRETS)
def test_with_a_secret_that_can_be_guessed_no_request_is_answered(runtime: Runtime, slug: str):
    setup = WITH_SECRETS[slug]
    names = required(setup)
    given = {folder: {name: weak(name) for name in own} for folder, own in names.items()}
    public, *called = setup.folders
    others = {
        folder.rpartition("/")[2]: {**setup.others.get(folder.rpartition("/")[2], {}), "secrets": given.get(folder, {})}
        for folder in called
    }
    with runtime.example(
        *setup.folders,
        secrets=given.get(public, {}),
        others=others,
        stand_ins=setup.stand_ins,
        variables=setup.variables,
        environment=bindings("postgres://nobody:nothing@127.0.0.1:1/none"),
    ) as example:
        path, headers = ASKED.get(slug, ("/", {}))
        if slug == "private-machine-api":
            headers = signed("GET", path)
        answer = example.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) in ((503, "not_configured"), (503, "unavailable"))
        said = "\n".join(example.logs())
        for name in (name for own in names.values() for name in own):
            assert name in said and name not in answer.text
        assert WEAK[:11] not in said and WEAK[:11] not in answer.text
