"""The shop over a real PostgreSQL, as customers, the shop's backend and an attacker meet it."""

import json
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from runtime.workers import Example, Runtime
from tests.snippets.hyperdrive_database.support import (
    SHOP,
    TOKEN,
    changed,
    connections,
    count,
    events,
    order,
    place,
    refusal,
    reset,
    started,
    stock,
)
from tests.support.patience import until

NAMES = ["BELL-01", "LAMP-01", "LAMP-02", "LOCK-01", "PUMP-01"]
BODY_LIMIT_BYTES = 8192


@pytest.fixture(scope="module")
def api(runtime: Runtime, postgres: Any) -> Iterator[Example]:
    with started(runtime, postgres.url()) as example:
        yield example


@pytest.fixture(scope="module")
def away(runtime: Runtime) -> Iterator[Example]:
    """The same Worker, and no database at its address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with started(runtime, f"postgres://shop_api:none@127.0.0.1:{closed.getsockname()[1]}/shop") as example:
            yield example


@pytest.fixture
def shop(postgres: Any) -> Any:
    """The database, with no orders and ten of everything."""
    reset(postgres)
    return postgres


def post(api: Example, content: bytes | str, **headers: str) -> httpx.Response:
    known = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex, **SHOP}
    return api.http.post("/v1/orders", content=content, headers={**known, **headers})


# What customers read


def test_the_catalog_comes_in_pages_that_join_without_a_gap(api):
    found, after = [], ""
    while after is not None:
        page = api.http.get("/v1/products", params={"limit": 2, "after": after}).json()
        found += [product["sku"] for product in page["products"]]
        after = page["next"]
    assert found == NAMES


def test_a_product_that_is_added_between_two_pages_moves_no_other(api, shop):
    first = api.http.get("/v1/products", params={"limit": 2}).json()
    add = """
        INSERT INTO products (sku, name, price_cents) VALUES ('AXLE-01', 'Axle', 1);
        INSERT INTO stock SELECT id, 1 FROM products WHERE sku = 'AXLE-01'"""
    undo = "DELETE FROM stock USING products WHERE id = product_id AND sku = 'AXLE-01'; DELETE FROM products WHERE sku = 'AXLE-01'"
    with changed(shop, add, undo):
        second = api.http.get("/v1/products", params={"limit": 2, "after": first["next"]}).json()
    assert [p["sku"] for p in second["products"]] == NAMES[2:4]


def test_a_product_has_a_price_and_what_is_left(api, shop):
    page = api.http.get("/v1/products", params={"q": "BELL"}).json()
    assert page == {
        "products": [{"sku": "BELL-01", "name": "Brass bell", "priceCents": 1900, "onHand": 10}],
        "next": None,
    }


def test_head_answers_like_get_without_a_body(api):
    get, head = api.http.get("/v1/products"), api.http.head("/v1/products")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"] == "application/json"
    assert head.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e1",
        "limit=",
        "limit=2&limit=3",
        "after=lamp",
        "after=A'--",
        "page=2",
        "q=" + "x" * 51,
        "q=a%00b",
        "q=a%E2%80%A9b",
        "q=a&q=b",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(api, query):
    assert refusal(api.http.get(f"/v1/products?{query}")) == (400, "invalid_query")


@pytest.mark.parametrize(
    "path", ["/", "/v1/products/", "/v1/orders/", "/v1/orders/1", "/v1/orders/" + "Z" * 36, "/v2/products"]
)
def test_other_addresses_hold_nothing(api, path):
    assert refusal(api.http.get(path, headers=SHOP)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/products", "GET, HEAD"),
        ("GET", "/v1/orders", "POST"),
        ("DELETE", "/v1/orders/00000000-0000-4000-8000-000000000000", "GET, HEAD"),
    ],
)
def test_other_methods_are_refused_with_those_that_work(api, method, path, allowed):
    response = api.http.request(method, path, headers=SHOP)
    assert refusal(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == allowed


# What the shop's backend writes


def test_an_order_is_answered_with_what_stands_in_the_database_and_takes_the_stock(api, shop):
    placed = place(api, ("LAMP-01", 2), ("BELL-01", 1))
    assert placed.status_code == 201
    body = placed.json()
    assert body["totalCents"] == 2 * 3500 + 1900
    assert sorted(i["sku"] for i in body["items"]) == ["BELL-01", "LAMP-01"]
    assert api.http.get(placed.headers["location"], headers=SHOP).json() == body
    assert (stock(shop, "LAMP-01"), stock(shop, "BELL-01"), stock(shop, "LOCK-01")) == (8, 9, 10)


def test_an_order_is_read_back_at_once_every_time(api, shop):
    for _ in range(10):
        placed = place(api, ("PUMP-01", 1))
        assert api.http.get(placed.headers["location"], headers=SHOP).json() == placed.json()


def test_a_name_in_any_script_and_with_quotes_comes_back_as_it_was_sent(api, shop):
    name = 'Zoë O\'Hara; 東京 \\ "x" %_ $1'
    assert place(api, ("BELL-01", 1), customer=name).json()["customer"] == name


def test_more_than_is_left_is_refused_and_changes_nothing(api, shop):
    response = place(api, ("BELL-01", 1), ("LAMP-01", 11))
    assert refusal(response) == (409, "out_of_stock")
    assert "10 are left" in response.text
    assert (stock(shop, "BELL-01"), stock(shop, "LAMP-01")) == (10, 10)
    assert (count(shop, "orders"), count(shop, "order_requests")) == (0, 0)


def test_an_unknown_product_is_refused_and_changes_nothing(api, shop):
    assert refusal(place(api, ("BELL-01", 1), ("NOPE-01", 1))) == (422, "unknown_product")
    assert (stock(shop, "BELL-01"), count(shop, "orders")) == (10, 0)


def test_thirty_orders_at_once_sell_what_is_there_and_no_more(api, shop):
    def one(number: int) -> httpx.Response:
        both = [("LAMP-01", 1), ("BELL-01", 1)]
        return place(api, *(both if number % 2 else both[::-1]))

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(one, range(30)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (10, 20)
    assert (stock(shop, "LAMP-01"), stock(shop, "BELL-01"), count(shop, "orders")) == (0, 0, 10)
    assert not events(api, "transaction_repeated"), "the same order of locks leaves nothing to deadlock"


def test_an_order_that_is_sent_twice_is_stored_once(api, shop):
    first, second = (place(api, ("LAMP-01", 2), key="sent-twice-000001") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert (stock(shop, "LAMP-01"), count(shop, "orders")) == (8, 1)


def test_an_order_that_is_sent_ten_times_at_the_same_moment_is_stored_once(api, shop):
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: place(api, ("LAMP-01", 1), key="at-the-same-moment"), range(10)))
    assert sorted(a.status_code for a in answers) == [200] * 9 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert (stock(shop, "LAMP-01"), count(shop, "orders")) == (9, 1)


def test_a_key_that_was_used_for_another_order_is_refused(api, shop):
    place(api, ("LAMP-01", 1), key="one-key-two-orders")
    assert refusal(place(api, ("LAMP-01", 2), key="one-key-two-orders")) == (409, "key_reused")
    assert stock(shop, "LAMP-01") == 9


def test_a_refused_order_does_not_use_up_its_key(api, shop):
    assert place(api, ("LAMP-01", 11), key="refused-at-first").status_code == 409
    assert place(api, ("LAMP-01", 10), key="refused-at-first").status_code == 201


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space 000000", "quote'000000000000"])
def test_an_order_without_a_proper_key_is_refused(api, key):
    headers = SHOP if key == "" else {**SHOP, "Idempotency-Key": key}
    response = api.http.post("/v1/orders", json=order(("BELL-01", 1)), headers=headers)
    assert refusal(response) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {},
        {"customer": "Ada"},
        {"customer": "Ada", "items": []},
        {"customer": "Ada", "items": {}},
        {"customer": "Ada", "items": ["BELL-01"]},
        {"customer": "", "items": [{"sku": "BELL-01", "quantity": 1}]},
        {"customer": "a\u0000b", "items": [{"sku": "BELL-01", "quantity": 1}]},
        {"customer": "a\u2028b", "items": [{"sku": "BELL-01", "quantity": 1}]},
        # Half a character would come back from the database as another one.
        {"customer": "Ada \ud83d", "items": [{"sku": "BELL-01", "quantity": 1}]},
        {"customer": "x" * 101, "items": [{"sku": "BELL-01", "quantity": 1}]},
        {"customer": 7, "items": [{"sku": "BELL-01", "quantity": 1}]},
        {**order(("BELL-01", 1)), "totalCents": 1},
        order(("BELL-01", 0)),
        order(("BELL-01", -1)),
        order(("BELL-01", 101)),
        order(("bell", 1)),
        order(("BELL-01", 1), ("BELL-01", 1)),
        order(*((f"X-{n}", 1) for n in range(21))),
        {"customer": "Ada", "items": [{"sku": "BELL-01", "quantity": 1.5}]},
        {"customer": "Ada", "items": [{"sku": "BELL-01", "quantity": "1"}]},
        {"customer": "Ada", "items": [{"sku": "BELL-01", "quantity": 1, "priceCents": 1}]},
    ],
    ids=repr,
)
def test_a_wrong_order_is_refused_without_asking_the_database(away, body):
    assert refusal(post(away, json.dumps(body))) == (400, "invalid_order")


def test_a_proper_order_would_have_asked_it(away):
    assert refusal(post(away, json.dumps(order(("BELL-01", 1))))) == (503, "database_unavailable")


def test_a_body_that_is_no_json_or_no_utf_8_or_of_another_type_or_too_large_is_refused(api):
    assert refusal(post(api, "{")) == (400, "invalid_json")
    assert refusal(post(api, b'{"customer": "\xff"}')) == (400, "invalid_json")
    for kind in ("text/plain", b"\xc2\xa0application/json"):
        assert refusal(post(api, "{}", **{"Content-Type": kind})) == (415, "unsupported_media_type")
    assert refusal(post(api, " " * (BODY_LIMIT_BYTES + 1))) == (413, "body_too_large")
    assert refusal(post(api, " " * BODY_LIMIT_BYTES)) == (400, "invalid_json")
    chunked = (b" " * 1000 for _ in range(9))
    assert refusal(post(api, chunked)) == (413, "body_too_large")


# Who may


@pytest.mark.parametrize(
    "proof",
    [
        "",
        "Bearer",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN} {TOKEN}",
    ],
)
def test_without_the_token_nobody_sees_or_places_an_order(api, shop, proof):
    known = place(api, ("BELL-01", 1)).headers["location"]
    headers = {"Idempotency-Key": uuid.uuid4().hex, **({"Authorization": proof} if proof else {})}
    for response in (
        api.http.get(known, headers=headers),
        api.http.post("/v1/orders", json=order(("BELL-01", 1)), headers=headers),
    ):
        assert refusal(response) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == 'Bearer realm="orders"'
    assert count(shop, "orders") == 1


def test_the_token_and_the_connection_string_stand_in_no_log(api, shop):
    place(api, ("BELL-01", 1))
    text = "\n".join(api.logs())
    assert "order_placed" in text
    assert TOKEN not in text and "local-only" not in text


# Injection

ATTACKS = [
    "' OR 1=1 --",
    "'; DROP TABLE orders; --",
    "\\'; SELECT pg_sleep(9); --",
    "$1",
    "%",
    "_",
    "') UNION SELECT 1, 'a', 1, 1 --",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_in_a_search_finds_what_has_that_text_in_its_name_which_is_nothing(api, shop, attack):
    response = api.http.get("/v1/products", params={"q": attack})
    assert (response.status_code, response.json()) == (200, {"products": [], "next": None})
    assert count(shop, "products") == len(NAMES)


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_in_a_customers_name_is_stored_as_a_name(api, shop, attack):
    assert place(api, ("BELL-01", 1), customer=attack).status_code == 201
    assert shop.run("-c", "SELECT customer FROM orders") == attack
    assert stock(shop, "BELL-01") == 9


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM orders",
        "UPDATE products SET price_cents = 1",
        "TRUNCATE stock",
        "DROP TABLE orders",
        "CREATE TABLE x ()",
        "DELETE FROM order_requests",
    ],
)
def test_even_a_statement_that_got_through_could_not_do_this(shop, statement):
    with pytest.raises(RuntimeError, match=r"permission denied|must be owner"):
        shop.run("-c", f"SET ROLE shop_api; {statement}")


# What is left behind


def test_no_connection_outlives_its_request(api, shop):
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: api.http.get("/v1/products"), range(20)))
    until(lambda: connections(shop) == 0)


def test_the_answer_and_the_log_name_the_same_request(api):
    headers = {**SHOP, "CF-Ray": "8f00aa00bb00cc00-OSL", "Idempotency-Key": uuid.uuid4().hex}
    response = api.http.post("/v1/orders", json=order(("BELL-01", 1)), headers=headers)
    assert response.headers["x-request-id"] == "8f00aa00bb00cc00-OSL"
    assert events(api, "order_placed")[-1] == {
        "event": "order_placed",
        "requestId": "8f00aa00bb00cc00-OSL",
        "id": response.json()["id"],
        "repeated": False,
    }
