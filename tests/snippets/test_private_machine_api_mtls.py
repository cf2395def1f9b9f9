"""Client certificates: a table of what the edge may say about one, and real handshakes through a TLS front."""

import re
import shutil
import ssl
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from runtime import toolchain
from runtime.workers import Example, Runtime
from tests.snippets.private_machine_api.support import (
    ANONYMOUS,
    BILLING_KEY,
    FOLDER,
    FORBIDDEN,
    WORKERS,
    client_module,
    gateway,
    refusal,
    send,
    signed,
)
from tests.snippets.private_machine_api.tls import NO_CERTIFICATE, Authority, Certificate, described, front

ISSUER = "ab" * 20
FINGERPRINT = "2" * 64
ORDER = "/v1/orders/unknown"
GOOD = {
    "certPresented": "1",
    "certVerified": "SUCCESS",
    "certRevoked": "0",
    "certIssuerSKI": ISSUER,
    "certFingerprintSHA256": FINGERPRINT,
    "certSubjectDN": "CN=warehouse-agent",
}
ROUTES = tomllib.loads((FOLDER / "gateway" / "wrangler.toml").read_text(encoding="utf-8"))["routes"]
mtls = client_module("mtls")


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with gateway(runtime, MTLS_ISSUER_SKI=ISSUER) as example:
        yield example


def get(api: Example, tls: dict[str, str], path: str = ORDER, **headers: str) -> httpx.Response:
    return send(api, "GET", path, {**described(tls), **headers})


# What the edge may say about a certificate


def rule_of_the_page() -> Callable[[dict[str, str], str], bool]:
    """Read the rule that readers are told to deploy; return whether it blocks a certificate on a hostname.

    Fields and strings compare as Cloudflare's rules do: byte for byte.
    """
    page = (toolchain.ROOT / "docs" / "patterns" / "private-machine-api.md").read_text(encoding="utf-8")
    [rule] = re.findall(r"http\.host eq [^`]*cert_issuer_ski[^`]*", page)
    python = rule.replace("…", ISSUER).replace(" eq ", " == ").replace(" ne ", " != ")
    for field in set(re.findall(r"\b(?:http|cf)\.[a-z_.]+", python)):
        python = python.replace(field, f"fields[{field!r}]")

    def blocks(tls: dict[str, str], host: str) -> bool:
        fields = {
            "http.host": host,
            "cf.tls_client_auth.cert_verified": tls["certVerified"] == "SUCCESS",
            "cf.tls_client_auth.cert_revoked": tls["certRevoked"] == "1",
            "cf.tls_client_auth.cert_issuer_ski": tls["certIssuerSKI"],
        }
        return eval(python, {"__builtins__": {}, "fields": fields, "lower": str.lower})

    return blocks


@pytest.mark.parametrize(
    ("change", "let_in"),
    [
        ({}, True),
        ({"certIssuerSKI": ISSUER.upper()}, True),
        ({"certIssuerSKI": "cd" * 20}, False),
        ({"certIssuerSKI": ""}, False),
        ({"certRevoked": "1"}, False),
        ({"certVerified": "FAILED:certificate has expired"}, False),
        (NO_CERTIFICATE, False),
    ],
    ids=str,
)
def test_the_rule_of_the_page_and_the_gateway_agree_on_every_certificate(api, change, let_in):
    """The vendor writes the issuer's key in upper case, and a rule compares byte for byte."""
    host = next(name for route in ROUTES if "mtls" in (name := route["pattern"]))
    assert rule_of_the_page()(GOOD | change, host) is not let_in
    assert refusal(get(api, GOOD | change)) == ((404, "not_found") if let_in else ANONYMOUS)


@pytest.mark.parametrize("written", [str.upper, lambda hex: ":".join(re.findall("..", hex.upper()))])
def test_a_known_certificate_passes_however_its_hex_is_written(api, written):
    hexes = {name: written(GOOD[name]) for name in ("certIssuerSKI", "certFingerprintSHA256")}
    assert refusal(get(api, GOOD | hexes)) == (404, "not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"certPresented": "0"},
        {"certPresented": ""},
        {"certVerified": "FAILED:certificate has expired"},
        {"certVerified": "FAILED:certificate not yet valid"},
        {"certVerified": "FAILED:self signed certificate"},
        {"certVerified": "FAILED:certificate revoked", "certRevoked": "1"},
        {"certVerified": "NONE"},
        {"certVerified": ""},
        {"certVerified": "success"},
        {"certVerified": None, "certVerify": "SUCCESS"},
        {"certRevoked": "1"},
        {"certRevoked": ""},
        {"certRevoked": None},
        {"certIssuerSKI": "cd" * 20},
        {"certIssuerSKI": ""},
        {"certIssuerSKI": None},
        {"certIssuerSKI": ISSUER[:-2]},
        {"certFingerprintSHA256": "3" * 64},
        {"certFingerprintSHA256": ""},
        {"certFingerprintSHA256": None},
        {"certFingerprintSHA256": FINGERPRINT[:-1]},
    ],
    ids=str,
)
def test_a_certificate_of_which_anything_is_wrong_is_refused(api, change):
    tls = {name: value for name, value in (GOOD | change).items() if value is not None}
    assert refusal(get(api, tls)) == ANONYMOUS


@pytest.mark.parametrize("tls", [NO_CERTIFICATE, {}], ids=["none", "nothing known"])
def test_a_request_without_a_certificate_is_anonymous(api, tls):
    assert refusal(get(api, tls)) == ANONYMOUS


@pytest.mark.parametrize(
    "header",
    ["Client-Cert", "Cf-Client-Cert-Sha256", "X-Client-Cert", "Cf-Client-Cert-Der-Base64", "X-SSL-Client-Verify"],
)
def test_a_certificate_in_a_header_is_no_proof(api, header):
    for value in (FINGERPRINT, "SUCCESS", ":MIIB:"):
        assert refusal(get(api, NO_CERTIFICATE, **{header: value})) == ANONYMOUS


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/reports/summary", "/v1/orders/a/b", "/"])
def test_the_right_certificate_on_the_wrong_path_is_forbidden(api, path):
    assert refusal(get(api, GOOD, path)) == FORBIDDEN


def test_the_right_certificate_with_the_wrong_method_is_forbidden(api):
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        response = send(api, method, ORDER, described(GOOD))
        assert response.status_code == 403


def test_a_bad_certificate_does_not_spoil_a_good_signature(api):
    headers = signed("GET", "/v1/orders", key_id="billing-job", key=BILLING_KEY)
    assert get(api, GOOD | {"certVerified": "NONE"}, "/v1/orders", **headers).status_code == 200


def test_a_broken_signature_beside_a_good_certificate_is_refused(api):
    assert refusal(get(api, GOOD, **signed("GET", ORDER, key="x" * 40))) == ANONYMOUS


def test_an_api_without_a_pinned_issuer_refuses_every_certificate(runtime):
    with gateway(runtime, migrated=False, MTLS_ISSUER_SKI="") as api:
        assert refusal(get(api, GOOD)) == ANONYMOUS
        assert refusal(get(api, GOOD | {"certIssuerSKI": ""})) == ANONYMOUS


# Real handshakes


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("clients", tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def warehouse(authority: Authority) -> Certificate:
    return authority.issue("warehouse-agent")


@pytest.fixture(scope="module")
def enrolled(
    runtime: Runtime, tmp_path_factory: pytest.TempPathFactory, authority: Authority, warehouse: Certificate
) -> Iterator[Example]:
    """The example as a reader deploys it: with a real fingerprint in the table of callers, and a real issuer."""
    copy = tmp_path_factory.mktemp("enrolled")
    shutil.copytree(FOLDER, copy / "example", ignore=shutil.ignore_patterns(".wrangler", ".dev.vars", "node_modules"))
    (copy / "node_modules").symlink_to(toolchain.NODE_MODULES)
    table = copy / "example" / "gateway" / "src" / "callers.ts"
    table.write_text(table.read_text().replace(FINGERPRINT, warehouse.fingerprint))
    with runtime.example(
        *(copy / "example" / w for w in WORKERS),
        variables={"MTLS_ISSUER_SKI": authority.ski},
        secrets={"HMAC_KEYS": "{}"},
    ) as started:
        started.migrate("DB", worker="internal-a")
        yield started


@pytest.fixture(scope="module")
def edge(
    enrolled: Example, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, set[int]]]:
    """Yield the front's address, the file of its own CA, and the serials that count as revoked."""
    servers, revoked = Authority("servers", tmp_path_factory.mktemp("servers")), set()
    with front(enrolled.url, servers.issue("127.0.0.1"), authority, revoked) as url:
        yield url, servers.root.certificate_file, revoked


def test_a_client_with_its_certificate_is_let_in(edge, warehouse):
    url, ca, _ = edge
    with mtls.client(url, warehouse.certificate_file, warehouse.key_file, ca) as client:
        assert refusal(client.get(ORDER)) == (404, "not_found")
        assert refusal(client.get("/v1/orders")) == FORBIDDEN


def test_a_client_without_a_certificate_is_refused_by_the_gateway(edge):
    url, ca, _ = edge
    with httpx.Client(verify=ssl.create_default_context(cafile=ca)) as client:
        assert refusal(client.get(url + ORDER)) == ANONYMOUS
        assert refusal(client.get(url + ORDER, headers=described(GOOD))) == ANONYMOUS


def test_a_certificate_of_another_authority_fails_the_handshake(edge, tmp_path):
    url, ca, _ = edge
    rogue = Authority("rogue", tmp_path).issue("warehouse-agent")
    with mtls.client(url, rogue.certificate_file, rogue.key_file, ca) as client, pytest.raises(httpx.TransportError):
        client.get(ORDER)


def test_a_second_certificate_of_the_right_authority_is_not_enough(edge, authority):
    url, ca, _ = edge
    other = authority.issue("another-agent")
    with mtls.client(url, other.certificate_file, other.key_file, ca) as client:
        assert refusal(client.get(ORDER)) == ANONYMOUS


def test_a_revoked_certificate_is_refused(edge, warehouse):
    url, ca, revoked = edge
    revoked.add(warehouse.x509.serial_number)
    try:
        with mtls.client(url, warehouse.certificate_file, warehouse.key_file, ca) as client:
            assert refusal(client.get(ORDER)) == ANONYMOUS
    finally:
        revoked.clear()


def test_the_client_refuses_a_server_that_it_does_not_know(edge, warehouse):
    url, _, _ = edge
    with (
        mtls.client(url, warehouse.certificate_file, warehouse.key_file) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get(ORDER)


def test_a_certificate_with_another_key_is_refused_when_the_client_is_made(authority, warehouse):
    other = authority.issue("mixed-up")
    with pytest.raises(ssl.SSLError):
        mtls.client("https://127.0.0.1", warehouse.certificate_file, other.key_file)
