"""Run the example of docs/ports.md for one framework, in that framework's own environment.

python .ci/check_ports.py jax
"""

import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "ports.md"
TITLES = {"torch": "torch", "jax": "JAX", "tensorflow": "TensorFlow", "mindspore": "MindSpore", "cupy": "CuPy"}
_EXAMPLE = r"^{}[^:]*:\n\n((?:    .*\n|\n)+)"


def main(framework: str) -> int:
    """Run it and show what it printed; the exit status."""
    found = re.search(_EXAMPLE.format(TITLES[framework]), PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.stderr.write(f"docs/ports.md has no example of {framework}\n")
        return 1
    code = textwrap.dedent(found[1])
    with tempfile.TemporaryDirectory() as folder:  # MindSpore writes files where it is started
        done = subprocess.run(  # noqa: S603 - the example of our own page
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder
        )
    sys.stdout.write(f"{framework}: {done.stdout.strip().splitlines()[-1:] or done.stderr.strip()[-600:]}\n")
    return int(done.returncode != 0 or not done.stdout.strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
