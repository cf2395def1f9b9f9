"""Send buttons are offered only by a server of this machine that can keep their promise."""

import os
from types import SimpleNamespace

import pytest

from hooks.live import buttons, reload


@pytest.mark.parametrize(
    ("installed", "host", "wrapped"),
    [(True, "127.0.0.1", True), (False, "127.0.0.1", False), (True, "0.0.0.0", False), (True, "192.0.2.1", False)],
)
def test_the_server_stays_plain_without_the_toolchain_and_beyond_this_machine(
    installed: bool, host: str, wrapped: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("runtime.toolchain.installed", lambda: installed)
    monkeypatch.setenv("LIVE", "")
    apps: list[object] = []
    server = SimpleNamespace(get_app=lambda: "plain", set_app=apps.append)
    buttons.decide()
    buttons.attach(server, host, 8000, "/")
    buttons.detach()
    assert (len(apps), os.environ["LIVE"]) == (wrapped, "1" if installed else "0")


def test_what_a_running_example_writes_is_no_reason_to_build_again():
    told: list[str] = []
    watched: list[SimpleNamespace] = []
    observer = SimpleNamespace(schedule=lambda handler, path, **options: watched.append(handler))
    reload.quiet(observer)
    observer.schedule(
        SimpleNamespace(on_any_event=lambda event: told.append(event.src_path)), "snippets", recursive=True
    )
    for path in ("snippets/a/.wrangler/tmp/x.js", "hooks/__pycache__/x.pyc", "snippets/a/src/index.ts"):
        watched[0].on_any_event(SimpleNamespace(src_path=path))
    assert told == ["snippets/a/src/index.ts"]
