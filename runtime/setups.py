"""How each example is started: its Workers, the secrets a reader would put into .dev.vars, its migrations."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

from model.transcripts.curl import ADDRESS
from runtime.postgres import shop_bindings
from runtime.sites import KEY, beside
from runtime.workers import Example, Runtime, program

LOCAL_KEY = "local-key-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Setup:
    """One example.

    Attributes:
        folders: its Workers under ``snippets/``, the public one first.
        secrets: what the public Worker's ``.dev.vars`` holds.
        migrations: ``(worker, binding)`` of each D1 database; no worker means the first.
        beside: ``(variable, command)`` of a program that runs beside them; the variable gets its address.
        server: the command that starts an example without Workers; empty where it has no server at all.
        variables: override ``[vars]`` of the public Worker; ``{url}`` is the example's own address.
        around: starts what stands beside the Workers and yields what it changes in the public Worker's ``[vars]``.
        environment: starts what stands beside the Workers, such as a database, and yields the variables that lead to it.
        others: variables, secrets and stand-ins of its other Workers, by folder.
        hosts: the status of ``GET /`` with these Host headers, when a reader has started it.
        stand_ins: binding of the public Worker to the Worker of ``folders`` that takes its place, where Cloudflare's own cannot run here.
    """

    folders: tuple[str, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict)
    migrations: tuple[tuple[str | None, str], ...] = ()
    beside: tuple[str, str] | None = None
    server: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    around: Callable[[], AbstractContextManager[dict[str, str]]] = lambda: nullcontext({})
    environment: Callable[[], AbstractContextManager[dict[str, str]]] = lambda: nullcontext({})
    others: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def run(
        self, runtime: Runtime, variables: dict[str, str] | None = None, secrets: dict[str, str] | None = None
    ) -> Iterator[Example]:
        """Start it with clean storage and migrated databases; ``variables`` and ``secrets`` take the place of its own."""
        with ExitStack() as stack:
            own = dict(self.variables if variables is None else variables)
            if self.beside:
                variable, command = self.beside
                own[variable] = stack.enter_context(program(command))[0]
            example = stack.enter_context(
                runtime.example(
                    *self.folders,
                    variables={**own, **stack.enter_context(self.around())},
                    secrets=self.secrets if secrets is None else secrets,
                    stand_ins=self.stand_ins,
                    environment=stack.enter_context(self.environment()),
                    others=self.others,
                )
            )
            for worker, binding in self.migrations:
                example.migrate(binding, worker)
            yield example

    @contextmanager
    def address(self, runtime: Runtime) -> Iterator[str]:
        """Start it, whatever it consists of, and yield the address that takes the place of the one on the page."""
        if self.folders:
            with self.run(runtime) as example:
                yield example.url
        elif self.server:
            with program(self.server) as (url, _):
                yield url
        else:
            yield ADDRESS


EXAMPLES = {
    "proxy-website": Setup(),
    "static-site-api": Setup(("static-site-api",), {"FORM_KEY": LOCAL_KEY}, ((None, "DB"),)),
    "global-api-kv": Setup(("global-api-kv",), {"ADMIN_TOKEN": "local-admin-token-0123456789abcdef"}),
    "private-machine-api": Setup(
        tuple(f"private-machine-api/{name}" for name in ("gateway", "internal-a", "internal-b", "worker-x")),
        {"HMAC_KEYS": f'{{"shop-backend":["{LOCAL_KEY}"]}}'},
        (("internal-a", "DB"),),
    ),
    "r2-uploads": Setup(
        ("r2-uploads", "r2-uploads/local-s3"),
        {
            "S3_ACCESS_KEY_ID": "local-key",
            "S3_SECRET_ACCESS_KEY": "local-secret",
            "SESSION_KEY": "local-session-key-0123456789-only-for-development",
        },
        (("uploads", "DB"),),
        variables={"S3_ENDPOINT": "{url}/cdn-cgi/local/r2/s3"},
    ),
    "image-pipeline": Setup(
        ("image-pipeline",),
        {"UPLOAD_TOKEN": "local-upload-token-0123456789abcdef", "SIGNING_KEYS": "local-signing-key-0123456789abcdef"},
    ),
    "tunnel-access": Setup(server="uv run python snippets/tunnel-access/origin/app.py --local-team"),
    "secure-egress": Setup(),
    "background-queues": Setup(
        ("background-queues",),
        {
            "API_KEYS": '{"shop":"local-shop-api-key-0123456789abcdef"}',
            "ADMIN_TOKEN": "local-admin-token-0123456789abcdef",
            "PROVIDER_TOKEN": "local-provider-token-0123456789abcdef",
        },
        ((None, "DB"),),
        beside=("PROVIDER_URL", "uv run python snippets/background-queues/client/provider.py"),
    ),
    "fullstack-d1": Setup(
        ("fullstack-d1",),
        {
            "SESSION_KEYS": "local-session-key-0123456789abcdef",
            "PASSWORD_KEY": "local-password-key-0123456789abcdef",
            "INVITE_CODE": "local-invite",
        },
        ((None, "DB"),),
    ),
    "hyperdrive-database": Setup(
        ("hyperdrive-database",), {"SHOP_TOKEN": "local-shop-token-0123456789abcdef"}, environment=shop_bindings
    ),
    "multi-tenant-platform": Setup(
        tuple(
            f"multi-tenant-platform/{name}"
            for name in ("local-cloudflare", "dispatch", "outbound", "control", "deployer")
        ),
        migrations=(("control", "DB"),),
        others={
            "dispatch": {"stand_ins": {"DISPATCHER": "local-cloudflare"}},
            "control": {
                "stand_ins": {"DEPLOYER": "local-cloudflare"},
                "secrets": {"STAFF_TOKEN": "local-staff-token-0123456789abcdef"},
            },
        },
        hosts={"control.example.com": 401, "acme.apps.example.com": 404},
    ),
    "edge-ai-rag": Setup(
        ("edge-ai-rag", "edge-ai-rag/local-ai", "edge-ai-rag/local-index-1", "edge-ai-rag/local-index-2"),
        {
            "SESSION_KEY": "local-session-key-0123456789-only-for-development",
            "ADMIN_TOKEN": "local-admin-token-0123456789abcdef",
        },
        ((None, "DB"),),
        stand_ins={"AI": "local-ai", "INDEX_E1": "local-index-1", "INDEX_E2": "local-index-2"},
    ),
    "hybrid-origins": Setup(("hybrid-origins",), {"ORIGIN_KEY": KEY}, around=beside),
    "sase-enterprise": Setup(),
    "realtime-durable-objects": Setup(
        ("realtime-durable-objects",), {"TOKEN_KEYS": "local-key-for-trying-this-out-only"}
    ),
}
