"""Check an inventory worksheet and say which stage of the migration it allows.

    uv run python snippets/sase-enterprise/check_inventory.py snippets/sase-enterprise/worksheet.yml

Exit code 0: nothing to mend; 1: findings; 2: the worksheet cannot be read.
"""

import sys
from pathlib import Path

from findings import findings
from inventory import WorksheetError, load
from stages import load_stages, reachable


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: check_inventory.py WORKSHEET", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        inventory = load(path)
    except (OSError, WorksheetError) as error:
        print(error, file=sys.stderr)
        return 2
    found = findings(inventory)
    for finding in found:
        print(f"{path.name}:{finding.line}: {finding.text}")
    print(
        f"{len(inventory.sites)} sites, {len(inventory.applications)} applications, {len(found)} findings"
    )
    stage, missing = reachable(load_stages(), inventory)
    if stage is None:
        print("All stages are done.")
    elif missing:
        print(f"Stage {stage.stage}, {stage.name}: not yet.")
        for criterion in missing:
            print(f"  - {criterion.id}: {criterion.text}")
    else:
        print(f"Stage {stage.stage}, {stage.name}: you may start.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
