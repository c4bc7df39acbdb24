"""Asks whether a known vulnerability is in what ``make`` installs: the packages of both lock files.

    make audit

Status 1 where one is. Without the network, or where the index has no such list, nothing is audited, which is said.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tools.lock_requirements import LOCK, TOOLS_LOCK


def main() -> int:
    """Audit every package, and say what was found."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "15", "-r", str(LOCK), "-r", str(TOOLS_LOCK)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"not audited: {(ran.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return 0
    audited = [one for one in packages if "skip_reason" not in one]
    for one in audited:
        for found in one["vulns"]:
            print(
                f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
            )
    if not audited:
        print(f"not audited: {packages[0]['skip_reason'] if packages else 'no package is listed'}")
    else:
        print(f"{len(audited)} of {len(packages)} packages audited")
    return int(any(one["vulns"] for one in audited))


if __name__ == "__main__":
    raise SystemExit(main())
