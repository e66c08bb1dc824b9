"""Run every program that a baseline prints, in its framework, and compare what it prints with what it claims.

    python .ci/check_reproducers.py reports/baselines/torch.jsonl

under the interpreter of the framework's environment, which needs the framework, NumPy and lossproof's folder on its
path for ports. Programs run in one process, those of a crash in one each. Exit status: 0 if each shows its claim.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NUMBER = re.compile(r"-?\b(?:\d+\.?\d*(?:e[+-]?\d+)?|inf|nan)\b|-?\.\d+")
RUNNER = '''
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
'''
LIMIT = 900


def findings(path):
    """The findings of a run file that show a program, by the program's text."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    shown = [line for line in lines if line.get("kind") == "finding" and line.get("counterexample", {}).get("reproducer")]
    return shown


def answers(programs):
    """What each program printed and raised, by its number; a program that ends the process has no answer."""
    parts = [RUNNER]
    for number, text in programs:
        body = textwrap.indent(text, "    ")
        parts.append("\ndef program_%d():\n%s\n\nrun(%d, program_%d)\n" % (number, body, number, number))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "programs.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(parts))
        environment = dict(os.environ, PYTHONPATH=HERE + os.pathsep + os.environ.get("PYTHONPATH", ""))
        done = subprocess.run(  # noqa: S603 (programs of our own baselines)
            [sys.executable, "-W", "ignore", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=LIMIT,
            check=False,
            cwd=folder,
        )
    found = {}
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        if line.startswith('{"number"'):
            said = json.loads(line)
            found[said["number"]] = said
    return found


def fault(finding, said):
    """What is wrong with what a program showed; empty if it shows the claim."""
    shown = finding["counterexample"]
    died = finding["verdict"] in ("crashes", "hangs")
    if said is None:
        return "" if died else "the process ended"
    if died:
        return "printed %r instead of ending the process" % said["printed"][:80]
    raised = re.match(r"(?:raised|refused:) (\w+)", shown["got"])
    if said["raised"]:
        expected = raised and raised.group(1) == said["raised"]
        wanted = finding["verdict"] == "observed" and "refused" in shown["got"]
        return "" if expected or wanted else "raised %s; claimed %s" % (said["raised"], shown["got"][:80])
    if raised and not finding.get("repeatable") is False:
        return "printed %r; claimed %s" % (said["printed"][:80], shown["got"][:80])
    if shown.get("value") is None:
        return "" if said["printed"].strip() else "printed nothing"
    return _number_fault(shown, said["printed"])


def _number_fault(shown, printed):
    """Whether the wrong number of the claim is among the printed ones, to the digits that are printed."""
    value = float("nan") if shown["value"] == "nan" else float.fromhex(shown["value"])
    for text in NUMBER.findall(printed):
        other = float(text)
        if other == value or (value != value and other != other):
            return ""
        digits = len(re.sub(r"e.*|[^0-9]", "", text).lstrip("0")) or 1
        if abs(other - value) <= abs(value) * 10.0 ** (1 - digits) or abs(other - value) <= 0.5e-4 >= abs(value):
            return ""
    return "printed %r; claimed %r" % (printed[:120], value)


def main(path):
    """Say which programs do not show their claim; the exit status."""
    shown = findings(path)
    texts = {}
    for finding in shown:
        texts.setdefault((finding["counterexample"]["reproducer"], finding["verdict"] in ("crashes", "hangs")), []).append(finding)
    programs = list(enumerate(texts))
    together = [(number, text) for number, (text, dies) in programs if not dies]
    found = answers(together) if together else {}
    for number, (text, dies) in programs:
        if dies or number not in found:
            found.update(answers([(number, text)]))
    wrong = 0
    for number, key in programs:
        for finding in texts[key]:
            said = fault(finding, found.get(number))
            if said:
                wrong += 1
                variant = " ".join(str(finding["variant"][name]) for name in ("form", "mode", "dtype"))
                sys.stdout.write("%s, %s: %s\n" % (finding["clause"], variant, said))
    sys.stdout.write("%s: %d programs of %d findings, %d do not show their claim\n" % (path, len(programs), len(shown), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
