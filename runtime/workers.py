"""Start examples with the real Wrangler and workerd, from their own ``wrangler.toml``.

``Runtime`` keeps one Node process per test run and starts an example in about half a second. ``dev_server`` starts
``wrangler dev`` as a reader does, and ``program`` a server of another kind.
"""

import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import httpx

from runtime import toolchain
from runtime.patience import PATIENCE_S, until

SNIPPETS = toolchain.ROOT / "snippets"
BRIDGE = Path(__file__).with_name("bridge.mjs")
HEAP = "--initial-heap-size=800"  # MB; growing in steps takes a tenth of the processor time of every start
FAILED = re.compile(r"\[ERROR\]|Build failed|✘")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class WorkerError(AssertionError):
    """An example did not start or an operation on it failed; the message is the tool's own."""


def pipe(stream: IO[str] | None) -> IO[str]:
    """Return a process's stream that was asked for as a pipe."""
    if stream is None:
        raise WorkerError("the process was started without pipes")
    return stream


class Runtime:
    """The Node process that runs examples; use it as a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0

    def __enter__(self) -> Self:
        toolchain.install()
        read, write = os.pipe()
        self._process = subprocess.Popen(
            [toolchain.node(), "--no-warnings", HEAP, BRIDGE, toolchain.ROOT / "package.json", str(write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            pass_fds=(write,),
            env=toolchain.node_env(),
            cwd=toolchain.ROOT,
            start_new_session=True,
        )
        os.close(write)
        self._requests, self._said = pipe(self._process.stdin), pipe(self._process.stdout)
        self._replies = os.fdopen(read, encoding="utf-8")
        self.output: list[str] = []
        self._answers: queue.Queue[str] = queue.Queue()
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._collect, self._listen)]
        for thread in self._threads:
            thread.start()
        try:
            self._answer()
        except WorkerError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._requests.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            _end_group(self._process)
        for thread in self._threads:
            thread.join()
        self._said.close()
        self._replies.close()

    @property
    def pid(self) -> int:
        """The Node process, the parent of every workerd."""
        return self._process.pid

    def _collect(self) -> None:
        for line in self._said:
            self.output.append(ESCAPE.sub("", line).rstrip())

    def _listen(self) -> None:
        for line in self._replies:
            self._answers.put(line)
        self._answers.put("")

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise WorkerError(f"no answer within {PATIENCE_S} s:\n" + "\n".join(self.output[-20:])) from None
        if not line:
            raise WorkerError("the Node process ended:\n" + "\n".join(self.output[-20:]))
        return json.loads(line)

    def ask(self, operation: str, **request: Any) -> Any:
        """Run one operation of ``bridge.mjs`` and return its result.

        Raises:
            WorkerError: the operation failed.
        """
        with self._lock:
            self._next += 1
            before = len(self.output)
            self._requests.write(json.dumps({"id": self._next, "operation": operation, **request}) + "\n")
            self._requests.flush()
            answer = self._answer()
        if "error" in answer:
            # The bridge prints this line behind what Wrangler printed, on the same pipe.
            until(lambda: f"end of {self._next}" in self.output[before:], what="the end of what Wrangler printed")
            self.output.remove(f"end of {self._next}")
            said = [line for line in self.output[before:] if line.strip()]
            raise WorkerError(_readable("\n".join([answer["error"], *said])))
        return answer["result"]

    @contextmanager
    def example(
        self,
        *folders: str | Path,
        variables: dict[str, str] | None = None,
        secrets: dict[str, str] | None = None,
        stand_ins: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        others: dict[str, dict[str, dict[str, str]]] | None = None,
    ) -> Iterator["Example"]:
        """Start one or several Workers with clean storage; the first answers HTTP.

        Args:
            folders: each holds a ``wrangler.toml``; relative to ``snippets/``.
            variables: override ``[vars]`` of the first Worker; ``{url}`` in them is the address it gets.
            secrets: take the place of the first Worker's ``.dev.vars``.
            stand_ins: binding of the first Worker to the name of the Worker that stands in for it.
            environment: what Wrangler finds in its environment while it starts, such as the address of a database.
            others: the same three for other Workers, by folder: ``{"control": {"secrets": {…}}}``.

        Raises:
            WorkerError: a configuration or a build is broken; the message names file and line.
        """
        configs = [SNIPPETS / folder / "wrangler.toml" for folder in folders]
        for config in configs:
            if not config.is_file():
                raise WorkerError(f"{_short(config)} is missing: every Worker has its own wrangler.toml")
            try:
                tomllib.loads(config.read_text(encoding="utf-8"))
            except tomllib.TOMLDecodeError as error:
                raise WorkerError(f"{_short(config)}: {error}") from None
        settings = {
            **{config.parent: (others or {}).get(config.parent.name, {}) for config in configs},
            configs[0].parent: {"variables": variables, "secrets": secrets, "stand_ins": stand_ins},
        }
        names = {"vars": "variables", "secrets": "secrets", "bindingOverrides": "stand_ins"}
        workers = [
            {
                "configPath": str(config),
                **{theirs: settings[config.parent].get(ours) or {} for theirs, ours in names.items()},
            }
            for config in configs
        ]
        started = self.ask("start", workers=workers, environment=environment or {})
        example = Example(self, started["example"], started["url"])
        try:
            yield example
        except BaseException as error:
            for line in example.logs()[-40:]:
                error.add_note(line)
            raise
        finally:
            example.http.close()
            self.ask("stop", example=started["example"])


class Example:
    """A running example.

    Attributes:
        url: its address on 127.0.0.1, without a slash at the end.
        http: a client for it.
    """

    def __init__(self, runtime: Runtime, number: int, url: str) -> None:
        self._runtime, self._number = runtime, number
        self.url = url.replace("localhost", "127.0.0.1")
        # Plain HTTP needs no authorities, and loading them takes 20 ms.
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_S, verify=False)  # noqa: S501 - there is no TLS to verify

    def ask(self, operation: str, **request: Any) -> Any:
        """Run an operation of ``bridge.mjs`` on this example; ``worker`` names a Worker other than the first."""
        return self._runtime.ask(operation, example=self._number, **request)

    def logs(self) -> list[str]:
        """Return what the Workers printed, oldest first."""
        return self.ask("logs")

    def migrate(self, binding: str, worker: str | None = None) -> None:
        """Apply the D1 migrations of a binding."""
        self.ask("migrate", binding=binding, worker=worker)

    def d1(self, binding: str, query: str, *parameters: Any, worker: str | None = None) -> list[dict[str, Any]]:
        """Run one statement on a D1 binding and return its rows."""
        return self.ask("d1", binding=binding, query=query, parameters=parameters, worker=worker)

    def sql(self, object_class: str, name: str, query: str, *parameters: Any, worker: str | None = None) -> Any:
        """Run one statement inside the Durable Object of that class and name."""
        return self.ask("sql", object=object_class, name=name, query=query, parameters=parameters, worker=worker)

    def evict(self, object_class: str, name: str, sockets: str = "hibernate", worker: str | None = None) -> None:
        """Take an object out of memory; its WebSockets stay open (``"hibernate"``) or are cut (``"close"``)."""
        self.ask("evict", object=object_class, name=name, sockets=sockets, worker=worker)

    def objects(self, object_class: str, worker: str | None = None) -> list[str]:
        """Return the ids of all objects of that class."""
        return self.ask("objects", object=object_class, worker=worker)

    def call(self, binding: str, method: str, *parameters: Any, worker: str | None = None) -> Any:
        """Call a method of a binding, such as ``call("FLAGS", "put", key, value)``."""
        return self.ask("call", binding=binding, method=method, parameters=parameters, worker=worker)

    def workflow(self, binding: str, instance: str, worker: str | None = None) -> dict[str, Any]:
        """Return the status of a Workflow's instance, and its error if it has one."""
        return self.ask("workflow", binding=binding, instance=instance, worker=worker)

    def crash(self) -> None:
        """Kill the runtime and start it again: what is on disk stays; what is in memory or on its way is lost."""
        self.ask("crash")

    def scheduled(self, cron: str, worker: str | None = None) -> dict[str, Any]:
        """Fire a Cron Trigger and return its outcome."""
        return self.ask("scheduled", cron=cron, worker=worker)


@contextmanager
def dev_server(command: str, folder: Path = toolchain.ROOT, port: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Start ``wrangler dev`` by a reader's own command line and yield ``(url, output lines)``.

    Args:
        command: what the reader types, such as ``npx wrangler dev --config …``; ``uv run`` in front is dropped.
        folder: where the reader stands.
        port: 0 for any free one.

    Raises:
        WorkerError: the configuration, the build or the port is bad; the message is Wrangler's.
    """
    toolchain.install()
    options = f"--ip 127.0.0.1 --port {port} --inspector-port 0 --show-interactive-dev-session=false"
    separator = " -- " if " npm " in f" {command}" else " "
    with tempfile.TemporaryDirectory() as registry:
        env = toolchain.node_env(WRANGLER_REGISTRY_PATH=registry, CLOUDFLARE_DEV_REGISTRY_PATH=registry)
        with _server(command + separator + options, folder, env, "Ready") as started:
            yield started


@contextmanager
def program(command: str, folder: Path = toolchain.ROOT) -> Iterator[tuple[str, list[str]]]:
    """Start a server by a reader's own command line, on a free port, and yield ``(url, output lines)``.

    The program takes ``--port`` (0 for any free one) and prints ``… running on http://127.0.0.1:PORT`` when it is ready.

    Raises:
        WorkerError: it ended or did not become ready.
    """
    with _server(
        f"{command} --port 0", folder, {**toolchain.node_env(), "PYTHONUNBUFFERED": "1"}, "running"
    ) as started:
        yield started


@contextmanager
def _server(command: str, folder: Path, env: dict[str, str], ready: str) -> Iterator[tuple[str, list[str]]]:
    process = subprocess.Popen(
        ["bash", "-c", command.removeprefix("uv run ")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        cwd=folder,
        start_new_session=True,
        env=env,
    )
    lines: list[str] = []
    output = pipe(process.stdout)
    reader = threading.Thread(target=lambda: lines.extend(ESCAPE.sub("", x).rstrip() for x in output), daemon=True)
    reader.start()
    address = re.compile(rf"{ready} on (https?://\S+)")

    def said() -> str:
        return "\n".join(list(lines))

    try:
        until(
            lambda: address.search(said()) or FAILED.search(said()) or process.poll() is not None,
            what=f"`{command}` is ready or has failed",
        )
        found = address.search(said())
        if not found:
            # What it has to say is complete when it has ended.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            reader.join(PATIENCE_S)
            raise WorkerError(_readable(said()))
        yield found[1].replace("localhost", "127.0.0.1").rstrip("/"), lines
    finally:
        _end_group(process)
        reader.join()
        output.close()


def _end_group(process: subprocess.Popen[str]) -> None:
    """Kill a process and all it started, which is one group: SIGKILL cannot be refused."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _short(path: Path) -> str:
    return str(path).removeprefix(f"{toolchain.ROOT}/")


def _readable(text: str) -> str:
    """Drop decoration and repeats, and print paths as a reader of the repository knows them."""
    seen: dict[str, None] = {}
    for line in ESCAPE.sub("", text).replace(f"{toolchain.ROOT}/", "").splitlines():
        words = line.strip(" ✘▲⎔\n")
        if words and not re.match(r"(at |If you think this is a bug|Note that there is a newer|-{3,}|🪵)", words):
            seen[words] = None
    return "\n".join(seen)


def configs(example: str | Path) -> list[Path]:
    """Return every ``wrangler.toml`` of an example that describes a Worker; a Pages project is started by its own test."""
    found = sorted((SNIPPETS / example).rglob("wrangler.toml"))
    return [path for path in found if "pages_build_output_dir" not in path.read_text(encoding="utf-8")]


def typecheck(runtime: Runtime, config: Path, others: list[Path]) -> None:
    """Generate a Worker's types from its configuration and run ``tsc`` over it.

    A binding that the code uses and the configuration lacks is a type error here.

    Args:
        runtime: the running bridge.
        config: the Worker's ``wrangler.toml``.
        others: those of the Workers that it is bound to, for the types of their methods.

    Raises:
        WorkerError: the code does not fit its configuration; the message names file and line.
    """
    settings = tomllib.loads(config.read_text(encoding="utf-8"))
    date = f"{settings['compatibility_date']} {settings.get('compatibility_flags', [])}"
    made = runtime.ask("types", config=[str(config), *(str(o) for o in others if o != config)], date=date)
    (config.parent / "worker-configuration.d.ts").write_text(made["content"], encoding="utf-8")
    tsc = toolchain.NODE_MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [toolchain.node(), tsc, "--noEmit", "--pretty", "false", "-p", config.parent],
        cwd=toolchain.ROOT,
        env=toolchain.node_env(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise WorkerError(_readable(done.stdout + done.stderr))


def dry_run(config: Path, out: Path) -> None:
    """Run ``wrangler deploy --dry-run`` on a Worker.

    Raises:
        WorkerError: Wrangler fails or warns (an unknown key is only a warning to it).
    """
    wrangler = toolchain.NODE_MODULES / "wrangler" / "wrangler-dist" / "cli.js"
    done = subprocess.run(
        [toolchain.node(), "--no-warnings", wrangler, "deploy", "--dry-run", "--config", config, "--outdir", out],
        cwd=toolchain.ROOT,
        env=toolchain.node_env(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    text = done.stdout + done.stderr
    if done.returncode or "WARNING" in text:
        raise WorkerError(_readable(text))
