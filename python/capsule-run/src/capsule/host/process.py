"""One worker: a process, and the threads that read what it says."""

from __future__ import annotations

import collections
import contextlib
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from . import wire
from .errors import UsageError
from .location import environment_mark

_READ_BYTES = 1024 * 1024
_STDERR_BYTES = 16 * 1024
# How often a thread that waits for the worker to read looks whether it still has to.
_LOOK_SECONDS = 1.0
_WINDOWS = sys.platform == "win32"


class Worker:
    """A process that serves this one. It ends when its stdin does, so it does not outlive this one."""

    def __init__(
        self,
        command: Sequence[str],
        env: dict[str, str],
        cwd: str,
        on_message: Callable[[Worker, dict[str, Any], int], None],
        on_end: Callable[[Worker], None],
    ):
        """`on_message` and `on_end` are called by a thread of the worker's own; the last with what a line had of bytes."""
        # Of this process when it was started, whose environment it has.
        self.environment = environment_mark()
        self.dead = False
        self.exit_code: int | None = None
        # Lines that were written.
        self.lines = 0
        self._on_message = on_message
        self._on_end = on_end
        self._lock = threading.Lock()
        self._backlog: collections.deque[memoryview] = collections.deque()
        self._writer: threading.Thread | None = None
        self._stdin_open = True
        self._stderr = b""
        try:
            self._process = _spawn(command, env, cwd)
        except OSError as error:
            raise UsageError("engine", f"the worker can't be started: {error}") from error
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._stdin = self._process.stdin.fileno()
        if not _WINDOWS:
            os.set_blocking(self._stdin, False)
        self._listener = threading.Thread(target=self._listen, name="capsule-stderr", daemon=True)
        self._listener.start()
        threading.Thread(target=self._read, name="capsule-worker", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stderr(self) -> str:
        """The last of what it said to people."""
        return self._stderr.decode("utf-8", "replace")

    def write(self, line: bytes) -> int:
        """Sends a line, without waiting for the worker to read it. Gives the line's number, counted from 1."""
        with self._lock:
            self.lines += 1
            if self._stdin_open:
                rest = memoryview(line)
                if not self._backlog and not _WINDOWS:
                    rest = self._write_some(rest)
                if rest:
                    self._backlog.append(rest)
                    self._start_writer()
            return self.lines

    def _write_some(self, data: memoryview) -> memoryview:
        """Writes what there is room for, and gives the rest. Called with the lock held."""
        try:
            while data:
                data = data[os.write(self._stdin, data) :]
        except BlockingIOError:
            pass
        except OSError:
            # It reads no more: its end is about to be noticed.
            return data[:0]
        return data

    def _start_writer(self) -> None:
        if self._writer is not None and self._writer.is_alive():
            return
        self._writer = threading.Thread(target=self._write_backlog, name="capsule-writer", daemon=True)
        try:
            self._writer.start()
        except RuntimeError:
            # The interpreter is ending, and starts no threads: nobody waits for an answer any more.
            self._backlog.clear()

    def _write_backlog(self) -> None:
        if _WINDOWS:
            self._write_blocking()
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdin, selectors.EVENT_WRITE)
            while True:
                ready = selector.select(_LOOK_SECONDS)
                with self._lock:
                    while ready and self._backlog and self._stdin_open:
                        self._backlog[0] = self._write_some(self._backlog[0])
                        if self._backlog[0]:
                            break
                        self._backlog.popleft()
                    if not self._backlog or not self._stdin_open:
                        self._writer = None
                        return

    def _write_blocking(self) -> None:
        while True:
            with self._lock:
                if not self._backlog or not self._stdin_open:
                    self._writer = None
                    return
                data = self._backlog.popleft()
            with contextlib.suppress(OSError):
                while data:
                    data = data[os.write(self._stdin, data) :]

    def _read(self) -> None:
        assert self._process.stdout
        fd = self._process.stdout.fileno()
        pieces: list[bytes] = []
        try:
            while data := os.read(fd, _READ_BYTES):
                *lines, rest = data.split(b"\n")
                for line in lines:
                    if pieces:
                        line = b"".join((*pieces, line))
                        pieces = []
                    self._take(line)
                if rest:
                    pieces.append(rest)
        except OSError:
            # The same as an end.
            pass
        self._end()

    def _take(self, line: bytes) -> None:
        if not line:
            return
        try:
            message = wire.decode(line)
        except ValueError:
            # No message: whatever wrote that is not a worker. What it does not answer fails when it ends.
            return
        if isinstance(message, dict):
            self._on_message(self, message, len(line))

    def _end(self) -> None:
        assert self._process.stdout
        with self._lock:
            self._shut_stdin()
        # Without stdout and stdin it is of no use, should it still be there.
        try:
            self.exit_code = self._process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.exit_code = self._process.wait()
        self._process.stdout.close()
        self._listener.join(_LOOK_SECONDS)
        self.dead = True
        self._on_end(self)

    def _listen(self) -> None:
        assert self._process.stderr
        with contextlib.suppress(OSError), self._process.stderr as stream:
            while data := os.read(stream.fileno(), _READ_BYTES):
                self._stderr = (self._stderr + data)[-_STDERR_BYTES:]

    def _shut_stdin(self) -> None:
        if self._stdin_open:
            self._stdin_open = False
            with contextlib.suppress(OSError):
                assert self._process.stdin
                self._process.stdin.close()

    def begin_close(self) -> None:
        """Asks it to cancel what is open, to answer, and to end."""
        with self._lock:
            if not self._backlog:
                # An end of stdin is the same request as `close`.
                self._shut_stdin()
                return
        self.write(wire.line({"type": "close"}))

    def wait(self, seconds: float) -> None:
        """Waits for its end, and ends it if it takes longer."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def forget(self) -> None:
        """In a forked child: the process is the parent's, and so are its ends of the pipes."""
        self._stdin_open = False
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        # It is no child of this process, which would otherwise complain that it is still running.
        self._process.returncode = 0


def _spawn(command: Sequence[str], env: dict[str, str], cwd: str) -> subprocess.Popen[bytes]:
    # A group of its own: an interrupt at the terminal is for this process, which cancels what it has to.
    flags = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW") if _WINDOWS else ()
    return subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=env,
        cwd=cwd,
        start_new_session=not _WINDOWS,
        creationflags=sum(getattr(subprocess, flag) for flag in flags),
    )
