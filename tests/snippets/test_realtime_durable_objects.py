"""Rooms on a Durable Object as members, strangers and attackers meet them."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from runtime.workers import SNIPPETS, Example, Runtime
from tests.snippets.realtime_durable_objects.support import (
    KEY,
    SLUG,
    Cut,
    Member,
    Rooms,
    issue,
    module,
    text_frame,
)
from tests.support.patience import PATIENCE_S, until, until_limited

OLD_KEY = "the-key-before-this-one-0123456789abcdef"
ORIGIN = "https://www.example.com"
FRAME_LIMIT_BYTES = 8192
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture(scope="module")
def example(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(SLUG, secrets={"TOKEN_KEYS": f"{KEY}, {OLD_KEY}"}) as started:
        yield started


@pytest.fixture
def rooms(example: Example) -> Iterator[Rooms]:
    opened = Rooms(example)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def quick_example(runtime: Runtime) -> Iterator[Example]:
    """The same, with days shortened and no limit on frames."""
    variables = {"KEEP_DAYS": "0.0000035", "FRAMES_PER_SECOND": "100000"}
    with runtime.example(SLUG, secrets={"TOKEN_KEYS": KEY}, variables=variables) as started:
        yield started


@pytest.fixture
def quick(quick_example: Example) -> Iterator[Rooms]:
    opened = Rooms(quick_example)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def roomy_example(runtime: Runtime) -> Iterator[Example]:
    """The same, with no limit on frames."""
    with runtime.example(SLUG, secrets={"TOKEN_KEYS": KEY}, variables={"FRAMES_PER_SECOND": "100000"}) as started:
        yield started


@pytest.fixture
def roomy(roomy_example: Example) -> Iterator[Rooms]:
    opened = Rooms(roomy_example)
    yield opened
    opened.close()


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]


def knock(rooms: Rooms, token: str | None, room: str = "closed", **headers: str | bytes) -> httpx.Response:
    """Ask for an upgrade that must be refused."""
    protocols = "chat.v1" if token is None else f"chat.v1, token.{token}"
    headers = {**UPGRADE, "Sec-WebSocket-Protocol": protocols, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return rooms.example.http.get(f"/v1/rooms/{room}/socket", headers=headers)


def forged(**changed: object) -> str:
    claims = {"aud": "rooms", "room": "closed", "sub": "eve", "exp": time.time() + 60, **changed}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, KEY, algorithm="HS256")


def good() -> str:
    return forged()


def numbered(messages: list[dict]) -> list[tuple[int, str]]:
    return [(m["id"], m["text"]) for m in messages]


# What members see


def test_a_message_reaches_everyone_in_the_room_and_its_sender_gets_the_number(rooms):
    ann, bob = rooms.join("plain", "ann"), rooms.join("plain", "bob")
    before_ms = int(1000 * time.time())
    ann.say("hello", key="first")
    assert ann.expect("sent") == {"type": "sent", "key": "first", "id": 1}
    seen = bob.expect("message")
    assert (seen["id"], seen["user"], seen["text"]) == (1, "ann", "hello")
    assert before_ms <= seen["at"] <= 1000 * time.time()
    assert "key" not in seen, "the key is between the sender and the room"


def test_rooms_do_not_hear_each_other_and_each_counts_for_itself(rooms):
    here, there = rooms.join("here", "ann"), rooms.join("there", "ann")
    here.say("a")
    there.say("b")
    assert [here.expect("message")["text"], there.expect("message")["text"]] == ["a", "b"]
    assert [here.sent(), there.sent()] == [1, 1]


def test_who_joins_and_leaves_is_seen_by_the_others_and_a_second_device_is_not_news(rooms):
    ann = rooms.join("presence", "ann")
    with rooms.joined("presence", "bob") as bob:
        assert bob.expect("welcome")["online"] == ["ann", "bob"]
        assert ann.next() == {"type": "joined", "user": "bob"}
        with rooms.joined("presence", "bob") as second:
            assert second.expect("welcome")["online"] == ["ann", "bob"]
    assert ann.next() == {"type": "left", "user": "bob"}
    assert rooms.join("presence", "cat").user == "cat"
    assert ann.next() == {"type": "joined", "user": "cat"}


def test_a_heartbeat_is_answered(rooms):
    ann = rooms.join("heartbeat", "ann")
    ann.raw("ping")
    assert ann.connection.recv(timeout=PATIENCE_S) == "pong"


def test_fifty_members_see_one_order_and_every_message_once(rooms):
    async def member(number: int, ready: asyncio.Barrier) -> list[tuple[int, str]]:
        protocols = ["chat.v1", f"token.{rooms.token('crowd', f'u{number}')}"]
        async with connect(rooms.address("crowd"), subprotocols=protocols, close_timeout=0.1) as socket:
            await ready.wait()
            for n in range(4):
                await socket.send(json.dumps({"type": "send", "key": f"k{n}", "text": f"{number}:{n}"}))
            seen: list[tuple[int, str]] = []
            while len(seen) < 200:
                frame = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))
                if frame["type"] == "check":
                    await socket.send(json.dumps(frame))
                if frame["type"] == "message":
                    seen.append((frame["id"], frame["text"]))
            return seen

    async def crowd() -> list[list[tuple[int, str]]]:
        ready = asyncio.Barrier(50)
        return await asyncio.gather(*(member(n, ready) for n in range(50)))

    views = asyncio.run(crowd())
    first = views[0]
    assert [number for number, _ in first] == list(range(1, 201))
    assert all(view == first for view in views)
    for sender in range(50):
        own = [text for _, text in first if text.startswith(f"{sender}:")]
        assert own == [f"{sender}:{n}" for n in range(4)], "a sender's own messages keep their order"


def test_the_history_is_readable_over_http_too(rooms):
    ann = rooms.join("http", "ann")
    for text in ("one", "two", "three"):
        ann.say(text)
    ann.ids(3)
    answer = rooms.get("http", query="?since=1")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    page = answer.json()
    assert numbered(page["messages"]) == [(2, "two"), (3, "three")]
    assert (page["more"], page["expired"], page["reset"]) == (False, False, False)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1000,
        "é" * 1000,
        "😀" * 500,
        "nul\u0000inside",
        "<script>alert(1)</script>",
        "\u202egnp.exe",
        "line\nbreak",
        '"}],"more":true',
    ],
    ids=["longest", "two bytes each", "surrogate pairs", "NUL", "HTML", "right to left", "line break", "JSON"],
)
def test_a_text_comes_out_as_it_went_in(rooms, text):
    room = f"text-{abs(hash(text))}"
    ann = rooms.join(room, "ann")
    ann.say(text)
    assert ann.expect("message")["text"] == text
    assert rooms.get(room).json()["messages"][0]["text"] == text


# Who gets in


BAD_TOKENS = {
    "none": lambda: None,
    "empty": lambda: "",
    "garbage": lambda: "a.b.c",
    "expired": lambda: forged(exp=time.time() - 1),
    "without an end": lambda: forged(exp=None),
    "for a day": lambda: forged(exp=time.time() + 86_400),
    "for another service": lambda: forged(aud="billing"),
    "without a user": lambda: forged(sub=None),
    "user is no name": lambda: forged(sub="eve, bob"),
    "user too long": lambda: forged(sub="e" * 33),
    "signed with another key": lambda: issue("closed", "eve", "x" * 40),
    "not signed": lambda: jwt.encode(
        {"aud": "rooms", "room": "closed", "sub": "eve", "exp": time.time() + 60}, None, "none"
    ),
    "another algorithm": lambda: jwt.encode(
        {"aud": "rooms", "room": "closed", "sub": "eve", "exp": time.time() + 60}, KEY, "HS512"
    ),
    "changed after signing": lambda: good()[:-4] + "AAAA",
    "claims swapped": lambda: ".".join([good().split(".")[0], forged(sub="bob").split(".")[1], good().split(".")[2]]),
    "sent twice": lambda: f"{good()}, token.{good()}",
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_without_a_valid_token_there_is_no_upgrade_and_no_object(rooms, token):
    before = rooms.example.objects("Room")
    answer = knock(rooms, token())
    assert answer.status_code == 401 and refusal(answer)[1] in {"invalid_token", "token_expired"}
    assert "sec-websocket-protocol" not in answer.headers
    assert rooms.example.objects("Room") == before


def test_a_token_opens_its_own_room_only(rooms):
    before = rooms.example.objects("Room")
    assert refusal(knock(rooms, forged(room="other"))) == (403, "wrong_room")
    assert refusal(knock(rooms, forged(room=["closed"]))) == (403, "wrong_room")
    read = rooms.example.http.get(
        "/v1/rooms/closed/messages", headers={"Authorization": f"Bearer {forged(room='other')}"}
    )
    assert refusal(read) == (403, "wrong_room")
    assert rooms.example.objects("Room") == before


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic {token}", "{token}", "Bearer {token}x"])
def test_the_history_is_closed_to_strangers(rooms, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.format(token=good())}
    assert refusal(rooms.example.http.get("/v1/rooms/closed/messages", headers=headers)) == (401, "invalid_token")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://www.example.com", f"{ORIGIN}.evil.example", f"{ORIGIN}:8443"]
)
def test_a_page_of_another_origin_cannot_connect_even_with_a_token(rooms, origin):
    assert refusal(knock(rooms, good(), Origin=origin)) == (403, "wrong_origin")


def test_a_long_origin_is_logged_without_half_a_character(rooms):
    knock(rooms, good(), Origin=("x" * 99 + "😀" * 9).encode())
    assert any('"detail":"' + "x" * 99 + '😀"' in line for line in rooms.example.logs())


def test_a_page_of_our_own_origin_can(rooms):
    with rooms.joined("origin", "ann", additional_headers={"Origin": ORIGIN}) as ann:
        assert ann.expect("welcome")["user"] == "ann"


def test_what_is_no_upgrade_is_told_so(rooms):
    plain = rooms.example.http.get("/v1/rooms/closed/socket")
    assert refusal(plain) == (426, "upgrade_required")
    protocols = knock(rooms, None, Sec_WebSocket_Protocol="chat.v2")
    assert refusal(protocols) == (400, "unknown_protocol")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/rooms",
        "/v1/rooms/a",
        "/v1/rooms//socket",
        "/v1/rooms/a/b/socket",
        "/v1/rooms/a%2Fb/socket",
        f"/v1/rooms/{'r' * 65}/socket",
        "/v1/rooms/é/socket",
        "/v2/rooms/a/socket",
    ],
)
def test_other_addresses_hold_nothing(rooms, path):
    assert refusal(rooms.example.http.get(path, headers=UPGRADE)) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_a_method_that_is_not_offered_is_refused(rooms, method):
    answer = rooms.example.http.request(method, "/v1/rooms/closed/messages")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET"


@pytest.mark.parametrize("since", ["", "-1", "1.5", "x", "1e3", "9" * 16, "1&since=x%00"])
def test_an_id_that_is_no_number_is_refused(rooms, since):
    if since.startswith("1&"):
        assert rooms.get("since", query=f"?since={since}").status_code == 200, "the first one counts"
    else:
        assert refusal(rooms.get("since", query=f"?since={since}")) == (400, "invalid_id")


def test_while_the_key_changes_tokens_of_both_keys_open(rooms):
    for key in (KEY, OLD_KEY):
        assert Rooms(rooms.example, key).get("rotation").status_code == 200
    assert refusal(Rooms(rooms.example, "x" * 40).get("rotation")) == (401, "invalid_token")


def test_with_three_keys_nobody_gets_in_and_the_log_says_why(runtime):
    with runtime.example(SLUG, secrets={"TOKEN_KEYS": f"{KEY},{OLD_KEY},{'x' * 40}"}) as example:
        answer = Rooms(example).get("keys")
        assert refusal(answer) == (503, "not_configured")
        assert any("TOKEN_KEYS" in line and answer.headers["x-request-id"] in line for line in example.logs())
        assert "TOKEN_KEYS" not in answer.text


def test_a_member_cannot_write_what_the_worker_tells_the_object(rooms):
    with rooms.joined(
        "smuggle", "eve", "?user=ann&expiresMs=9999999999999&requestId=x", additional_headers={"X-User": "ann"}
    ) as eve:
        assert eve.expect("welcome")["user"] == "eve"
        assert eve.request_id != "x"


def test_a_user_who_joins_in_a_loop_is_slowed_down(rooms):
    refused = until_limited(lambda: rooms.get("loop", "looper"), 30)
    assert refusal(refused) == (429, "too_many_calls") and refused.headers["retry-after"] == "60"
    assert rooms.get("loop", "another").status_code == 200


def test_tokens_and_texts_stand_in_no_log_and_every_line_names_its_request(rooms):
    ann = rooms.join("logs", "ann")
    ann.say("a-very-private-text")
    ann.sent()
    token = good()[:-4] + "AAAA"
    refused = knock(rooms, token)
    ann.raw(b"binary")
    assert ann.cut() == 1003
    logs = "\n".join(rooms.example.logs())
    assert "a-very-private-text" not in logs and "eyJ" not in logs and KEY not in logs
    assert {line["user"] for line in rooms.log("cut_binary") if line["requestId"] == ann.request_id} == {"ann"}
    assert any(line["requestId"] == refused.headers["x-request-id"] for line in rooms.log("refused"))
    assert all(line["requestId"] for event in ("joined", "left", "refused") for line in rooms.log(event))


def test_the_ray_of_cloudflare_is_the_request_id(rooms):
    answer = rooms.example.http.get("/nothing", headers={"CF-Ray": "8f00d-LHR"})
    assert answer.headers["x-request-id"] == "8f00d-LHR"


# Hibernation, restarts, replay


def test_sockets_and_state_survive_hibernation(rooms):
    ann, bob = rooms.join("sleep", "ann"), rooms.join("sleep", "bob")
    ann.say("before", key="k1")
    ann.sent(), bob.expect("message")
    rooms.example.evict("Room", "sleep")
    ann.say("before", key="k1")
    assert ann.sent() == 1, "the key is still known"
    ann.say("after")
    seen = bob.next()
    assert (seen["id"], seen["user"], seen["text"]) == (2, "ann", "after"), "number, name and readiness are still known"
    cat = rooms.joined("sleep", "cat")
    with cat as member:
        assert member.expect("welcome")["online"] == ["ann", "bob", "cat"]
        assert numbered(member.catch_up()) == [(1, "before"), (2, "after")]


def test_a_socket_that_closes_while_the_object_sleeps_leaves_the_room(rooms):
    ann = rooms.join("sleeper", "ann")
    with rooms.joined("sleeper", "bob") as bob:
        bob.expect("history")
        ann.expect("joined")
        rooms.example.evict("Room", "sleeper")
    assert ann.expect("left")["user"] == "bob"


def test_a_member_who_says_goodbye_is_answered(rooms):
    ann = rooms.join("goodbye", "ann")
    with rooms.joined("goodbye", "bob", close_timeout=PATIENCE_S) as bob:
        ann.expect("joined")
    assert bob.connection.close_code == 1000
    assert ann.expect("left")["user"] == "bob"


def test_after_a_restart_a_member_gets_exactly_what_it_missed(rooms):
    ann, bob = rooms.join("restart", "ann"), rooms.join("restart", "bob")
    for n in (1, 2, 3):
        ann.say(f"m{n}")
    bob.ids(2)
    bob.connection.close()
    ann.say("m4")
    ann.ids(4)
    rooms.example.evict("Room", "restart", "close")
    assert ann.cut() is None, "a deploy cuts the sockets without a closing frame"
    cat = rooms.join("restart", "cat")
    cat.say("m5")
    cat.sent()
    back = rooms.join("restart", "bob", "?since=2")
    assert numbered(back.catch_up()) == [(3, "m3"), (4, "m4"), (5, "m5")]
    cat.say("m6")
    assert back.expect("message")["id"] == 6


def test_a_long_absence_is_replayed_in_pages_and_nothing_that_is_said_meanwhile_is_lost(roomy):
    ann = roomy.join("long", "ann")
    for n in range(1, 121):
        ann.say(f"m{n}")
    ann.ids(120)
    bob = roomy.join("long", "bob", "?since=0")
    page = bob.next()
    assert [m["id"] for m in page["messages"]] == list(range(1, 51)) and page["more"]
    ann.say("m121")
    ann.ids(121)
    bob.send(type="resume", since=50)
    second = bob.next()
    assert [m["id"] for m in second["messages"]] == list(range(51, 101)), (
        "no live message comes before the history is complete"
    )
    bob.send(type="resume", since=100)
    third = bob.next()
    assert [m["id"] for m in third["messages"]] == list(range(101, 122)) and not third["more"]
    ann.say("m122")
    assert bob.next()["id"] == 122


def test_who_comes_for_the_first_time_gets_the_latest_messages(roomy):
    ann = roomy.join("latest", "ann")
    for n in range(1, 61):
        ann.say(f"m{n}")
    ann.ids(60)
    with roomy.joined("latest", "bob") as bob:
        assert [m["id"] for m in bob.catch_up()] == list(range(11, 61))


def test_the_longest_messages_lock_nobody_out(roomy):
    """One character takes up to six bytes in JSON: fifty such messages are more than a member may have unread."""
    eve = roomy.join("stuffed", "eve")
    for _ in range(50):
        eve.say("\0" * 1000)
        eve.sent()
    with roomy.joined("stuffed", "ann") as ann:
        caught = ann.catch_up()
    assert [(m["id"], m["text"]) for m in caught] == [(n, "\0" * 1000) for n in range(1, 51)]
    page = roomy.get("stuffed")
    assert page.json()["more"] and len(page.content) < 70_000


def test_members_who_reconnect_at_random_while_others_talk_miss_nothing_and_get_nothing_twice(roomy):
    talker = roomy.join("churn", "ann")
    total, seen, last = 120, [], 0
    done = threading.Event()

    def talk() -> None:
        for n in range(1, total + 1):
            talker.say(f"m{n}")
            talker.sent()
        done.set()

    thread = threading.Thread(target=talk)
    thread.start()
    for visit in range(1, 30):
        with roomy.joined("churn", "bob", f"?since={last}") as bob:
            caught = [m["id"] for m in bob.catch_up()]
            with contextlib.suppress(TimeoutError):  # the talker may have stopped meanwhile
                while len(caught) < visit and not done.is_set():
                    caught.append(bob.next(timeout=0.5)["id"])
        seen += caught
        last = seen[-1] if seen else 0
        if last == total:
            break
    thread.join()
    if last < total:
        with roomy.joined("churn", "bob", f"?since={last}") as bob:
            seen += [m["id"] for m in bob.catch_up()]
    assert seen == list(range(1, total + 1))


def test_a_room_that_was_set_back_says_so(rooms):
    ann = rooms.join("back", "ann")
    for text in ("one", "two", "three"):
        ann.say(text)
    ann.ids(3)
    rooms.example.sql("Room", "back", "DELETE FROM messages WHERE id > 1")
    rooms.example.evict("Room", "back", "close")
    bob = rooms.join("back", "bob", "?since=3")
    page = bob.expect("history")
    assert page["reset"] and numbered(page["messages"]) == [(1, "one")]


# Sending twice, dying midway


def test_the_same_key_is_the_same_message(rooms):
    ann, bob = rooms.join("twice", "ann"), rooms.join("twice", "bob")
    for _ in range(3):
        ann.say("once", key="k")
        assert ann.sent() == 1
    bob.say("mine", key="k")
    assert bob.sent() == 2, "another user's key is another message"
    ann.say("something else", key="k")
    assert ann.error() == "key_reused"
    assert numbered(rooms.get("twice").json()["messages"]) == [(1, "once"), (2, "mine")]


def test_a_member_who_dies_before_the_confirmation_does_not_double_the_message(rooms):
    ann = rooms.join("dying", "ann")
    raw = rooms.deaf("dying", "bob")
    raw.sendall(text_frame('{"type": "send", "key": "k", "text": "my last words"}'))
    assert ann.expect("message")["user"] == "bob"
    raw.close()
    assert ann.expect("left")["user"] == "bob"
    bob = rooms.join("dying", "bob")
    bob.say("my last words", key="k")
    assert bob.sent() == 1
    ann.say("done")
    assert ann.expect("message")["id"] == 2


def test_half_a_frame_harms_nobody(rooms):
    ann = rooms.join("half", "ann")
    raw = rooms.deaf("half", "bob")
    ann.expect("joined")
    raw.sendall(text_frame('{"type": "send", "key": "k", "text": "cut off"}')[:20])
    raw.close()
    assert ann.expect("left")["user"] == "bob"
    assert rooms.get("half").json()["messages"] == []


# Time


def test_old_messages_are_deleted_by_the_alarm_and_numbers_go_on(quick):
    with quick.joined("old", "ann", lifetime_s=4) as ann:
        ann.say("soon gone")
        assert ann.sent() == 1
    until(
        lambda: quick.example.sql("Room", "old", "SELECT * FROM messages") == [], what="the alarm deletes the message"
    )
    quick.example.evict("Room", "old")
    bob = quick.join("old", "bob", "?since=0")
    page = bob.expect("history")
    assert page["expired"] and page["messages"] == []
    bob.say("next")
    assert bob.sent() == 2


def test_an_alarm_that_fails_runs_again(quick):
    with quick.joined("again", "ann", lifetime_s=4) as ann:
        ann.say("soon gone")
        ann.sent()
    quick.example.sql(
        "Room",
        "again",
        "CREATE TRIGGER broken BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, 'disk trouble'); END",
    )
    until(lambda: any("disk trouble" in line for line in quick.example.logs()), what="the alarm fails")
    quick.example.sql("Room", "again", "DROP TRIGGER broken")
    until(lambda: quick.example.sql("Room", "again", "SELECT * FROM messages") == [], what="the second try deletes")


def test_when_the_token_expires_the_socket_is_closed_and_a_new_token_continues(rooms):
    ann = rooms.join("expiry", "ann", lifetime_s=4)
    bob = rooms.join("expiry", "bob")
    assert ann.cut() == 4401
    assert bob.expect("left")["user"] == "ann"
    bob.say("you missed this")
    bob.sent()
    again = rooms.join("expiry", "ann", "?since=0")
    assert numbered(again.catch_up()) == [(1, "you missed this")]


def test_of_a_flood_over_the_end_of_a_token_nothing_later_is_stored(roomy):
    eve = roomy.join("late", "eve", lifetime_s=4)
    end_ms = (time.time() + 4) * 1000  # a little later than the token's own

    def flood() -> None:
        while True:
            for _ in range(5):
                eve.say("more")
            for _ in range(5):
                eve.sent()

    with pytest.raises(Cut) as cut:
        flood()
    assert cut.value.code == 4401
    times = roomy.example.sql("Room", "late", "SELECT MAX(at) AS last, COUNT(*) AS many FROM messages")[0]
    assert times["many"] > 0 and times["last"] <= end_ms


def test_a_socket_without_heartbeat_is_cut_when_something_happens_and_one_with_stays(runtime):
    with runtime.example(SLUG, secrets={"TOKEN_KEYS": KEY}, variables={"HEARTBEAT_SECONDS": "1"}) as started:
        rooms = Rooms(started)
        silent, alive = rooms.join("pulse", "silent"), rooms.join("pulse", "alive")

        visitors, heard = itertools.count(), []

        def beat() -> None:
            alive.raw("ping")
            while (frame := alive.connection.recv(timeout=PATIENCE_S)) != "pong":
                heard.append(json.loads(frame))

        def someone_looks_in() -> list[dict]:
            beat()
            with rooms.joined("pulse", f"visitor-{next(visitors)}"):
                return rooms.log("cut_silent")

        assert [line["user"] for line in until(someone_looks_in)] == ["silent"]
        assert silent.cut() == 4410
        beat()
        assert {"type": "left", "user": "silent"} in heard
        alive.say("still here")
        assert alive.sent() == 1
        rooms.close()


# Slow and hostile members


def fill(member: Member, kilobytes: int, *listeners: Member) -> int:
    """Say a lot while listeners read along, and return the last id."""
    last = 0
    for _ in range(kilobytes):
        member.say("x" * 1000)
        last = member.sent()
        for listener in listeners:
            assert listener.expect("message")["id"] == last
    return last


def cut_as_slow(rooms: Rooms, room: str) -> list[str]:
    return [line["user"] for line in rooms.log("cut_slow") if line["room"] == room]


def test_a_member_who_does_not_read_is_cut_and_nobody_waits_for_it(roomy):
    ann, bob = roomy.join("slow", "ann"), roomy.join("slow", "bob")
    roomy.deaf("slow", "deaf")
    ann.expect("joined"), bob.expect("joined")
    assert fill(ann, 300, bob) == 300
    until(lambda: cut_as_slow(roomy, "slow") == ["deaf"], what="the slow member is cut, and nobody else")
    with roomy.joined("slow", "cat") as cat:
        assert cat.expect("welcome")["online"] == ["ann", "bob", "cat"]


def test_a_slow_member_finds_the_reason_and_continues_where_it_was(roomy):
    ann = roomy.join("lagging", "ann")
    with roomy.joined("lagging", "slow", max_queue=1) as slow:
        ann.expect("joined")
        last = fill(ann, 300)
        ids = []

        def read_to_the_end() -> None:
            while True:
                frame = json.loads(slow.connection.recv()) if not ids else slow.next()
                if frame["type"] == "message":
                    ids.append(frame["id"])

        with pytest.raises(Cut) as cut:
            read_to_the_end()
        assert cut.value.code == 4408
    assert ids == list(range(1, len(ids) + 1)) and 200 < len(ids) < last
    back = roomy.join("lagging", "slow", f"?since={ids[-1]}")
    assert [m["id"] for m in back.catch_up()] == list(range(len(ids) + 1, last + 1))


def test_claiming_to_have_read_does_not_help_without_reading(roomy):
    ann = roomy.join("liar", "ann")
    raw = roomy.deaf("liar", "liar")
    ann.expect("joined")
    for _ in range(300):
        raw.sendall(text_frame('{"type": "check", "value": "00000000-0000-0000-0000-000000000000"}'))
        ann.say("x" * 1000)
        ann.sent()
    until(lambda: cut_as_slow(roomy, "liar") == ["liar"], what="the liar is cut")


def test_hibernation_does_not_make_a_slow_member_young_again(roomy):
    ann = roomy.join("nap", "ann")
    roomy.deaf("nap", "deaf")
    ann.expect("joined")
    for _ in range(12):
        fill(ann, 25)
        roomy.example.evict("Room", "nap")
    until(lambda: cut_as_slow(roomy, "nap") == ["deaf"], what="the slow member is cut")


def test_who_sends_too_fast_is_told_then_cut_and_the_others_do_not_notice(rooms):
    ann, eve = rooms.join("flood", "ann"), rooms.join("flood", "eve")
    for n in range(200):
        eve.say(f"spam {n}")
    waits = []

    def read_to_the_end() -> None:
        while True:
            frame = eve.next()
            if frame["type"] == "error":
                assert frame["error"]["code"] == "rate_limited"
                waits.append(frame["retryAfterMs"])

    with pytest.raises(Cut) as cut:
        read_to_the_end()
    assert cut.value.code == 4429
    assert waits and all(0 < wait <= 1000 for wait in waits)
    ann.say("calm")
    stored = ann.sent() - 1
    assert 10 <= stored < 100, "the burst, and what the time of the flood allows: of 200 the smaller part"


def test_who_waits_as_told_goes_on(rooms):
    ann = rooms.join("patient", "ann")

    def answers() -> list[dict]:
        for n in range(15):
            ann.say(f"m{n}")
        frames = []
        while len(frames) < 15:
            if (frame := ann.next())["type"] in ("sent", "error"):
                frames.append(frame)
        return [frame for frame in frames if frame["type"] == "error"]

    time.sleep(max(frame["retryAfterMs"] for frame in until(answers)) / 1000 + 0.2)
    ann.say("patient", key="patient")
    while ann.expect("sent")["key"] != "patient":
        pass


BAD_FRAMES = {
    "no JSON": ("{", "invalid_json"),
    "empty": ("", "invalid_json"),
    "Ping": ("Ping", "invalid_json"),
    "a list": ("[]", "invalid_frame"),
    "null": ("null", "invalid_frame"),
    "a number": ("1", "invalid_frame"),
    "no type": ("{}", "invalid_frame"),
    "unknown type": ('{"type":"kick","user":"ann"}', "invalid_frame"),
    "server's type": ('{"type":"message","id":1,"user":"ann","text":"x"}', "invalid_frame"),
    "type of another kind": ('{"type":["send"],"key":"k","text":"x"}', "invalid_frame"),
    "forged sender": ('{"type":"send","key":"k","text":"x","user":"ann"}', "invalid_frame"),
    "forged number": ('{"type":"send","key":"k","text":"x","id":1}', "invalid_frame"),
    "prototype": ('{"type":"send","key":"k","text":"x","__proto__":{"user":"ann"}}', "invalid_frame"),
    "no key": ('{"type":"send","text":"x"}', "invalid_frame"),
    "key too long": (json.dumps({"type": "send", "key": "k" * 65, "text": "x"}), "invalid_frame"),
    "key is a number": ('{"type":"send","key":1,"text":"x"}', "invalid_frame"),
    "no text": ('{"type":"send","key":"k"}', "invalid_frame"),
    "blank text": ('{"type":"send","key":"k","text":" \\n "}', "invalid_frame"),
    "text is a list": ('{"type":"send","key":"k","text":["x"]}', "invalid_frame"),
    "text too long": (json.dumps({"type": "send", "key": "k", "text": "x" * 1001}), "invalid_frame"),
    "half a character": ('{"type":"send","key":"k","text":"\\ud800"}', "invalid_frame"),
    "resume without id": ('{"type":"resume"}', "invalid_frame"),
    "resume from below zero": ('{"type":"resume","since":-1}', "invalid_frame"),
    "resume from a text": ('{"type":"resume","since":"1; DROP TABLE messages"}', "invalid_frame"),
    "resume from infinity": ('{"type":"resume","since":1e400}', "invalid_frame"),
    "check without value": ('{"type":"check"}', "invalid_frame"),
}


@pytest.fixture(scope="module")
def bad_frames(roomy_example: Example) -> Iterator[tuple[Rooms, Member, Member]]:
    opened = Rooms(roomy_example)
    yield opened, opened.join("frames", "ann"), opened.join("frames", "eve")
    opened.close()


@pytest.mark.parametrize(("frame", "code"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_bad_frame_is_refused_and_the_connection_goes_on(bad_frames, frame, code):
    _, ann, eve = bad_frames
    eve.raw(frame)
    assert eve.error() == code
    eve.say("still here")
    number = eve.sent()
    seen = ann.expect("message")
    assert (seen["id"], seen["user"], seen["text"]) == (number, "eve", "still here"), (
        "nothing of the bad frame came out"
    )


def test_eleven_bad_frames_in_a_row_are_too_many(rooms):
    ann, eve = rooms.join("broken", "ann"), rooms.join("broken", "eve")
    for _ in range(10):
        eve.raw("{")
    for _ in range(10):
        assert eve.error() == "invalid_json"
    eve.raw("{")
    assert eve.cut() == 4400
    assert ann.expect("left")["user"] == "eve"


@pytest.mark.parametrize(
    ("size", "fits"), [(FRAME_LIMIT_BYTES, True), (FRAME_LIMIT_BYTES + 1, False), (1024 * 1024, False)]
)
def test_a_frame_over_the_limit_costs_the_connection_and_nobody_else_anything(rooms, size, fits):
    ann, eve = rooms.join(f"size-{size}", "ann"), rooms.join(f"size-{size}", "eve")
    eve.raw('{"type":"resume","since":0}'.ljust(size))
    if fits:
        assert eve.expect("history")["messages"] == []
    else:
        assert eve.cut() == 1009
        assert ann.expect("left")["user"] == "eve"
    ann.say("fine")
    assert ann.sent() == 1


def test_a_limit_counts_bytes_and_not_characters(rooms):
    eve = rooms.join("bytes", "eve")
    eve.raw('{"type":"check","value":"' + "é" * 4090 + '"}')
    assert eve.cut() == 1009


def test_what_the_object_does_not_know_of_a_cut_member_is_ignored(rooms):
    ann, eve = rooms.join("cut", "ann"), rooms.join("cut", "eve")
    eve.raw(b"\x00")
    for n in range(5):
        eve.say(f"after {n}")
    assert eve.cut() == 1003
    ann.say("first")
    assert ann.sent() == 1, "nothing that came after the cut was stored"


def test_the_sixth_socket_of_a_user_takes_the_place_of_the_first(rooms):
    ann = rooms.join("many", "ann")
    sockets = [rooms.join("many", "bob") for _ in range(6)]
    assert sockets[0].cut() == 4409
    sockets[5].say("hello")
    assert [s.expect("message")["id"] for s in sockets[1:]] == [1] * 5
    frames = [ann.next() for _ in range(2)]
    assert [f["type"] for f in frames] == ["joined", "message"], "bob never left"


def test_who_leaves_cut_sockets_open_gets_no_more_than_ten(rooms):
    """A client that does not answer the Close keeps its socket, which no limit of members counts any more."""
    ann = rooms.join("hoard", "ann")
    sockets = [rooms.deaf("hoard", "eve") for _ in range(10)]
    assert ann.expect("joined")["user"] == "eve"
    assert refusal(knock(rooms, rooms.token("hoard", "eve"), "hoard")) == (429, "too_many_sockets")
    assert [line["user"] for line in rooms.log("refused") if line["code"] == "too_many_sockets"] == ["eve"]
    tabs = [rooms.join("hoard", "bob") for _ in range(12)]
    assert [tab.cut() for tab in tabs[:7]] == [4409] * 7, (
        "who answers the Close is not counted, and others are not concerned"
    )
    sockets[0].close()
    until(lambda: can_join(rooms, "hoard", "eve"), what="an old socket that is gone makes room")


def test_cut_sockets_that_stay_open_do_not_grow_without_end(rooms):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: rooms.deaf("hoards", f"u{n % 30}"), range(300)))
    late = knock(rooms, rooms.token("hoards", "late"), "hoards")
    assert refusal(late) == (503, "room_full"), "though only 150 members are in the room"
    assert late.headers["retry-after"] == "30"


def can_join(rooms: Rooms, room: str, user: str) -> bool:
    try:
        with rooms.joined(room, user):
            return True
    except InvalidStatus:
        return False


def test_a_full_room_refuses_the_next_member_and_goes_on(rooms):
    async def fill_the_room() -> None:
        sockets = []
        try:
            for start in range(0, 200, 20):
                new = (
                    connect(
                        rooms.address("full"),
                        subprotocols=["chat.v1", f"token.{rooms.token('full', f'u{n % 40}')}"],
                        close_timeout=0.1,
                    )
                    for n in range(start, start + 20)
                )
                sockets += await asyncio.gather(*new)
            with pytest.raises(InvalidStatus) as refused:
                await connect(rooms.address("full"), subprotocols=["chat.v1", f"token.{rooms.token('full', 'late')}"])
            response = refused.value.response
            assert (response.status_code, json.loads(response.body)["error"]["code"]) == (503, "room_full")
            assert response.headers["retry-after"] == "30" and response.headers["x-request-id"]
            [line] = [line for line in rooms.log("refused") if line.get("room") == "full"]
            assert (line["code"], line["user"], line["requestId"]) == (
                "room_full",
                "late",
                response.headers["x-request-id"],
            )
            await sockets[0].send('{"type":"send","key":"k","text":"crowded"}')
            async for frame in sockets[199]:
                if '"crowded"' in frame:
                    break
        finally:
            await asyncio.gather(*(s.close() for s in sockets))

    asyncio.run(fill_the_room())


# When storage fails


def test_a_message_that_cannot_be_stored_reaches_nobody_and_can_be_sent_again(rooms):
    ann, bob = rooms.join("disk", "ann"), rooms.join("disk", "bob")
    rooms.example.sql(
        "Room",
        "disk",
        "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    )
    ann.say("hello", key="k")
    frame = ann.expect("error")
    assert (frame["error"]["code"], frame["key"]) == ("not_stored", "k")
    assert "disk" not in frame["error"]["message"]
    logged = [line["error"] for line in rooms.log("failed") if line["requestId"] == ann.request_id]
    assert len(logged) == 1 and "disk is full" in logged[0]
    rooms.example.sql("Room", "disk", "DROP TRIGGER full")
    ann.say("hello", key="k")
    assert ann.sent() == 1
    assert bob.expect("message")["id"] == 1, "the first thing that bob hears of it"


def test_a_room_that_does_not_answer_is_reported_without_inner_names(rooms):
    rooms.join("dead", "ann")
    rooms.example.sql("Room", "dead", "ALTER TABLE messages RENAME TO lost")
    answer = rooms.get("dead")
    assert refusal(answer) == (503, "room_unavailable") and answer.headers["retry-after"] == "5"
    assert "SQL" not in answer.text and "lost" not in answer.text
    with pytest.raises(InvalidStatus) as refused, rooms.joined("dead", "bob"):
        pass
    assert refused.value.response.status_code == 503
    assert any("no such table" in line.get("detail", "") for line in rooms.log("refused"))


# The client that readers copy


def test_the_client_survives_a_restart_and_sends_what_was_not_confirmed(rooms, monkeypatch, capsys):
    monkeypatch.setenv("TOKEN_KEYS", KEY)
    client = module("client").Client(rooms.example.url, "client", "ann")
    client.say("one")
    client.say("x" * 1001)
    asyncio.run(client.run(follow=False))
    ann = rooms.join("client", "bob")
    ann.say("two")
    ann.sent()
    rooms.example.evict("Room", "client", "close")
    client.say("three")
    asyncio.run(client.run(follow=False))
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line[0] != "*"] == [
        "1 ann: one",
        '! invalid_frame: "text" has at most 1000 characters.',
        "2 bob: two",
        "3 ann: three",
    ]


def test_the_client_that_missed_more_pages_than_it_may_ask_for_at_once_gets_all_of_them(rooms, monkeypatch, capsys):
    monkeypatch.setenv("TOKEN_KEYS", KEY)
    rooms.join("long", "bob")
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700) "
    rooms.example.sql(
        "Room",
        "long",
        f"{many} INSERT INTO messages SELECT i, 'bob', 'k' || i, 'm' || i, {int(time.time() * 1000)} FROM n",
    )
    rooms.example.evict("Room", "long", "close")
    client = module("client").Client(rooms.example.url, "long", "ann")
    client.last_id = 0
    client.say("here")
    asyncio.run(asyncio.wait_for(client.run(follow=False), PATIENCE_S))
    said = [line for line in capsys.readouterr().out.splitlines() if line[0] != "*"]
    assert said == [*(f"{n} bob: m{n}" for n in range(1, 701)), "701 ann: here"]


def test_the_client_that_follows_reconnects_by_itself(rooms, tmp_path):
    command = [
        sys.executable,
        str(SNIPPETS / SLUG / "client.py"),
        rooms.example.url,
        "follow",
        "ann",
        "--follow",
        "--say",
        "first",
    ]
    output = tmp_path / "output"
    with output.open("w") as out:
        process = subprocess.Popen(
            command, env={"TOKEN_KEYS": KEY, "PYTHONUNBUFFERED": "1"}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            bob = rooms.join("follow", "bob")
            until(lambda: "1 ann: first" in output.read_text(), what="the client says its line")
            rooms.example.evict("Room", "follow", "close")
            bob = rooms.join("follow", "bob")
            bob.say("second")
            bob.sent()
            until(lambda: "2 bob: second" in output.read_text(), what="the client is back")
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
    assert [line for line in output.read_text().splitlines() if line[0] != "*"] == ["1 ann: first", "2 bob: second"]


def test_the_client_comes_back_from_a_broken_handshake_a_gateway_error_and_a_silent_network(monkeypatch, capsys):
    module_of_client = module("client")
    monkeypatch.setattr(module_of_client, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(module_of_client.random, "uniform", lambda *_: 0)
    attempts = []

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        attempts.append(request.path)
        if len(attempts) == 1:
            connection.transport.abort()
        return connection.respond(502, "") if len(attempts) == 2 else None

    async def room(socket: ServerConnection) -> None:
        if len(attempts) == 3:
            await socket.wait_closed()  # takes every frame, and says nothing
        page = {
            "messages": [{"id": 1, "user": "bob", "text": "hi", "at": 0}],
            "more": False,
            "expired": False,
            "reset": False,
        }
        await socket.send(json.dumps({"type": "history", **page}))
        await socket.wait_closed()

    async def meet() -> None:
        options = {"process_request": answer, "subprotocols": ["chat.v1"], "ping_interval": None}
        async with serve(room, "127.0.0.1", 0, **options) as server:
            port = server.sockets[0].getsockname()[1]
            client = module_of_client.Client(f"http://127.0.0.1:{port}", "room", "ann")
            await asyncio.wait_for(client.run(follow=False), PATIENCE_S)

    asyncio.run(meet())
    assert len(attempts) >= 4
    assert capsys.readouterr().out == "1 bob: hi\n"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_the_client_does_not_repeat_what_was_refused(status, capsys):
    async def knock_once() -> None:
        refuse = lambda connection, _: connection.respond(status, "")
        async with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
            port = server.sockets[0].getsockname()[1]
            client = module("client").Client(f"http://127.0.0.1:{port}", "room", "ann")
            await asyncio.wait_for(client.run(follow=True), PATIENCE_S)

    with pytest.raises(InvalidStatus):
        asyncio.run(knock_once())
