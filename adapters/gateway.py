"""Starts a worker, asks it, and says how it died when it does."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeGuard, cast

import execnet

from adapters.constants import constant
from adapters.contract import Call, Reply, reply_fault
from adapters.description import Description
from adapters.processes import Took, Watched, forget_peak, peak_bytes

_WORKER = Path(__file__).with_name("worker.py")
_PICKLED = 4
"""Protocol of pickle in which questions travel; Python 3.8 reads it. No reply is pickled: a worker is a stranger."""

_START_SECONDS = 120.0
_DESCRIBE_SECONDS = 300.0
_DEATH_SECONDS = 2.0
_LAST_LOOK_SECONDS = 0.1
_SHARE_LEFT = 0.02
"""A limit of which less than this share is left has passed."""

_MOST_TIMES = 20.0
"""Times its limit for which a worker may wait for an answer on a busy machine, before the run gives up on it."""


class WorkerError(Exception):
    """A worker that gave no answer."""


class WorkerCrashed(WorkerError):
    """The worker's process ended during a call."""


class WorkerHung(WorkerError):
    """The worker did not answer within the time limit, waits for a core not counted, and was killed."""


class WorkerEnded(WorkerError):
    """The worker's own program failed: a harness error, and the process takes no more questions."""


class AdapterFault(WorkerError):
    """The adapter itself raised or broke the contract: a harness error, never a verdict."""

    @property
    def headline(self) -> str:
        """What was raised and where, in one line."""
        lines = str(self).splitlines()
        places = re.findall(r'File "([^"]+\.py)", line (\d+)', str(self))
        return f"{lines[0]} ({places[-1][0]}, line {places[-1][1]})" if places else lines[0]


def _environment(adapter: Path) -> dict[str, str]:
    """What the adapter's ``ENVIRONMENT`` sets for its process; what is set already stays.

    Raises:
        WorkerError: It is no dictionary of strings.
    """
    try:
        stated: object = constant(adapter, "ENVIRONMENT") or {}
    except (OSError, SyntaxError):
        return {}  # the worker will say what is wrong with the file
    except ValueError:
        stated = None  # no literal
    if not _is_strings(stated):
        raise WorkerError(f"{adapter}: ENVIRONMENT is not a dictionary of strings, written as a literal")
    return {name: value for name, value in stated.items() if name not in os.environ}


def _is_strings(stated: object) -> TypeGuard[dict[str, str]]:
    if not isinstance(stated, dict):
        return False
    return all(isinstance(word, str) for pair in cast(dict[object, object], stated).items() for word in pair)


class Worker:
    """One process of one subject, under the interpreter of the subject's environment.

    Args:
        adapter: The adapter's file.
        python: Interpreter of the subject's environment.
        temporary: Folder for the worker's working folder and log.
        path: Folders in which modules of somebody's own are looked for.

    Raises:
        WorkerError: The interpreter could not be started, or has no NumPy.
    """

    def __init__(
        self, adapter: Path, python: str = sys.executable, temporary: Path | None = None, path: Sequence[str] = ()
    ) -> None:
        environment = _environment(adapter)
        self.adapter = adapter
        self._number = 0
        self.python_version = ""
        self._folder = Path(tempfile.mkdtemp(prefix="lossproof-worker-", dir=temporary))
        self._log = self._folder / "stderr.log"
        empty = self._folder / "empty"
        empty.mkdir()
        self._group = execnet.Group()
        spec = execnet.XSpec("popen")  # set by name, since the written form takes no "//" within a path
        spec.python, spec.chdir = shlex.quote(python), str(empty)
        spec.env = {
            "LOSSPROOF_SCRATCH": str(self._folder),
            "LOSSPROOF_SHARED": str(temporary or self._folder),
            **environment,
        }
        try:
            self._channel = self._group.makegateway(spec).remote_exec(_WORKER.read_text(encoding="utf-8"))
            places = {"adapter": str(adapter.resolve()), "log": str(self._log), "beside": str(_WORKER.parent)}
            self._channel.send({**places, "path": list(path)})
            hello = self._channel.receive(_START_SECONDS)
        except (OSError, EOFError, execnet.RemoteError, execnet.HostNotFound) as error:
            self.close()
            raise WorkerError(f"{python}: the worker did not start: {type(error).__name__} {error}") from None
        self._pid = int(hello["pid"])
        self._watched = Watched(self._pid, [name for name in hello["threads"] if name != str(self._pid)])
        self._asked = self._watched.moment()
        self._took: Took | None = None
        self.python_version = str(hello["python"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def describe(self) -> Description:
        """What the adapter says about its framework.

        Raises:
            WorkerError: As for :meth:`evaluate`.
        """
        return cast(Description, self._ask({"ask": "describe"}, _DESCRIBE_SECONDS))

    def load(self, target: str) -> bool:
        """Load somebody's own function.

        Args:
            target: ``package.module:name`` or ``/path/file.py:name``.

        Returns:
            Whether it can be differentiated.

        Raises:
            WorkerError: As for :meth:`evaluate`.
        """
        return bool(self._ask({"ask": "load", "target": target}, _DESCRIBE_SECONDS)["gradient"])

    def evaluate(self, call: Call, limit: float) -> Reply:
        """One evaluation.

        Args:
            call: What to evaluate.
            limit: Seconds after which the worker counts as hung and is killed. Seconds in which it waited
                for a processor that other processes had do not count.

        Raises:
            WorkerCrashed: The process ended; the message names its signal or exit status.
            WorkerHung: No answer came within the limit.
            WorkerError: The machine is so busy that nothing can be told.
            AdapterFault: The adapter raised, not the framework.
        """
        reply = self._ask({"ask": "evaluate", "call": call}, limit)
        fault = reply_fault(reply, call)
        if fault:
            raise AdapterFault(f"evaluate breaks the contract: {fault}")
        return cast(Reply, reply)

    def _ask(self, question: dict[str, Any], limit: float) -> Any:
        self._asked, self._took = self._watched.moment(), None
        self._number += 1
        try:
            self._channel.send(pickle.dumps({**question, "number": self._number}, _PICKLED))
            reply = self._receive(limit)
        except (EOFError, OSError):
            seconds = time.monotonic() - self._asked.clock
            raise WorkerCrashed(f"{self._death()} after {seconds:.1f} s{self._last_words()}") from None
        except self._channel.RemoteError as error:
            self.kill()
            raise WorkerEnded(f"the worker failed: {error}") from None
        whole = cast("dict[str, Any]", reply) if isinstance(reply, dict) else {}
        if whole.get("number") != self._number:
            self.kill()
            said = str(cast(object, reply))[:200]
            raise WorkerEnded(f"question {self._number} got a reply to another question: {said}")
        if "seconds" in whole:
            self._took = Took(float(whole["seconds"]), whole["waited"])
        if "fault" in whole:
            fault = whole["fault"]
            raise AdapterFault(f"{fault['type']}: {fault['message']}\n{fault['trace']}")
        return whole["answer"]

    def _receive(self, limit: float) -> Any:
        for seconds in self._waits(limit):
            with contextlib.suppress(self._channel.TimeoutError):
                return self._channel.receive(seconds)
        self.kill()
        raise WorkerHung(f"no answer within {limit:.0f} s; the worker was killed")

    def _waits(self, limit: float) -> Iterator[float]:
        """How long to wait for a reply, again and again until the worker's own seconds reach the limit.

        The last look is for a reply that has come while this process itself waited for a core.
        """
        left = limit
        while left > _SHARE_LEFT * limit:
            yield left
            left = limit - self.own_seconds()
            passed = time.monotonic() - self._asked.clock
            if left > 0 and passed > _MOST_TIMES * limit:
                self.kill()
                raise WorkerError(
                    f"no answer within {passed:.0f} s, of which the worker waited {passed - limit + left:.0f} s for "
                    "a core; the machine is too busy to tell whether it hangs"
                )
        yield _LAST_LOOK_SECONDS

    def own_seconds(self) -> float:
        """Seconds of the last question in which the worker computed or slept; waits for a processor do not count."""
        if self._took is not None:
            return self._watched.own_seconds_of(self._asked, self._took)
        return self._watched.own_seconds(self._asked)

    def forget_peak(self) -> None:
        """Count the peak of the worker's memory from now on."""
        forget_peak(self._pid)

    def peak_bytes(self) -> int:
        """The most memory that the worker had at once, since the peak was last forgotten."""
        return peak_bytes(self._pid)

    def kill(self) -> None:
        """End the worker's process and its children at once."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """End the worker and remove its folder."""
        if hasattr(self, "_pid"):
            self.kill()
            self._watched.close()
        self._group.terminate(timeout=2.0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _death(self) -> str:
        """How the process ended, in words; its status is looked at, not collected."""
        until = time.monotonic() + _DEATH_SECONDS
        while time.monotonic() < until:
            try:
                status = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            except ChildProcessError:
                break
            if status is not None:
                exited = status.si_code == os.CLD_EXITED
                return (
                    f"exit status {status.si_status}" if exited else f"signal {signal.Signals(status.si_status).name}"
                )
            time.sleep(0.01)
        return "the worker's process ended"

    def _last_words(self) -> str:
        """The last line that the process wrote to its standard error."""
        if not self._log.exists():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"; its last words: {lines[-1][:200]}" if lines else ""
