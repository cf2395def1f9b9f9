"""What callers get while the database is away, slow, full, frozen or dying, and what it holds afterwards."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from runtime.postgres import limit
from runtime.postgres import shop as shop_server
from runtime.workers import Example, Runtime
from tests.snippets.hyperdrive_database.support import (
    SHOP,
    changed,
    connections,
    count,
    events,
    frozen,
    meanwhile,
    on_every_order,
    place,
    refusal,
    reset,
    session,
    started,
    stock,
    waiting,
)
from tests.support.patience import until

CRON = "*/5 * * * *"
# A page that is not the first has no copy in KV.
SECOND_PAGE = "/v1/products?after=LAMP-01"


@pytest.fixture(scope="module")
def api(runtime: Runtime, postgres: Any) -> Iterator[Example]:
    with started(runtime, postgres.url()) as example:
        yield example


@pytest.fixture(scope="module")
def impatient(runtime: Runtime, postgres: Any) -> Iterator[Example]:
    with started(runtime, postgres.url(), deadline_ms=4000) as example:
        yield example


@pytest.fixture
def shop(postgres: Any) -> Any:
    """The database, with no orders and ten of everything."""
    reset(postgres)
    return postgres


def untouched(postgres: Any) -> bool:
    """Whether no order left a trace."""
    return (stock(postgres, "LAMP-01"), count(postgres, "orders"), count(postgres, "order_requests")) == (10, 0, 0)


def only(response: httpx.Response, code: str, retry_after: str) -> bool:
    return refusal(response) == (503, code) and response.headers["retry-after"] == retry_after


# Away


def test_a_database_that_is_stopped_gives_503_and_works_again_when_it_is_started(api, shop):
    assert place(api, ("LAMP-01", 1)).status_code == 201
    shop.stop()
    try:
        assert only(place(api, ("LAMP-01", 1), key="tried-again-later"), "database_unavailable", "5")
        assert only(api.http.get(SECOND_PAGE), "database_unavailable", "5")
    finally:
        shop.start()
    assert place(api, ("LAMP-01", 1), key="tried-again-later").status_code == 201
    assert api.http.get(SECOND_PAGE).status_code == 200
    assert stock(shop, "LAMP-01") == 8


def test_the_first_page_is_served_from_its_copy_and_says_of_when(api, shop):
    assert api.scheduled(CRON)["outcome"] == "ok"
    place(api, ("LAMP-01", 3))
    live = api.http.get("/v1/products").json()
    assert "asOf" not in live
    shop.stop()
    try:
        copy = api.http.get("/v1/products").json()
        assert copy.pop("asOf").startswith("20")
        assert [p["onHand"] for p in copy["products"] if p["sku"] == "LAMP-01"] == [10], (
            "the copy is from before the order"
        )
        assert [p["sku"] for p in copy["products"]] == [p["sku"] for p in live["products"]]
        assert only(api.http.get("/v1/products", params={"q": "lamp"}), "database_unavailable", "5")
        assert api.scheduled(CRON)["outcome"] != "ok"
        api.call("COPY", "put", "catalog/first-page", "no json")
        assert only(api.http.get("/v1/products"), "database_unavailable", "5")
        api.call("COPY", "delete", "catalog/first-page")
        assert only(api.http.get("/v1/products"), "database_unavailable", "5")
    finally:
        shop.start()


@contextmanager
def limited(postgres: Any, statement: str = "2min", lock: str = "2min", idle: str = "2min") -> Iterator[None]:
    """Give the Worker's role short limits for a while."""
    limit(postgres, statement, lock, idle)
    try:
        yield
    finally:
        limit(postgres, *["2min"] * 3)


def test_the_packaged_postgresql_serves_a_machine_that_has_none_with_the_limits_of_the_example():
    with shop_server(packaged=True) as server:
        assert server.run("-c", "SHOW server_version").startswith("18.")
        assert stock(server, "LAMP-01") == 10
        limits = server.run("-c", "SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = 'shop_api'").splitlines()
    assert sorted(limits) == ["idle_in_transaction_session_timeout=3s", "lock_timeout=1500ms", "statement_timeout=2s"]


def test_a_wrong_password_is_our_fault_and_shows_nothing(api, shop):
    change = "ALTER ROLE shop_api PASSWORD '{}'"
    with changed(shop, change.format("rotated"), change.format("local-only")):
        response = api.http.get(SECOND_PAGE)
    assert refusal(response) == (500, "internal_error")
    assert "password" not in response.text and "shop_api" not in response.text
    assert "password authentication failed" in events(api, "failed")[-1]["error"]


@pytest.mark.parametrize(
    ("state", "code", "retry_after"),
    [
        ("25006", "database_unavailable", "5"),
        ("58000", "database_unavailable", "5"),
        ("08006", "database_unavailable", "5"),
        ("53100", "database_busy", "1"),
        ("57P03", "database_unavailable", "5"),
    ],
)
def test_what_a_failover_or_hyperdrive_would_say_becomes_503(api, shop, state, code, retry_after):
    with on_every_order(shop, f"RAISE EXCEPTION 'inner text' USING ERRCODE = '{state}';"):
        response = place(api, ("LAMP-01", 1))
    assert only(response, code, retry_after)
    assert "inner text" not in response.text
    logged = events(api, "database_failed")[-1]
    assert logged["sqlstate"] == state and "inner text" in logged["error"], "one SQLSTATE has several causes"
    assert untouched(shop)


# Slow


def test_a_slow_read_is_ended_by_the_database_and_gives_503(api, shop):
    slow = """
        ALTER TABLE stock RENAME TO stock_real; CREATE VIEW stock AS SELECT r.* FROM stock_real r, pg_sleep(600);
        GRANT SELECT ON stock TO shop_api"""
    assert api.scheduled(CRON)["outcome"] == "ok"
    with limited(shop, statement="2s"), changed(shop, slow, "DROP VIEW stock; ALTER TABLE stock_real RENAME TO stock"):
        assert "asOf" in api.http.get("/v1/products").json(), "the first page has a copy"
        assert only(api.http.get(SECOND_PAGE), "database_too_slow", "2")
    assert api.http.get(SECOND_PAGE).status_code == 200


def test_a_slow_write_is_ended_and_rolled_back_and_can_be_sent_again(api, shop):
    with limited(shop, statement="2s"), on_every_order(shop, "PERFORM pg_sleep(600);"):
        assert only(place(api, ("LAMP-01", 1), key="slow-at-first-try"), "database_too_slow", "2")
    assert untouched(shop)
    assert place(api, ("LAMP-01", 1), key="slow-at-first-try").status_code == 201


def test_a_row_that_somebody_else_keeps_locked_gives_503_and_not_a_long_wait(api, shop):
    with limited(shop, lock="1s"), session(shop, "BEGIN", "SELECT * FROM stock FOR UPDATE"):
        assert only(place(api, ("LAMP-01", 1)), "database_busy", "1")
        assert api.http.get(SECOND_PAGE).status_code == 200, "readers do not wait for writers"
    assert untouched(shop)


def test_a_frozen_database_is_given_up_by_the_worker_and_the_order_rolled_back(impatient, shop):
    with session(shop, "BEGIN", "SELECT * FROM stock FOR UPDATE") as other:
        with meanwhile(lambda: place(impatient, ("LAMP-01", 1))) as answer, frozen(waiting(shop)):
            assert only(answer.result(), "database_too_slow", "2")
        other.run("COMMIT")
    until(lambda: connections(shop) == 0)
    assert untouched(shop)


def test_a_server_that_accepts_and_never_answers_is_given_up(impatient, shop):
    with frozen(shop._process.pid):
        assert only(impatient.http.get(SECOND_PAGE), "database_unavailable", "5")
    assert impatient.http.get(SECOND_PAGE).status_code == 200


# Full


def test_when_the_connections_are_used_up_callers_get_503_and_the_rest_goes_on(api, shop):
    assert api.scheduled(CRON)["outcome"] == "ok"
    with changed(shop, "ALTER ROLE shop_api CONNECTION LIMIT 2", "ALTER ROLE shop_api CONNECTION LIMIT -1"):
        with ExitStack() as stack:
            stack.enter_context(session(shop, "BEGIN", "SELECT * FROM stock FOR UPDATE"))
            with (
                meanwhile(lambda: place(api, ("LAMP-01", 1))) as first,
                meanwhile(lambda: place(api, ("LAMP-01", 1))) as second,
            ):
                until(lambda: connections(shop) == 2)
                assert only(api.http.get(SECOND_PAGE), "database_busy", "1")
                assert "asOf" in api.http.get("/v1/products").json(), "the first page has a copy"
                stack.close()
                assert (first.result().status_code, second.result().status_code) == (201, 201)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: api.http.get(SECOND_PAGE), range(60)))
        assert {a.status_code for a in answers} <= {200, 503}
        assert 200 in {a.status_code for a in answers}
    assert events(api, "database_failed")[-1]["sqlstate"] == "53300"
    assert api.http.get(SECOND_PAGE).status_code == 200


# Conflicts


def test_a_transaction_that_the_database_wants_repeated_is_repeated(api, shop):
    before = len(events(api, "transaction_repeated"))
    with changed(shop, "CREATE SEQUENCE tries", "DROP SEQUENCE tries"):
        body = "IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF;"
        with on_every_order(shop, body):
            assert place(api, ("LAMP-01", 1)).status_code == 201
    assert [e["attempt"] for e in events(api, "transaction_repeated")[before:]] == [1, 2]
    assert (stock(shop, "LAMP-01"), count(shop, "orders")) == (9, 1)


@pytest.mark.parametrize(
    ("state", "tries", "status"), [("40001", 3, 503), ("40P01", 3, 503), ("23505", 1, 500), ("57014", 1, 503)]
)
def test_it_is_repeated_three_times_at_most_and_nothing_else_is(api, shop, state, tries, status):
    body = f"PERFORM nextval('tries'); RAISE EXCEPTION 'again' USING ERRCODE = '{state}';"
    with changed(shop, "CREATE SEQUENCE tries", "DROP SEQUENCE tries"), on_every_order(shop, body):
        assert refusal(place(api, ("LAMP-01", 1)))[0] == status
        assert shop.run("-c", "SELECT last_value FROM tries") == str(tries)
    assert untouched(shop)


def test_a_price_that_changes_during_an_order_leaves_its_total_the_sum_of_its_items(api, shop):
    price = "UPDATE products SET price_cents = {} WHERE sku = 'LAMP-01'"
    old = int(shop.run("-c", "SELECT price_cents FROM products WHERE sku = 'LAMP-01'"))
    with (
        changed(shop, "SELECT 1", price.format(old)),
        session(shop, "BEGIN", "SELECT * FROM stock FOR UPDATE") as other,
        meanwhile(lambda: place(api, ("LAMP-01", 2))) as answer,
    ):
        waiting(shop)
        shop.run("-c", price.format(old + 100))
        other.run("COMMIT")
        assert answer.result().json()["totalCents"] == 2 * old
    assert int(shop.run("-c", "SELECT sum(quantity * price_cents) FROM order_items")) == 2 * old


def test_a_real_deadlock_with_another_system_ends_and_the_order_is_stored(api, shop):
    take = "SELECT * FROM stock JOIN products ON id = product_id WHERE sku = '{}' FOR UPDATE OF stock"
    with (
        session(shop, "SET deadlock_timeout = '60s'", "BEGIN", take.format("LAMP-01")) as other,
        meanwhile(lambda: place(api, ("BELL-01", 1), ("LAMP-01", 1))) as answer,
    ):
        waiting(shop)
        other.run(take.format("BELL-01"))
        other.run("COMMIT")
        assert answer.result().status_code == 201
    assert events(api, "transaction_repeated")[-1]["sqlstate"] == "40P01"
    assert (stock(shop, "BELL-01"), stock(shop, "LAMP-01")) == (9, 9)


# Killed midway


def test_a_connection_that_is_cut_midway_leaves_nothing_behind(api, shop):
    with on_every_order(shop, "PERFORM pg_sleep(600);"), meanwhile(lambda: place(api, ("LAMP-01", 1))) as answer:
        shop.run("-c", f"SELECT pg_terminate_backend({waiting(shop, 'Timeout')})")
        assert only(answer.result(), "database_unavailable", "5")
    assert untouched(shop)


def test_a_database_that_crashes_midway_comes_back_without_the_half_order(api, shop):
    with on_every_order(shop, "PERFORM pg_sleep(600);"):
        with meanwhile(lambda: place(api, ("LAMP-01", 1))) as answer:
            waiting(shop, "Timeout")
            shop.stop(signal.SIGQUIT)
            shop.start()
            assert only(answer.result(), "database_unavailable", "5")
        assert untouched(shop)


def test_a_transaction_whose_caller_went_away_frees_its_rows(api, shop):
    with (
        limited(shop, idle="2s"),
        # As the Worker's role, so with its limits: takes the rows and then says nothing more.
        session(shop, f"\\c {shop.url()}\nBEGIN", "SELECT * FROM stock FOR UPDATE"),
    ):
        assert place(api, ("LAMP-01", 1)).status_code == 201


# Old


def test_a_list_from_a_cache_sells_nothing_that_is_gone(runtime, shop):
    """Local Hyperdrive has no cache: a copy of the database, taken before the order, stands in for what the cache would hold."""
    with (
        changed(shop, "CREATE DATABASE shop_cached TEMPLATE shop", "DROP DATABASE shop_cached WITH (FORCE)"),
        started(runtime, shop.url("shop_cached"), shop.url()) as api,
    ):
        placed = place(api, ("LAMP-01", 10))
        assert placed.status_code == 201
        listed = api.http.get("/v1/products", params={"q": "front"}).json()["products"][0]
        assert listed["onHand"] == 10, "the list is old"
        assert refusal(place(api, ("LAMP-01", 1))) == (409, "out_of_stock")
        assert api.http.get(placed.headers["location"], headers=SHOP).json() == placed.json(), (
            "one's own write is there"
        )


def test_the_local_simulator_has_no_cache_so_no_list_is_old_here(api, shop):
    for left in range(9, 4, -1):
        place(api, ("LAMP-01", 1))
        assert api.http.get("/v1/products", params={"q": "front"}).json()["products"][0]["onHand"] == left
