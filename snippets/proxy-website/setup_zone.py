"""Put a zone into the state of ``zone.yml``: show the plan, ask, then change only what differs.

    CLOUDFLARE_API_TOKEN=… uv run python snippets/proxy-website/setup_zone.py ZONE_ID --certificate client.pem --key client.key

Run it again after a failure: what is done is not done twice. It never deletes anything.
Exit code 0: in the wanted state; 1: refused or not agreed; 2: the API failed.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from cloudflare import (
    APIConnectionError,
    APIStatusError,
    BaseModel,
    Cloudflare,
    NotFoundError,
)

import once
from api import cloudflare
from careful import NoAnswer
from plan import NotOurs, Step, lock_steps, record_steps, rule_steps, setting_steps
from wanted import load

WANTED = Path(__file__).with_name("zone.yml")


# --8<-- [start:read]
def steps(
    client: Cloudflare, zone: str, wanted: dict[str, Any], certificate: str, key: str
) -> list[Step]:
    """Return what is to be done, the lock before the records: a proxied record without it guards nothing."""
    settings = {
        name: str(getattr(client.zones.settings.get(name, zone_id=zone), "value", ""))
        for name in wanted["settings"]
    }
    rules = {phase: _rules(client, zone, phase) for phase in wanted["rules"]}
    pulls = client.origin_tls_client_auth
    certificates = [
        c.get("certificate") or "" for c in _all(pulls.zone_certificates.list(zone_id=zone))
    ]
    lock = pulls.settings.get(zone_id=zone)
    records = _all(client.dns.records.list(zone_id=zone))
    return [
        *setting_steps(wanted["settings"], settings),
        *lock_steps(certificate, key, certificates, bool(lock and lock.enabled)),
        *rule_steps(wanted["rules"], rules),
        *record_steps(wanted["records"], records),
    ]


# --8<-- [end:read]


def _rules(client: Cloudflare, zone: str, phase: str) -> list[dict[str, Any]]:
    try:
        found = client.rulesets.phases.get(cast(Any, phase), zone_id=zone)
    except NotFoundError as error:
        if not isinstance(error.body, dict) or error.body.get("success") is not False:
            raise NoAnswer(f"404: {phase}: this is no answer of the API") from error
        return []
    # What cannot be read may hold rules of others, which an update would delete.
    if not isinstance(getattr(found, "id", None), str):
        raise NoAnswer(f"{phase}: this is no ruleset")
    return _dicts([] if found.rules is None else found.rules)


def _all(first: Any) -> list[dict[str, Any]]:
    """Return what all pages hold; a page without a list is no empty one."""
    return [item for page in first.iter_pages() for item in _dicts(page.result)]


def _dicts(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, list) and all(isinstance(item, BaseModel) for item in found):
        return [item.to_dict() for item in found]
    raise NoAnswer("this is no list")


# --8<-- [start:apply]
def apply(client: Cloudflare, zone: str, step: Step) -> None:
    data = dict(step.data)
    match step.kind:
        case "setting":
            client.zones.settings.edit(data["name"], zone_id=zone, value=data["value"])
        case "certificate":
            client.origin_tls_client_auth.zone_certificates.create(zone_id=zone, **data)
        case "lock":
            client.origin_tls_client_auth.settings.update(zone_id=zone, enabled=True)
        case "rules":
            client.rulesets.phases.update(data["phase"], zone_id=zone, rules=data["rules"])
        case "create":
            client.dns.records.create(zone_id=zone, **data)
        case "edit":
            client.dns.records.edit(data.pop("id"), zone_id=zone, **data)


# --8<-- [end:apply]


def _pem(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        remedy = "write it as text with openssl, -inform der -outform pem"
        raise NotOurs(f"{path} is no PEM file: {remedy}") from error


def main(given: list[str], ask: Callable[[str], str] = input) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("zone")
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--yes", action="store_true")
    options = parser.parse_args(given)
    done = 0
    try:
        goal = load(WANTED)
        certificate, key = _pem(options.certificate), _pem(options.key)
        client = cloudflare()
        todo = steps(client, options.zone, goal, certificate, key)
        for step in todo:
            print("-", step.what)
        print(f"{len(todo)} changes")
        if todo and not options.yes and ask("Make them? [yes/no] ") != "yes":
            print("Nothing was changed.")
            return 1
        for step in todo:
            apply(client, options.zone, step)
            done += 1
            print("done:", step.what)
    except EOFError:
        print("refused: nobody answers, use --yes. Nothing was changed.", file=sys.stderr)
        return 1
    except (NotOurs, OSError, once.Unreadable) as error:
        print(f"refused: {error}. Nothing was changed.", file=sys.stderr)
        return 1
    except APIStatusError as error:
        print(
            f"the API answered {error.status_code} after {done} changes: mend it and run this again",
            file=sys.stderr,
        )
        return 2
    except NoAnswer as error:
        print(f"{error}, after {done} changes: mend it and run this again", file=sys.stderr)
        return 2
    except APIConnectionError:
        print(
            f"the API cannot be reached, after {done} changes: run this again",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
