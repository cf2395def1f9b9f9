"""The handshake in a real browser; in a file of its own, because the browser brings its own event loop."""

import json

from runtime.site import serve
from tests.snippets.realtime_durable_objects.support import KEY, SLUG, Rooms


def test_a_browser_does_the_handshake_from_a_page_of_ours_and_not_from_another(runtime, browser, tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>chat</title>")
    join = """([address, token]) => new Promise((done) => {
      const socket = new WebSocket(address, ["chat.v1", "token." + token]);
      socket.onmessage = ({ data }) => done([socket.protocol, data]);
      socket.onclose = ({ code }) => done([code]);
    })"""
    with (
        serve(tmp_path) as ours,
        serve(tmp_path) as other,
        runtime.example(
            SLUG,
            secrets={"TOKEN_KEYS": KEY},
            variables={"ALLOWED_ORIGINS": f"https://www.example.com, {ours.rstrip('/')}"},
        ) as example,
    ):
        rooms, seen = Rooms(example), []
        for site in (ours, other):
            with browser.new_page() as page:
                page.goto(site)
                seen.append(page.evaluate(join, [rooms.address("browser"), rooms.token("browser", "ann")]))
    (protocol, welcome), refused = seen
    assert protocol == "chat.v1" and json.loads(welcome)["user"] == "ann"
    assert refused == [1006]
