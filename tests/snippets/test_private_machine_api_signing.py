"""Both sides of a signature agree: fixed vectors, generated requests, and one form of the URL."""

import hashlib
import hmac
import json
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from runtime import toolchain
from runtime.workers import Example, Runtime
from tests.snippets.private_machine_api.support import (
    ANONYMOUS,
    FOLDER,
    FORBIDDEN,
    NOT_CANONICAL,
    call,
    gateway,
    host,
    raw,
    refusal,
    send,
    sign,
    signed,
)

ORDERS = "/v1/orders"
FILE = json.loads((FOLDER / "vectors.json").read_text())
VECTORS = FILE["vectors"]
by_vector = pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
TYPESCRIPT = """
import { readFileSync } from "node:fs";
const { hashOf, isCanonical, messageToSign } = await import(process.argv[1]);
const text = (bytes) => new TextDecoder().decode(bytes);
const parsed = (target) => { const { pathname, search } = new URL(`https://api.example.com${target}`); return pathname + search; };
const answers = [];
for (const { method, target, timestamp, nonce, body } of JSON.parse(readFileSync(0))) {
  const hash = await hashOf(new TextEncoder().encode(body));
  answers.push([isCanonical(target), parsed(target), text(messageToSign(method, target, timestamp, nonce, hash))]);
}
process.stdout.write(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with gateway(runtime) as example:
        yield example


def typescript(requests: list[dict[str, str]]) -> list[tuple[bool, str, str]]:
    """Run the Worker's own message.ts in Node.

    Returns:
        For each request: whether its target is in the one form, what a URL parser makes of it, the message to sign.
    """
    done = subprocess.run(
        [
            toolchain.node(),
            "--no-warnings",
            "--input-type=module",
            "-e",
            TYPESCRIPT,
            FOLDER / "gateway/src/proofs/message.ts",
        ],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=True,
        env=toolchain.node_env(),
    )
    return [tuple(answer) for answer in json.loads(done.stdout)]


# Vectors


@by_vector
def test_a_vector_follows_from_the_rules_without_our_code(vector):
    body_hash = hashlib.sha256(vector["body"].encode()).hexdigest()
    lines = ["v2", vector["method"], vector["canonical"], str(FILE["timestamp"]), vector["nonce"], body_hash]
    assert vector["message"] == "\n".join(lines)
    digest = hmac.digest(FILE["key"].encode(), vector["message"].encode(), "sha256")
    assert vector["signature"] == f"v2={digest.hex()}"


@by_vector
def test_the_python_signer_makes_the_vector(vector):
    target = sign.canonical_target(vector["target"])
    assert target == vector["canonical"]
    body_hash = hashlib.sha256(vector["body"].encode()).hexdigest()
    given = (vector["method"], target, FILE["timestamp"], vector["nonce"], body_hash)
    assert sign.message(*given).decode() == vector["message"]
    assert sign.sign(FILE["key"], *given) == vector["signature"]


def test_the_worker_builds_the_same_messages():
    requests = [{**v, "target": v["canonical"], "timestamp": str(FILE["timestamp"])} for v in VECTORS]
    assert typescript(requests) == [(True, v["canonical"], v["message"]) for v in VECTORS]


@by_vector
def test_the_running_gateway_accepts_the_vector_signed_now(api, vector):
    response = call(api, vector["method"], vector["canonical"], vector["body"].encode())
    assert response.status_code in (200, 201, 403, 404) or refusal(response) == (400, "invalid")


# One form of the URL


@pytest.mark.parametrize(
    "target",
    [
        "/v1/orders/a|b",
        "/v1/orders/[a]",
        "/v1/orders/%c3%a9",
        "/v1/orders/%zz",
        "/v1/orders/%",
        "/v1/orders/%41",
        "/v1//orders",
        "//v1/orders",
        "/v1/orders//",
        "/v1\\\\orders",
        "/v1/orders?a=b|c",
        "/v1/orders?a=%2f",
        "/v1/orders?a=%7E",
        "/v1/orders?a=[1]",
        "/v1/orders?a=b\\c",
        "/v1/orders?a={b}",
        "/v1/orders?a=%",
        "/v1/orders?a=b^c",
    ],
)
def test_a_target_outside_the_one_form_is_refused_with_400(api, target):
    answer = raw(api, f"GET {target} HTTP/1.1".encode(), [host(api), *signed("GET", target).items()])
    assert refusal(answer) == NOT_CANONICAL


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/v1/x/../orders", ORDERS),
        ("/v1/x/%2e%2E/orders", ORDERS),
        ("/v1/./orders", ORDERS),
        ("/v1\\orders", ORDERS),
        ("/../v1/orders", ORDERS),
        ("/v1/orders?", ORDERS),
        ("/v1/orders?a='", f"{ORDERS}?a=%27"),
        ("/v1/orders?é", f"{ORDERS}?%C3%A9"),
    ],
)
def test_what_the_runtime_rewrites_passes_only_when_the_rewritten_form_was_signed(api, sent, seen):
    line = f"GET {sent} HTTP/1.1".encode()
    assert refusal(raw(api, line, [host(api), *signed("GET", sent).items()])) == ANONYMOUS
    assert raw(api, line, [host(api), *signed("GET", seen).items()]).status == 200
    assert sign.canonical_target(sent) == seen


@pytest.mark.parametrize(
    ("target", "canonical"),
    [
        ("/", "/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/..", "/"),
        ("/a/../../b", "/b"),
        ("/%2e%2e/a", "/a"),
        ("/.a/..b", "/.a/..b"),
        ("/a%2fb", "/a%2Fb"),
        ("/%252e%252e/a", "/%252e%252e/a"),
        ("/%4%31", "/%2541"),
        ("/a?b?c", "/a?b?c"),
        ("/a?../b\\'", "/a?../b%5C%27"),
        ("/a#b", "/a%23b"),
        ("/\t\n", "/%09%0A"),
        ("/a?\x00", "/a?%00"),
        ("/é?é", "/%C3%A9?%C3%A9"),
        ("/it's", "/it's"),
    ],
)
def test_the_client_writes_a_target_in_the_one_form(target, canonical):
    assert sign.canonical_target(target) == canonical


@pytest.mark.parametrize(
    "target", ["", "a", "?a", "//", "//host/path", "/a//b", "/a/\\b", "/a//", "https://example.com/a", "*"]
)
def test_the_client_refuses_a_target_that_the_edge_would_change(target):
    with pytest.raises(ValueError, match=r"cannot|can be signed"):
        sign.canonical_target(target)


# Generated requests

tricky = st.sampled_from(
    [*"/.%\\'?&=+#|^[]{}<>\"`~ \t", "%2e", "%2F", "%41", "%c3%a9", "%zz", "..", "é", "日", "🙂", "\x7f"]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.lists(tricky, max_size=8).map("".join)
targets = st.builds(lambda path, query: f"/x/{path}" + (f"?{query}" if query else ""), texts, texts)
methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
bodies = st.binary(max_size=64)


def canonical(target: str) -> str:
    try:
        return sign.canonical_target(target)
    except ValueError:
        assume(False)


@given(targets)
@example("/x/%4%31")
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_one_form_of_the_one_form_is_itself(target):
    once = canonical(target)
    assert sign.canonical_target(once) == once


@given(st.lists(targets, min_size=40, max_size=40))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_every_target_of_the_client_is_in_the_form_that_worker_and_url_parser_leave_alone(many):
    made = []
    for target in many:
        try:
            made.append(sign.canonical_target(target))
        except ValueError:
            continue
    requests = [{"method": "GET", "target": t, "timestamp": "1795000000", "nonce": "n" * 16, "body": ""} for t in made]
    assert [(passes, parsed) for passes, parsed, _ in typescript(requests)] == [(True, target) for target in made]


@given(methods, targets, bodies)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_whatever_the_client_signs_the_worker_verifies(api, method, target, body):
    target = canonical(target)
    assume(not target.startswith(ORDERS))
    # 403 and not 401 or 400: the caller is known, so the signature was right, but nobody may use this path.
    assert refusal(call(api, method, target, body)) == FORBIDDEN


@given(st.data(), methods, targets, bodies)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_whatever_is_changed_after_signing_the_worker_refuses(api, data, method, target, body):
    target = canonical(target)
    headers = signed(method, target, body)
    part = data.draw(
        st.sampled_from(["method", "target", "body", "X-Timestamp", "X-Nonce", "X-Content-SHA256", "X-Signature"])
    )
    if part == "method":
        method = data.draw(methods.filter(lambda m: m != method))
    elif part == "target":
        before, target = target, canonical(data.draw(targets))
        assume(target != before)
    elif part == "body":
        body = data.draw(bodies.filter(lambda b: b != body))
    elif part == "X-Timestamp":
        headers[part] = str(int(headers[part]) + data.draw(st.sampled_from([-200, -1, 1, 200])))
    else:
        at = data.draw(st.integers(3, len(headers[part]) - 1))
        other = data.draw(st.sampled_from("0123456789abcdef").filter(lambda c: c != headers[part][at]))
        headers[part] = headers[part][:at] + other + headers[part][at + 1 :]
    assert refusal(send(api, method, target, headers, body)) == ANONYMOUS
