"""What Linux says about a worker's process: how long it waited for a core, whether it runs, how much memory it took."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_NANOSECONDS = 1e9
_LONGEST_LINE = 256
_TICKS = os.sysconf("SC_CLK_TCK")
_SESSION, _PROCESSOR_TICKS, _STARTED = 3, slice(11, 15), 19
"""Places behind the name in ``/proc/PID/stat``: session, the four counts of processor time, time of the start."""


class Moment(NamedTuple):
    """A point in a worker's life.

    Attributes:
        clock: Seconds of the monotonic clock before the waits were read.
        after: The same after they were read. The reader may lose its core in between.
        waited: Seconds for which its main thread and those that carry questions to it had waited for a core; none
            where the kernel does not count them.
        used: Seconds of processor time of its threads and of the children that ended, if waits are not counted.
    """

    clock: float
    after: float
    waited: float | None
    used: float = 0.0


class Took(NamedTuple):
    """What a worker says of a call that it answered.

    Attributes:
        seconds: From the question to the reply, by its own clock.
        waited: Those of them without a core for its main thread; none where the kernel does not count them.
    """

    seconds: float
    waited: float | None


class Watched:
    """A process whose time is counted. What counts its waits stays open: to open it takes ten times as long as to read.

    Args:
        pid: The process.
        threads: Those that it had when it was ready: while one of them brings a question, the main thread sleeps.
    """

    def __init__(self, pid: int, threads: Sequence[str] = ()) -> None:
        self.pid = pid
        paths = [f"/proc/{pid}/schedstat", *(f"/proc/{pid}/task/{each}/schedstat" for each in threads)]
        self._files = [file for path in paths if (file := _opened(path)) is not None]

    def close(self) -> None:
        """Give the files back; the process has no waits from now on."""
        while self._files:
            os.close(self._files.pop())

    def moment(self) -> Moment:
        """The present point in the life of the process."""
        clock = time.monotonic()
        waits = [_waited(file) for file in self._files]
        if waits and waits[0] is not None:
            return Moment(clock, time.monotonic(), sum(wait or 0.0 for wait in waits))
        used = _used(self.pid)
        return Moment(clock, time.monotonic(), None, used)

    def own_seconds(self, since: Moment) -> float:
        """Seconds since a moment in which the process computed, slept or was blocked: not those without a free core.

        A busy machine makes a process wait for a core, and does not make this number larger. The wait
        is the one of the thread that waited longest: the main thread (with those that bring it questions), or a
        thread or process that it started since then, such as a compiler. A kernel that does not count waits says only
        whether the process wants a core now; if it does, its processor time is what counts. What passes while the
        counts are read, here and at the earlier moment, is not counted.
        """
        now = self.moment()
        passed = max(0.0, now.clock - since.after)
        if now.waited is None or since.waited is None:
            return min(passed, now.used - since.used) if _runnable(self.pid) else passed
        waited = max(now.waited - since.waited, _longest_wait_of_children(self.pid, since.clock))
        return max(0.0, passed - waited)

    def own_seconds_of(self, since: Moment, took: Took) -> float:
        """The same of a call that was answered, however long the answer waited for the process that asked."""
        if took.waited is None:
            return min(took.seconds, self.own_seconds(since))
        return max(0.0, took.seconds - max(took.waited, _longest_wait_of_children(self.pid, since.clock)))


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _waited(file: int) -> float | None:
    """Seconds for which a task was ready to run and had no core; None if it has ended, or nobody counts."""
    try:
        return int(os.pread(file, _LONGEST_LINE, 0).split()[1]) / _NANOSECONDS
    except (OSError, IndexError, ValueError):
        return None


def _wait_of(task: Path) -> float:
    """The same of a task by its folder."""
    file = _opened(str(task / "schedstat"))
    if file is None:
        return 0.0
    try:
        return _waited(file) or 0.0
    finally:
        os.close(file)


def _fields(path: Path) -> list[str]:
    """What stands behind the name in a ``stat`` file, from the state on; nothing for a process that has ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _used(pid: int) -> float:
    return sum(map(int, _fields(Path(f"/proc/{pid}/stat"))[_PROCESSOR_TICKS])) / _TICKS


def _runnable(pid: int) -> bool:
    """Whether a thread of a process, or of what it started, has a core or waits for one."""
    return any(_fields(task / "stat")[:1] == ["R"] for process in _session(pid) for task in _tasks(process))


def _longest_wait_of_children(pid: int, since: float) -> float:
    """The longest wait of a thread or process of the session that was started since then."""
    ticks = since * _TICKS  # both clocks count from the start of the machine
    return max(
        (
            _wait_of(task)
            for process in _session(pid)
            for task in _tasks(process)
            if task.name != str(pid) and int((_fields(task / "stat") or ["0"] * 20)[_STARTED]) >= ticks
        ),
        default=0.0,
    )


def _session(pid: int) -> list[Path]:
    """The processes of the session that a worker leads."""
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [path for path in processes if _fields(path / "stat")[_SESSION : _SESSION + 1] == [str(pid)]]


def _tasks(process: Path) -> list[Path]:
    try:
        return list((process / "task").iterdir())
    except OSError:
        return []


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory count from now on, where the kernel allows it."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak_bytes(pid: int) -> int:
    """The most memory that a process had at once, since the peak was last forgotten; 0 where nobody says."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
