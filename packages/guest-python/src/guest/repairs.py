"""The standard library where it meets what a sandbox can't do: the exception that Python's users expect, saying that it
is the sandbox. And what can be done without threads: executors that run inline.

Modules are mended when the import system has executed them, so that `importlib.reload` keeps it.
"""

import errno
import sys

from . import clients

IN = "in a Capsule sandbox"
THREADS = f"threads are not possible {IN}: use asyncio, or call tasks, which run in parallel"
PROCESSES = f"processes are not possible {IN}: call tasks, which run in parallel"
SOCKETS = f"sockets are not possible {IN}: use urllib.request, http.client, requests, httpx or capsule.http"


def refuse(make_error):
    """A function that takes anything and raises."""

    def refused(*args, **kwargs):
        raise make_error()

    return refused


def not_supported(message):
    return lambda: OSError(errno.ENOTSUP, message)


def _no_thread():
    return RuntimeError(f"can't start new thread: {THREADS}")


def _missing(module, names, why):
    """Names that this platform's module does not have: `hasattr` stays false, but the error says why."""
    absent = frozenset(names.split())
    full = module.__name__
    other = module.__dict__.get("__getattr__")

    def __getattr__(name):
        if name in absent:
            raise AttributeError(f"{full}.{name}: {why}", name=name, obj=module)
        if other is not None:
            return other(name)
        raise AttributeError(f"module {full!r} has no attribute {name!r}", name=name, obj=module)

    module.__getattr__ = __getattr__


def mend_builtins():
    """What is there before any module of the library is imported."""
    import _thread
    import os

    # What CPython says where it does not know: there is no file to execute.
    sys.executable = sys._base_executable = ""
    # Modules read these when they are imported; `threading` cleans up after itself when they raise.
    _thread.start_new_thread = _thread.start_new = _thread.start_joinable_thread = refuse(_no_thread)
    _mend_chdir(os)
    no_process = refuse(not_supported(PROCESSES))
    os.system = no_process
    for name in "execl execle execlp execlpe execvp execvpe".split():
        setattr(os, name, no_process)
    _missing(
        os,
        "fork forkpty execv execve kill killpg pipe posix_spawn posix_spawnp spawnl spawnle spawnlp spawnlpe spawnv "
        "spawnve spawnvp spawnvpe startfile wait wait3 wait4 waitid waitpid setsid setpgid getpgid getppid",
        PROCESSES,
    )


def _mend_chdir(os):
    """WASI knows no working directory: its C library puts paths together, and leaves `..` in what `getcwd` gives."""
    change = os.chdir

    def chdir(path):
        change(path)
        here = os.getcwd()
        if here != "/" and ("/." in here or "//" in here or here.endswith("/")):
            change(os.path.realpath(here))

    chdir.__doc__, chdir.__qualname__ = change.__doc__, change.__qualname__
    os.chdir = chdir


def _mend_threading(module):
    wait = module.Condition.wait

    def wait_or_refuse(self, timeout=None):
        if timeout is None:
            if not self._is_owned():
                raise RuntimeError("cannot wait on un-acquired lock")
            raise RuntimeError(f"this would wait forever: {THREADS}")
        return wait(self, timeout)

    wait_or_refuse.__doc__ = wait.__doc__
    wait_or_refuse.__name__, wait_or_refuse.__qualname__ = wait.__name__, wait.__qualname__
    module.Condition.wait = wait_or_refuse


class inline:
    """How a call is made that another thread would have made, and what its traceback is; set at the end of the boot."""

    call = None
    trim = None


def _run_inline(fn, args, kwargs):
    """What `submit` does where there are no threads: the call, at once."""
    from concurrent.futures import Future

    future = Future()
    future.set_running_or_notify_cancel()
    try:
        result = inline.call(fn, args, kwargs)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        future.set_exception(error.with_traceback(inline.trim(error.__traceback__)))
    else:
        future.set_result(result)
    return future


def _mend_thread_pool(module):
    pool = module.ThreadPoolExecutor
    make = pool.__init__

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=(), **kwargs):
        make(self, max_workers, thread_name_prefix, initializer, initargs, **kwargs)
        self._capsule_start = None if initializer is None else (initializer, initargs)

    def submit(self, fn, /, *args, **kwargs):
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._capsule_start is not None:
            (initializer, initargs), self._capsule_start = self._capsule_start, None
            initializer(*initargs)
        return _run_inline(fn, args, kwargs)

    submit.__doc__ = pool.submit.__doc__
    pool.__init__, pool.submit = __init__, submit


def _mend_process_pool(module):
    from concurrent.futures.thread import ThreadPoolExecutor

    class ProcessPoolExecutor(ThreadPoolExecutor):
        """Runs what is submitted at once, in the sandbox itself."""

        def __init__(
            self, max_workers=None, mp_context=None, initializer=None, initargs=(), *, max_tasks_per_child=None
        ):
            super().__init__(max_workers, "", initializer, initargs)

    ProcessPoolExecutor.__module__ = module.__name__
    ProcessPoolExecutor.__qualname__ = "ProcessPoolExecutor"
    module.ProcessPoolExecutor = ProcessPoolExecutor


def _mend_subprocess(module):
    module.Popen.__init__ = refuse(not_supported(PROCESSES))


def _mend_socket(module):
    gaierror = getattr(module, "gaierror", OSError)
    no_name = refuse(lambda: gaierror(-4, SOCKETS))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        setattr(module, name, no_name)
    module.socket.__init__ = refuse(not_supported(SOCKETS))
    module.socketpair = refuse(not_supported(SOCKETS))


def _mend_multiprocessing(module):
    module.BaseProcess.start = refuse(not_supported(PROCESSES))


def _mend_pool(module):
    module.Pool.__init__ = refuse(not_supported(PROCESSES))
    module.Pool.__del__ = lambda self: None


def _mend_signal(module):
    raise_signal = module.raise_signal

    def raise_known_signal(signalnum, /):
        # The engine's C library ends the interpreter for a number that is none.
        if isinstance(signalnum, int) and not 0 < signalnum < module.NSIG:
            raise OSError(errno.EINVAL, "Invalid argument")
        return raise_signal(signalnum)

    raise_known_signal.__doc__ = raise_signal.__doc__
    raise_known_signal.__name__ = raise_known_signal.__qualname__ = "raise_signal"
    module.raise_signal = raise_known_signal
    _missing(module, "alarm setitimer getitimer pause pthread_kill sigwait", f"signals are not possible {IN}")


def _mend_ctypes(module):
    # The engine's is a shell that some packages import.
    refused = refuse(lambda: OSError(f"native libraries are not possible {IN}"))
    module.CDLL.__init__ = refused
    module.LibraryLoader.LoadLibrary = refused


def _mend_mmap(module):
    class mmap:
        def __new__(cls, *args, **kwargs):
            raise OSError(errno.ENOTSUP, f"files can't be mapped into memory {IN}: read them")

    mmap.__module__ = module.__name__
    mmap.__qualname__ = "mmap"
    module.mmap = mmap


# By the name of the module, after it was executed.
REPAIRS = {
    "threading": _mend_threading,
    "concurrent.futures.thread": _mend_thread_pool,
    "concurrent.futures.process": _mend_process_pool,
    "subprocess": _mend_subprocess,
    "socket": _mend_socket,
    "multiprocessing.process": _mend_multiprocessing,
    "multiprocessing.pool": _mend_pool,
    "signal": _mend_signal,
    "ctypes": _mend_ctypes,
    "mmap": _mend_mmap,
    **clients.REPAIRS,
}

# Modules that this platform's library lacks, and why.
_ABSENT = {
    "_ctypes": f"native libraries are not possible {IN}",
    "_multiprocessing": PROCESSES,
    "_posixshmem": PROCESSES,
    "_posixsubprocess": PROCESSES,
    "_interpreters": f"subinterpreters are not possible {IN}",
    "fcntl": f"locks and controls of files are not possible {IN}",
    "termios": f"there is no terminal {IN}",
    "_curses": f"there is no terminal {IN}",
    "readline": f"there is no terminal {IN}",
    "pwd": f"there are no users {IN}",
    "grp": f"there are no users {IN}",
    "resource": f"resource limits are set from outside {IN}: see the options of @task",
    "syslog": f"there is no system log {IN}",
    "tkinter": f"there is no screen {IN}",
    "_tkinter": f"there is no screen {IN}",
}


class _Absent:
    """The last finder: says why a module is not there. `importlib.util.find_spec` still gives None."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        why = _ABSENT.get(name)
        if why is not None and _is_import():
            raise ModuleNotFoundError(f"No module named {name!r}: {why}", name=name)


def _is_import():
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_name == "_find_spec":
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "_find_and_load_unlocked"


def install():
    mend_builtins()
    sys.meta_path.append(_Absent)
