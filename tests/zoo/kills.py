"""Which clauses a wrong implementation breaks: the suite's own command, asked about one function."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.discover import find_function
from conformance.plan import PROFILES, Filters
from conformance.run import Options, Progress, run_subject

ZOO = Path(__file__).resolve().parent
OPERATORS = {"margin": "multilabel_margin_loss", "soft": "multilabel_soft_margin_loss"}
BROKEN = ("deviates", "crashes", "hangs")


@dataclass(frozen=True)
class Kill:
    """What the suite says about one implementation.

    Attributes:
        name: The implementation.
        clauses: The clauses that it breaks, with their level.
        lost: What has no verdict, in words.
    """

    name: str
    clauses: dict[str, str]
    lost: tuple[str, ...] = ()


def killed_by(
    file: str, name: str, framework: str = "numpy", python: str = sys.executable, profile: str = "quick"
) -> Kill:
    """Ask every clause of level ``documented``, ``implied`` and ``quality`` of one function of the zoo.

    Args:
        file: ``FRAMEWORK_OPERATOR.py`` beside this one.
        name: The function.
        framework: Whose tensors it takes.
        python: Interpreter that has the framework.
        profile: How much to ask.
    """
    operator = OPERATORS[file.removesuffix(".py").split("_")[1]]
    spec = find_function(f"{ZOO / file}:{name}", operator, framework)
    filters = Filters((operator,), ("eager",), levels=("documented", "implied", "quality"))
    with tempfile.TemporaryDirectory() as folder:
        chosen = replace(PROFILES[profile], dtypes=())
        options = Options(chosen, filters, python, out=Path(folder), minimise=0.0)
        found = run_subject(spec, options, Progress()).findings
    broken = {finding.clause: finding.level for finding in found if finding.verdict in BROKEN}
    lost = {finding.words.splitlines()[0] for finding in found if finding.verdict in ("harness-error", "not-run")}
    return Kill(name, dict(broken), tuple(sorted(lost)))
