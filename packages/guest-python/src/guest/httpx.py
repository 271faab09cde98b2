"""The network of `httpcore`, of which `httpx` is made."""

import importlib
import sys
from contextlib import contextmanager

from . import exchange, waiting
from .exchange import is_unconnected
from .wire import Wire

_UNIX = "Unix sockets are not possible in a Capsule sandbox"


@contextmanager
def _raising(timed_out, failed):
    """OSErrors as the exceptions of httpcore, by these names where they came after the connection."""
    try:
        yield
    except OSError as error:
        name = "ConnectError" if is_unconnected(error) else timed_out if isinstance(error, TimeoutError) else failed
        raise getattr(sys.modules["httpcore"], name)(str(error)) from error


def _reading():
    return _raising("ReadTimeout", "ReadError")


def _writing():
    return _raising("WriteTimeout", "WriteError")


class _Connection:
    def __init__(self, host, port):
        self._wire = Wire(host, port)

    def get_extra_info(self, info):
        if info == "is_readable":
            return False
        return (self._wire.host, self._wire.port) if info == "server_addr" else None


class Stream(_Connection):
    def read(self, max_bytes, timeout=None):
        self._wire.timeout = timeout
        with _reading():
            return exchange.run(self._wire.read(max_bytes))

    def write(self, buffer, timeout=None):
        self._wire.timeout = timeout
        with _writing():
            self._wire.take(buffer)
            if self._wire.is_full:
                exchange.run(self._wire.upload())

    def close(self):
        self._wire.close()

    def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        self._wire.tls = True
        return self


class AsyncStream(_Connection):
    async def read(self, max_bytes, timeout=None):
        self._wire.timeout = timeout
        with _reading():
            return await waiting.run(self._wire.read(max_bytes))

    async def write(self, buffer, timeout=None):
        self._wire.timeout = timeout
        with _writing():
            self._wire.take(buffer)
            if self._wire.is_full:
                await waiting.run(self._wire.upload())

    async def aclose(self):
        self._wire.close()

    async def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        self._wire.tls = True
        return self


def _mend(backend):
    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        return Stream(host, port)

    def connect_unix_socket(self, path, timeout=None, socket_options=None):
        raise sys.modules["httpcore"].ConnectError(_UNIX)

    backend.connect_tcp, backend.connect_unix_socket = connect_tcp, connect_unix_socket


def _mend_async(backend):
    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        return AsyncStream(host, port)

    async def connect_unix_socket(self, path, timeout=None, socket_options=None):
        raise sys.modules["httpcore"].ConnectError(_UNIX)

    backend.connect_tcp, backend.connect_unix_socket = connect_tcp, connect_unix_socket


def _load_all(module):
    """httpx imports at its first request what all of them need: it shall be there when the program is loaded."""
    for name in ("certifi", "httpcore", "h11", "anyio._backends._asyncio"):
        try:
            importlib.import_module(name)
        except ImportError:
            # Then httpx does without it, or says so itself.
            pass


def _mend_contexts(module):
    make = module.create_ssl_context

    def create_ssl_context(verify=True, cert=None, trust_env=True):
        # A context has no effect; the environment is not asked for one, so that a client may be made at the top level.
        return make(verify, cert, False)

    module.create_ssl_context = create_ssl_context


REPAIRS = {
    "httpx": _load_all,
    "httpx._config": _mend_contexts,
    "httpcore._backends.sync": lambda module: _mend(module.SyncBackend),
    "httpcore._backends.auto": lambda module: _mend_async(module.AutoBackend),
    "httpcore._backends.anyio": lambda module: _mend_async(module.AnyIOBackend),
}
