"""HTTP/1.1 as a client of it writes and reads bytes, made of exchanges with the host.

So clients that speak HTTP over a socket of their own need no other: theirs is replaced by a `Wire`.
"""

import errno

from .exchange import PIECE, Exchange, refusal

# Bytes of a request's head, and of a line between chunks.
MOST_HEAD = 512 * 1024
MOST_LINE = 16 * 1024
PROXIES = "proxies are not possible in a Capsule sandbox: its host makes the connections"


class Wire:
    """One connection, good for one request. `tls` is set by who would have wrapped its socket."""

    def __init__(self, host, port):
        self.host, self.port = host.strip("[]"), port
        self.tls = False
        # Seconds, or None; what it is when the request is sent counts for all of the exchange.
        self.timeout = None
        self._head = bytearray()
        self._request = None
        self._exchange = None
        # Of the body: pieces that were not yet sent, their bytes, and what takes more of it.
        self._pieces, self._size, self._take = [], 0, None
        self._has_body = self._is_complete = self._is_begun = False
        self._response = b""
        self._is_answered = False

    @property
    def is_complete(self):
        """Whether all of a request was written."""
        return self._is_complete

    def take(self, data):
        """Takes bytes of the request."""
        data = bytes(data)
        if self._request is None:
            data = self._take_head(data)
        if data and self._take is None:
            raise refusal(errno.EPIPE, "this connection takes one request")
        if data:
            self._take(data)

    @property
    def is_full(self):
        """Whether it holds so much of the body that it is time to `upload`."""
        return self._size > PIECE

    def answer(self):
        """Sends the request, if it was not sent, and waits for the head of its response. Steps."""
        if self._is_answered:
            return
        if self._request is None or not (self._is_complete or self._is_begun):
            raise refusal(errno.ENOTCONN, "there is no complete HTTP request to answer")
        self._is_answered = True
        if self._size > PIECE or self._is_begun:
            yield from self.upload()
            head, payload = yield from self._exchange.finish()
        else:
            body = b"".join(self._pieces) if self._has_body else None
            self._pieces.clear()
            head, payload = yield from self._begin().send(body)
        self._response = _head_bytes(head) + payload

    def read(self, most):
        """Up to so many bytes of the response, none at its end. Steps."""
        yield from self.answer()
        if not self._response and self._exchange is not None:
            self._response = yield from self._exchange.read()
        piece, self._response = self._response[:most], self._response[most:]
        return piece

    def close(self):
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    def _begin(self):
        method, target, headers = self._request
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme, usual = ("https", 443) if self.tls else ("http", 80)
        port = "" if self.port == usual else f":{self.port}"
        self._exchange = Exchange(method, f"{scheme}://{host}{port}{target}", headers, self.timeout)
        return self._exchange

    def upload(self):
        """Sends what it holds of the body. Steps."""
        if not self._is_begun:
            self._is_begun = True
            yield from self._begin().begin()
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        yield from self._exchange.write(data)

    def _take_head(self, data):
        """Gives what follows the head."""
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > MOST_HEAD:
                raise refusal(errno.EMSGSIZE, f"the head of the request is longer than {MOST_HEAD} bytes")
            return b""
        rest = bytes(self._head[end + 4 :])
        first, *lines = self._head[:end].decode("latin-1").split("\r\n")
        self._head = None
        self._request = (*_target(first), _headers(lines))
        self._frame()
        return rest

    def _frame(self):
        """How the end of the body is told."""
        said = {name.lower(): value for name, value in self._request[2]}
        if "chunked" in said.get("transfer-encoding", "").lower():
            self._has_body = True
            self._take = _Chunks(self._add, self._complete).take
        elif said.get("content-length", "0").strip() not in ("", "0"):
            self._has_body = True
            self._take = _Counted(int(said["content-length"]), self._add, self._complete).take
        else:
            self._complete()

    def _add(self, piece):
        self._pieces.append(piece)
        self._size += len(piece)

    def _complete(self):
        self._is_complete = True
        self._take = None


class _Counted:
    """A body of a known length."""

    def __init__(self, length, add, complete):
        self._left, self._add, self._complete = length, add, complete

    def take(self, data):
        if len(data) > self._left:
            raise refusal(errno.EINVAL, "the body is longer than its Content-Length")
        self._add(data)
        self._left -= len(data)
        if self._left == 0:
            self._complete()


class _Chunks:
    """A body in chunks, without what separates them."""

    def __init__(self, add, complete):
        self._add, self._complete = add, complete
        self._data = b""
        # Bytes of the chunk that are still to come, its line break included; None: the line before it is.
        self._left = None
        self._is_last = False

    def take(self, data):
        data = self._data + data
        at = 0
        while at < len(data):
            if self._left is None:
                end = data.find(b"\r\n", at)
                if end < 0:
                    break
                self._line(data[at:end])
                at = end + 2
            else:
                piece = data[at : at + self._left]
                # The last two bytes are the line break.
                self._add(piece[: max(0, self._left - 2)])
                at += len(piece)
                self._left = self._left - len(piece) or None
        self._data = data[at:]
        if len(self._data) > MOST_LINE:
            raise refusal(errno.EINVAL, "the chunks of the body are malformed")

    def _line(self, line):
        if self._is_last:
            # Trailers end with an empty line.
            if not line:
                self._complete()
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise refusal(errno.EINVAL, "the chunks of the body are malformed") from None
        if size == 0:
            self._is_last = True
        else:
            self._left = size + 2


def _target(line):
    """Method and path of a request's first line."""
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/1."):
        raise refusal(errno.ENOTSUP, "only HTTP/1.1 is possible in a Capsule sandbox")
    if method == "CONNECT" or "://" in target.partition("?")[0] and not target.startswith("/"):
        raise refusal(errno.ENOTSUP, PROXIES)
    if not target.startswith("/"):
        raise refusal(errno.EINVAL, f"{target!r} is no path of a request")
    return method, target


def _headers(lines):
    headers = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:
            # A value that goes on in the next line.
            headers[-1][1] += " " + line.strip()
        else:
            name, _, value = line.partition(":")
            headers.append([name, value.strip(" \t")])
    return headers


# Of the connection between host and server.
_DROPPED = frozenset(("connection", "keep-alive", "transfer-encoding"))


def _head_bytes(head):
    """The head of a response. There is no second request on a connection."""
    lines = [f"HTTP/1.1 {head['status']} {head['statusText']}"]
    lines += [f"{name}: {value}" for name, value in head["headers"] if name.lower() not in _DROPPED]
    lines.append("connection: close\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1", "replace")
