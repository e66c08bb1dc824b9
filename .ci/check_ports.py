"""Run the example of docs/ports.md for one framework, and tests/port_uses/, in that framework's own environment.

python .ci/check_ports.py jax
"""

import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from frameworks import names

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ports.md"
_EXAMPLE = r"^(?:{})[^:]*:\n\n((?:    .*\n|\n)+)"


def shown(framework: str, what: str, code: str) -> bool:
    """Run a program and say what became of it; whether it came to its end."""
    with tempfile.TemporaryDirectory() as folder:  # MindSpore writes files where it is started
        done = subprocess.run(  # noqa: S603 - programs of our own
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder
        )
    said = done.stderr.strip()[-600:] if done.returncode else (done.stdout.strip().splitlines() or ["as it should"])[-1]
    sys.stdout.write(f"{framework}, {what}: {said}\n")
    return not done.returncode


def main(framework: str) -> int:
    """Run both; the exit status."""
    found = re.search(_EXAMPLE.format("|".join(names(framework))), PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.stderr.write(f"docs/ports.md has no example of {framework}\n")
        return 1
    uses = ROOT / "tests" / "port_uses" / f"{framework}_uses.py"
    programs = {"example": textwrap.dedent(found[1])}
    if uses.exists():
        programs["uses"] = uses.read_text(encoding="utf-8")
    return int(not all(shown(framework, what, code) for what, code in programs.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
