"""Run the commands of docs/deviations.md for one framework, in that framework's own environment.

    python .ci/check_deviations.py torch

Each command must print what the page says it prints. Commands are run only for the
version that the page's section names; another version is said in one line.
"""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from frameworks import called, distribution

PAGE = Path(__file__).resolve().parent.parent / "docs" / "deviations.md"
_SECTION = re.compile(r"^## (\w+) ([0-9.]+)$", re.MULTILINE)
_COMMAND = re.compile(r"^    python (?:-W ignore )?-c (.+)\n\nExpected `([^`]*)`, printed `([^`]*)`", re.MULTILINE)
_LIMIT = 300.0  # seconds


@dataclass(frozen=True)
class Claim:
    """One deviation: where it was seen, how to see it, what should be printed and what is."""

    framework: str
    version: str
    command: str
    expected: str
    printed: str


def claims(text: str) -> list[Claim]:
    """Every command of the page, with its framework and version."""
    parts = _SECTION.split(text)
    found: list[Claim] = []
    for title, version, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        framework = called(title)
        if framework:
            found += [Claim(framework, version, *each) for each in _COMMAND.findall(body)]
    return found


def run(claim: Claim) -> str:
    """What is wrong with a claim; empty where the command prints what the page says."""
    command = [sys.executable, "-W", "ignore", "-c", *shlex.split(claim.command)]
    with tempfile.TemporaryDirectory() as folder:  # MindSpore writes files where it is started
        done = subprocess.run(  # noqa: S603 - commands of our own page
            command, capture_output=True, text=True, check=False, timeout=_LIMIT, cwd=folder
        )
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode == 0 and last == claim.printed:
        return ""
    said = last if done.returncode == 0 else done.stderr.strip().splitlines()[-1:]
    return f"python -c {claim.command}\n  page: {claim.printed}\n  here: {said}"


def main(framework: str) -> int:
    """Run a framework's commands; the exit status."""
    wanted = [claim for claim in claims(PAGE.read_text(encoding="utf-8")) if claim.framework == framework]
    version = importlib.metadata.version(distribution(framework)).split("+")[0]
    there = [claim for claim in wanted if claim.version == version]
    if wanted and not there:
        sys.stdout.write(f"docs/deviations.md speaks of {framework} {wanted[0].version}; this is {version}: not run\n")
        return 0
    problems = list(filter(None, map(run, there)))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    shown = len(there) - len(problems)
    sys.stdout.write(f"{framework} {version}: {shown} of {len(there)} commands show what the page says\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
