"""The event loop of asyncio, without a selector: what it waits for are timers and calls of tasks.

It runs in one of two ways. An async task is driven from outside: `turn` runs until nothing is ready, and the sandbox
rests with no frame alive. `asyncio.run()` in a sync task blocks: where it would wait, the sandbox is suspended.
"""

import asyncio
import errno
import math
import sys
from asyncio import base_events, events, tasks
from heapq import heappop
from time import time

from . import door
from .calls import deliver, pending_calls
from .errors import HIDDEN
from .output import flush


# Rounds of a loop that is never idle, after which the host is asked whether a call is complete.
BUSY_ROUNDS = 200


class CapsuleEventLoop(base_events.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = self
        self._driven = False
        self._rounds = 0

    def select(self, timeout):
        """What a selector does: the only place where a loop waits."""
        if not self._driven and (timeout is None or timeout > 0 or self._is_busy()):
            self._rounds = 0
            flush()
            deliver(door.rest(wake_at(timeout), pending_calls()))
        return ()

    def _is_busy(self):
        """Whether tasks that always have something to do kept the host from delivering completions."""
        self._rounds += 1
        return self._rounds >= BUSY_ROUNDS and pending_calls() > 0

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        # There is nobody who could call from another thread while the loop waits.
        pass

    def turn(self):
        """Runs until nothing is ready or `stop` is called. Gives the seconds until the next timer, or None."""
        self._driven = True
        self._rounds = 0
        self._run_forever_setup()
        try:
            while True:
                self._run_once()
                if self._stopping:
                    return None
                timer = self._next_timer()
                if not self._ready and (timer is None or timer > self.time() + self._clock_resolution):
                    break
                if self._is_busy():
                    return 0.0
        finally:
            self._run_forever_cleanup()
            self._driven = False
        return None if timer is None else max(0.0, timer - self.time())

    def _next_timer(self):
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heappop(scheduled)._scheduled = False
        return scheduled[0]._when if scheduled else None

    def run_in_executor(self, executor, func, *args):
        self._check_closed()
        self._check_callback(func, "run_in_executor")
        if executor is not None:
            return asyncio.wrap_future(executor.submit(func, *args), loop=self)
        future = self.create_future()
        try:
            future.set_result(detached(func, args, {}))
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            future.set_exception(error.with_traceback(without_ours(error.__traceback__)))
        return future

    def set_default_executor(self, executor):
        pass


def without_ours(frames):
    """A traceback from where the program's own code begins in it."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(HIDDEN):
        frames = frames.tb_next
    return frames


def wake_at(timeout):
    """The time in so many seconds as the door has it: ms since 1970; empty for None. Never too early."""
    if timeout is None:
        return b""
    return b"%.3f" % (math.ceil((time() + timeout) * 1e6) / 1e3)


def detached(func, args, kwargs):
    """Calls a function as another thread would run it: it sees no running loop, so it may run one of its own."""
    loop = events._get_running_loop()
    if loop is None:
        return func(*args, **kwargs)
    task = tasks._swap_current_task(loop, None)
    events._set_running_loop(None)
    try:
        return func(*args, **kwargs)
    finally:
        events._set_running_loop(loop)
        tasks._swap_current_task(loop, task)


# What needs sockets, processes, pipes or signals, by what it takes to say so.
_NOT_HERE = {
    "sockets": "add_reader remove_reader add_writer remove_writer sock_accept sock_connect sock_recv sock_recv_into "
    "sock_recvfrom sock_recvfrom_into sock_sendall sock_sendto sock_sendfile create_connection create_server "
    "create_datagram_endpoint create_unix_connection create_unix_server connect_accepted_socket start_tls getaddrinfo "
    "getnameinfo",
    "processes": "subprocess_exec subprocess_shell",
    "pipes": "connect_read_pipe connect_write_pipe",
}


def _refusal(name, what):
    def refuse(self, *args, **kwargs):
        instead = ": use httpx or capsule.http" if what == "sockets" else ""
        raise OSError(errno.ENOTSUP, f"{name}: {what} are not possible in a Capsule sandbox{instead}")

    async def refuse_async(self, *args, **kwargs):
        refuse(self)

    chosen = refuse_async if asyncio.iscoroutinefunction(getattr(events.AbstractEventLoop, name)) else refuse
    chosen.__name__ = chosen.__qualname__ = name
    return chosen


def _no_signals(self, *args, **kwargs):
    raise NotImplementedError("signal handlers are not possible in a Capsule sandbox: nobody sends signals")


def install():
    """Makes it the loop that everything in asyncio makes."""
    for what, names in _NOT_HERE.items():
        for name in names.split():
            setattr(CapsuleEventLoop, name, _refusal(name, what))
    CapsuleEventLoop.add_signal_handler = CapsuleEventLoop.remove_signal_handler = _no_signals
    CapsuleEventLoop.__module__ = "asyncio"
    policy = events._get_event_loop_policy()
    type(policy)._loop_factory = CapsuleEventLoop
    for module in (asyncio, sys.modules[type(policy).__module__]):
        module.SelectorEventLoop = module.EventLoop = CapsuleEventLoop
