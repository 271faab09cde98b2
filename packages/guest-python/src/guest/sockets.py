"""What the HTTP clients of the library and urllib3 take for a connected socket."""

import io
import socket

from .exchange import run
from .wire import Wire


def connect(address, timeout=socket._GLOBAL_DEFAULT_TIMEOUT, source_address=None, **options):
    """In place of `socket.create_connection`. Connects nothing: that is when the request is complete."""
    return WireSocket(address, timeout, True)


def connect_late(address, timeout=socket._GLOBAL_DEFAULT_TIMEOUT, source_address=None, socket_options=None):
    """For clients that set the time for the answer only when they begin to read it."""
    return WireSocket(address, timeout, False)


class WireSocket:
    family, type, proto = socket.AF_INET, socket.SOCK_STREAM, 0

    def __init__(self, address, timeout, is_eager):
        self.wire = Wire(*address[:2])
        self.context = None
        self._is_eager = is_eager
        self._late = None
        self._readers = 0
        self._is_closed = False
        self.settimeout(timeout)

    def settimeout(self, timeout):
        self.wire.timeout = socket.getdefaulttimeout() if timeout is socket._GLOBAL_DEFAULT_TIMEOUT else timeout

    def gettimeout(self):
        return self.wire.timeout

    def setblocking(self, flag):
        self.settimeout(None if flag else 0.0)

    def sendall(self, data, flags=0):
        if self._is_closed:
            raise OSError(9, "Bad file descriptor")
        wire = self.wire
        wire.take(data)
        if wire.is_full:
            run(wire.upload())
        if self._is_eager and wire.is_complete:
            try:
                run(wire.answer())
            except TimeoutError as error:
                # The clients expect it where they wait for the answer.
                self._late = error

    def send(self, data, flags=0):
        self.sendall(data, flags)
        return len(data)

    def recv(self, size, flags=0):
        if self._late is not None:
            raise self._late
        return run(self.wire.read(size))

    def recv_into(self, buffer, size=0, flags=0):
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode="r", buffering=None, *, encoding=None, errors=None, newline=None):
        if "w" in mode or "b" not in mode:
            raise ValueError(f"invalid mode {mode!r} (only rb is possible in a Capsule sandbox)")
        self._readers += 1
        raw = _Reader(self)
        return raw if buffering == 0 else io.BufferedReader(raw, buffering or 64 * 1024)

    def setsockopt(self, *args):
        pass

    def getsockopt(self, *args):
        return 0

    def getpeername(self):
        return self.wire.host, self.wire.port

    def getsockname(self):
        return "0.0.0.0", 0

    def fileno(self):
        return -1

    def getpeercert(self, binary_form=False):
        """For clients that compare names themselves: the host makes sure that the server's certificate has its name."""
        if binary_form:
            return None
        name = self.wire.host
        is_address = ":" in name or name.replace(".", "").isdigit()
        return {"subjectAltName": (("IP Address" if is_address else "DNS", name),)}

    def selected_alpn_protocol(self):
        return None

    def cipher(self):
        return None

    def version(self):
        return None

    def pending(self):
        return 0

    def shutdown(self, how):
        self.wire.close()

    def unwrap(self):
        return self

    def close(self):
        self._is_closed = True
        self._close()

    def reader_closed(self):
        self._readers -= 1
        self._close()

    def _close(self):
        # As with real sockets: a response may be read when its connection was closed.
        if self._is_closed and self._readers <= 0:
            self.wire.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


class _Reader(io.RawIOBase):
    def __init__(self, sock):
        self._sock = sock

    def readable(self):
        return True

    def fileno(self):
        return self._sock.fileno()

    def readinto(self, buffer):
        return self._sock.recv_into(buffer)

    def readall(self):
        pieces = []
        while piece := self._sock.recv(1 << 30):
            pieces.append(piece)
        return b"".join(pieces)

    def close(self):
        if not self.closed:
            super().close()
            self._sock.reader_closed()
