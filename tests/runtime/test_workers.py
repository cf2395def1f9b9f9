"""The harness tells in one clear message what is wrong with an example, and leaves nothing running."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from runtime import toolchain
from runtime.workers import Runtime, WorkerError, dev_server, dry_run, typecheck
from tests.support.patience import PATIENCE_S, until

GOOD = """
export default {
  async fetch(request, env) {
    const count = Number(await env.KV.get("count")) + 1;
    await env.KV.put("count", String(count));
    console.log(`call ${count}`);
    return new Response(String(count));
  },
} satisfies ExportedHandler<Env>;
"""
CONFIG = """
name = "counter"
main = "src/index.ts"
compatibility_date = "2026-10-01"
kv_namespaces = [{ binding = "KV", id = "00000000000000000000000000000000" }]
"""


def write(folder: Path, code: str = GOOD, config: str = CONFIG) -> Path:
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "index.ts").write_text(code)
    (folder / "wrangler.toml").write_text(config)
    options = {"target": "es2024", "lib": ["es2024"], "module": "esnext", "moduleResolution": "bundler", "types": []}
    (folder / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": {**options, "strict": True}, "include": ["src", "*.d.ts"]})
    )
    return folder / "wrangler.toml"


def processes(marker: str) -> list[str]:
    """Return the command lines of living processes that name the marker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if marker in text:
            found.append(text)
    return found


def children(pid: int) -> list[int]:
    """Return the process ids below a process, at any depth."""
    below = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            below += [child, *children(child)]
    return below


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_broken_configuration_is_named_with_its_line(runtime: Runtime, tmp_path: Path):
    write(tmp_path, config=CONFIG + "main = = 1\n")
    with pytest.raises(WorkerError, match=r"wrangler\.toml: .*line 6"), runtime.example(tmp_path):
        pass


def test_a_missing_configuration_is_named(runtime: Runtime, tmp_path: Path):
    with pytest.raises(WorkerError, match=r"wrangler\.toml is missing"), runtime.example(tmp_path):
        pass


def test_an_import_that_leads_nowhere_is_named_with_file_and_line(runtime: Runtime, tmp_path: Path):
    write(tmp_path, 'import { x } from "./gone";\nexport default { fetch: () => new Response(x) };\n')
    with (
        pytest.raises(WorkerError, match=r'(?s)index\.ts:1.*"\./gone"|"\./gone".*index\.ts:1'),
        runtime.example(tmp_path),
    ):
        pass


def test_a_service_that_does_not_run_is_named(runtime: Runtime, tmp_path: Path):
    write(tmp_path, config=CONFIG + '[[services]]\nbinding = "OTHER"\nservice = "not-there"\n')
    with pytest.raises(WorkerError, match="not-there"), runtime.example(tmp_path):
        pass


def test_a_type_error_is_named_with_file_and_line(runtime: Runtime, tmp_path: Path):
    config = write(tmp_path, GOOD.replace("String(count));\n    console", "count);\n    console"))
    with pytest.raises(WorkerError, match=r"index\.ts\(5,\d+\): error TS"):
        typecheck(runtime, config, [])


def test_a_binding_that_the_configuration_lacks_is_named(runtime: Runtime, tmp_path: Path):
    config = write(tmp_path, GOOD.replace("env.KV.get", "env.CACHE.get"))
    with pytest.raises(WorkerError, match=r"index\.ts\(4,\d+\).*'CACHE' does not exist on type 'Env'"):
        typecheck(runtime, config, [])


def test_an_unknown_key_fails_the_dry_run(tmp_path: Path):
    config = write(tmp_path, config=CONFIG.replace("kv_namespaces", "kv_namespace"))
    with pytest.raises(WorkerError, match='"kv_namespace"'):
        dry_run(config, tmp_path / "out")


def test_a_taken_port_ends_in_one_message(tmp_path: Path):
    config = write(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(WorkerError, match=rf"(?s)Address already in use|{port}"),
            dev_server(f"npx wrangler dev --config {config}", port=port),
        ):
            pass


def test_every_start_is_clean_and_state_can_be_kept(runtime: Runtime, tmp_path: Path):
    config = write(tmp_path)
    for _ in range(2):
        with runtime.example(tmp_path) as example:
            assert [example.http.get("/").text for _ in range(2)] == ["1", "2"]
    command = f"npx wrangler dev --config {config} --persist-to {tmp_path / 'state'}"
    for expected in ("1", "2"):
        with dev_server(command) as (url, _):
            assert httpx.get(url).text == expected


def test_the_log_of_the_workers_is_shown_when_a_test_fails(runtime: Runtime, tmp_path: Path):
    write(tmp_path)

    def a_test_that_fails() -> None:
        with runtime.example(tmp_path) as example:
            example.http.get("/")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        a_test_that_fails()
    assert "log: call 1" in caught.value.__notes__


def test_it_listens_on_the_loopback_only(runtime: Runtime, tmp_path: Path):
    write(tmp_path)
    with runtime.example(tmp_path) as example:
        port = int(example.url.rpartition(":")[2])
        listening = [
            line.split()[1]
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            if Path(table).exists()
            for line in Path(table).read_text().splitlines()[1:]
            if line.split()[3] == "0A"
        ]
        mine = [address for address in listening if int(address.rpartition(":")[2], 16) == port]
        assert mine == [f"0100007F:{port:04X}"]


DYING = """
import os, sys
sys.path.insert(0, {root!r})
from runtime.workers import Runtime
with Runtime() as runtime, runtime.example({folder!r}) as example:
    example.http.get("/")
    print(runtime._process.pid, flush=True)
    sys.stdin.readline()
    os._exit(1)
"""


@pytest.mark.parametrize("end", ["the test run dies", "the test run is killed"])
def test_nothing_is_left_when(end: str, tmp_path: Path):
    write(tmp_path)
    script = DYING.format(root=str(toolchain.ROOT), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        node = int(run.stdout.readline())
        started = [node, *children(node)]
        assert len(started) >= 2, "Node and workerd"
        if end == "the test run is killed":
            os.kill(run.pid, signal.SIGKILL)
        else:
            run.stdin.write("\n")
            run.stdin.flush()
        run.wait(PATIENCE_S)
    until(lambda: not any(map(alive, started)), what="the end of Node and workerd")


def test_a_stopped_dev_server_leaves_no_process(tmp_path: Path):
    config = write(tmp_path)
    with dev_server(f"npx wrangler dev --config {config}"):
        assert processes(str(tmp_path))
    assert not [p for p in processes(str(tmp_path)) if re.search("node|workerd|esbuild", p)]
