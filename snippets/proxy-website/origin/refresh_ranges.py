"""Write Cloudflare's published addresses for the origin and for nginx; a doubtful answer changes nothing. Then reload both."""

import os
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cloudflare import Cloudflare, CloudflareError

FOLDER = Path(__file__).parent.parent
HEAD = "# Cloudflare's published addresses, https://www.cloudflare.com/ips/. refresh_ranges.py writes this file.\n"


# --8<-- [start:check]
def checked(ranges: list[Any]) -> list[str]:
    """Return the ranges as they were read, never as they came: nginx gets them as directives.

    Raises:
        ValueError: there are too few, or one is no range, or private, or so wide that it
            would trust half of the Internet.
    """
    # After a "%", the name of an interface may be any text, with line ends and semicolons.
    if not all(isinstance(r, str) and "%" not in r for r in ranges):
        raise ValueError("something is no range")
    networks = [ip_network(r) for r in ranges]
    widest = {4: 12, 6: 29}
    if len(networks) < 10 or {n.version for n in networks} != {4, 6}:
        raise ValueError(f"only {len(networks)} ranges")
    for network in networks:
        if not network.is_global or network.prefixlen < widest[network.version]:
            raise ValueError(f"{network} cannot be one of Cloudflare's ranges")
    return [str(network) for network in networks]


# --8<-- [end:check]


def main(folder: Path = FOLDER) -> int:
    try:
        answer = Cloudflare(
            base_url=os.environ.get("CLOUDFLARE_BASE_URL"), api_token="none"
        ).ips.list()
        found = [getattr(answer, f"ipv{version}_cidrs", None) for version in (4, 6)]
        ranges = checked([r for part in found if isinstance(part, list) for r in part])
    except (CloudflareError, ValueError) as error:
        print(f"{type(error).__name__}: {error}: the old list stays", file=sys.stderr)
        return 1
    lines = {
        "origin/ranges.txt": "".join(f"{r}\n" for r in ranges),
        "nginx/real_ip.conf": "".join(f"set_real_ip_from {r};\n" for r in ranges),
    }
    for name, text in lines.items():
        part = folder / f"{name}.part"
        part.write_text(HEAD + text, encoding="utf-8")
        part.replace(folder / name)
    print(f"{len(ranges)} ranges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
