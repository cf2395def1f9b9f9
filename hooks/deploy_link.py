"""Say where an example can be deployed with one click, and link it: Cloudflare copies the folder and sets up what it binds.

Only an example that is complete by itself gets the link: one Worker, no domain of yours, no account elsewhere, and every secret
described in its ``package.json`` as a value that you make up. The build must know the public repository (``REPO_URL``).
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

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


def address(slug: str, repo_url: str, edit_uri: str) -> str:
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
