"""Run every program that a run file prints, in its framework, and compare what it shows with what it claims.

    python .ci/check_reproducers.py reports/baselines/torch.jsonl

under the interpreter of the framework's environment. The programs run in one process; a program whose claim is a
crash, or that ends the process, runs in one of its own. Exit status: 0 if each shows its claim.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEATHS = ("crashes", "hangs")
_NUMBER = re.compile(r"-?\b(?:\d+\.?\d*(?:e[+-]?\d+)?|inf|nan)\b|-?\.\d+")
_CLAIMED = re.compile(r"(?<=\()-?0x[0-9a-f.]+p[+-]\d+(?=\))|\b(?:nan|inf)\b|-inf\b")
_SHOWN_TO = 0.5e-4
"""What a framework prints as 0.0000 is below this."""

_HALF, _CLOSE = 0.501, 1e-6
"""Of a unit in the last printed place; of the value, because a framework's printing rounds once more."""

_LIMIT = 1200.0  # seconds
_RUNNER = """
import contextlib, io, json, sys

def run(number, program):
    said, raised = io.StringIO(), ""
    with contextlib.redirect_stdout(said):
        try:
            program()
        except BaseException as error:
            raised = type(error).__name__
    sys.stderr.write("\\n%s\\n" % json.dumps({"number": number, "printed": said.getvalue(), "raised": raised}))
    sys.stderr.flush()
"""

Said = dict[str, Any]
Finding = dict[str, Any]


def findings(path: Path) -> list[Finding]:
    """The findings of a run file that show a program."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["kind"] == "finding" and line.get("counterexample", {}).get("reproducer")]


def answers(programs: dict[int, str], python: str = sys.executable) -> dict[int, Said]:
    """What each program printed and raised, by its number; a program that ends the process has no answer."""
    parts = [_RUNNER]
    for number, text in programs.items():
        body = textwrap.indent(text, "    ")
        parts.append(f"\ndef program_{number}():\n{body}\n\nrun({number}, program_{number})\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "programs.py"
        path.write_text("".join(parts), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        done = subprocess.run(  # noqa: S603 (programs of our own runs)
            [python, "-W", "ignore", str(path)],
            capture_output=True,
            env=environment,
            timeout=_LIMIT,
            check=False,
            cwd=folder,
        )
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    found = [json.loads(line) for line in lines if line.startswith('{"number"')]
    return {said["number"]: said for said in found}


def every_answer(programs: list[tuple[str, bool]]) -> dict[int, Said]:
    """The same for programs of which some are to end the process, and others may."""
    together = {number: text for number, (text, dies) in enumerate(programs) if not dies}
    found = answers(together) if together else {}
    for number, (text, dies) in enumerate(programs):
        if dies or number not in found:
            found.update(answers({number: text}))
    return found


def fault(finding: Finding, said: Said | None) -> str:
    """What is wrong with what a program showed; empty if it shows the claim."""
    claim = finding["counterexample"]["got"]
    dies = finding["verdict"] in DEATHS
    if said is None:
        return "" if dies else f"the claim is {claim[:80]}; the process ended"
    if dies:
        return f"the claim is {claim[:80]}; the process did not end"
    if said["raised"] or re.match(r"raised |refused: ", claim):
        return _fault_of_refusal(said["raised"], claim)
    return _fault_of_numbers(said["printed"], _claimed(finding))


def _fault_of_numbers(printed: str, claimed: list[str]) -> str:
    if not printed.strip():
        return "printed nothing"
    hidden = [each for each in claimed if not _shows(printed, each)]
    return f"printed {printed[:100]!r}; claimed {', '.join(hidden)}" if hidden else ""


def _claimed(finding: Finding) -> list[str]:
    """The number that is wrong, or those that a deviation claims in words.

    What nothing wrote to memory is another number each time.
    """
    value = finding["counterexample"].get("value")
    if value is not None:
        return [value]
    unwritten = finding["clause"].endswith(".shapes.empty-batch-sum")
    claim = finding["counterexample"]["got"]
    return [] if unwritten or finding["verdict"] != "deviates" else _CLAIMED.findall(claim)


def _fault_of_refusal(raised: str, claim: str) -> str:
    named = re.search(rf"(?:^|raised |refused:? ){raised or '$'}\b", claim)
    return "" if named else f"raised {raised or 'nothing'}; claimed {claim[:80]}"


def _shows(printed: str, claimed: str) -> bool:
    """Whether a number is among the printed ones, to the digits that are printed."""
    value = float("nan") if claimed == "nan" else float.fromhex(claimed)
    return any(is_shown(text, value) for text in printed_numbers(printed))


def printed_numbers(printed: str) -> list[str]:
    """The numbers of a text, in its order."""
    return _NUMBER.findall(printed)


def is_shown(text: str, value: float) -> bool:
    """Whether a printed number is a value, to the digits that are printed."""
    if value != value or value in (float("inf"), -float("inf")):
        return float(text) == value or (value != value and "nan" in text)
    last = 10.0 ** float(Decimal(text).as_tuple().exponent)
    return (
        abs(float(text) - value) <= max(_HALF * last, _CLOSE * abs(value))
        or max(abs(float(text)), abs(value)) <= _SHOWN_TO
    )


def main(path: Path) -> int:
    """Say which programs do not show their claim; the exit status."""
    shown = findings(path)
    programs: dict[tuple[str, bool], list[Finding]] = {}
    for finding in shown:
        key = finding["counterexample"]["reproducer"], finding["verdict"] in DEATHS
        programs.setdefault(key, []).append(finding)
    found = every_answer(list(programs))
    wrong = 0
    for number, those in enumerate(programs.values()):
        for finding in those:
            said = fault(finding, found.get(number))
            wrong += bool(said)
            variant = " ".join(finding["variant"][name] for name in ("form", "mode", "dtype"))
            sys.stdout.write(f"{finding['clause']}, {variant}: {said}\n" if said else "")
    sys.stdout.write(
        f"{path.name}: {len(programs)} programs of {len(shown)} findings, {wrong} do not show their claim\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
