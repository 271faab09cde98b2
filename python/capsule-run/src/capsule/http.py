"""HTTP for tasks: `http.get("https://api.example.com/items", params={"page": 2}).json()`.

`get`, `post`, `put`, `patch`, `delete`, `head` and `request` block; in a sandbox that suspends it and nothing else.
`await fetch(url)` is the same for async code, where many of them run in parallel. A task reaches the hosts in its
`allowed_hosts`. Redirects are followed. In plain Python the same functions use `urllib`.

Whatever keeps a response from coming raises an `HTTPError`; a status of 400 or more does not: see `Response.ok` and
`Response.raise_for_status`.
"""

from __future__ import annotations

import json as _json
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, NamedTuple, Union
from urllib.parse import urlencode, urlsplit, urlunsplit

from .show import show

__all__ = [
    "HTTPError",
    "HTTPForbidden",
    "HTTPStatusError",
    "HTTPTimeout",
    "Headers",
    "Response",
    "delete",
    "fetch",
    "get",
    "head",
    "patch",
    "post",
    "put",
    "request",
]

_Pairs = Union[Mapping[str, Any], Iterable[tuple[str, Any]]]
# Bytes and text as they are; a mapping or pairs as a form; a binary file and an iterable of bytes in pieces.
_Data = Union[bytes, bytearray, memoryview, str, Mapping[str, Any], IO[bytes], Iterable[Any]]

# Bytes that are read of a file at once.
_PIECE = 256 * 1024


class HTTPError(OSError):
    """A request that got no response. `code` says why: `EFORBIDDEN` (the host is not allowed), `EDNS`, `ECONNREFUSED`,
    `ECONNRESET`, `ETLS`, `ETIMEDOUT`, `EREDIRECT`, `EINVAL` (a malformed URL or header), `ELIMIT`, `EABORTED`.
    """

    code: str = ""

    def __init__(self, message: str, code: str = ""):
        super().__init__(message)
        self.code = code


class HTTPForbidden(HTTPError, PermissionError):
    """The host is not in the task's `allowed_hosts`, or may not be reached."""


class HTTPTimeout(HTTPError, TimeoutError):
    """The response, or the next piece of it, did not come in time."""


class HTTPStatusError(HTTPError):
    """What `Response.raise_for_status` raises. `response` is there to be looked at."""

    def __init__(self, response: Response):
        super().__init__(f"{response.status} {response.reason} for {response.url}", "ESTATUS")
        self.response = response


_BY_CODE: dict[str, type[HTTPError]] = {"EFORBIDDEN": HTTPForbidden, "ETIMEDOUT": HTTPTimeout}


def failure(code: str, message: str) -> HTTPError:
    """The exception for a code. For the places that send requests."""
    return _BY_CODE.get(code, HTTPError)(message, code)


class Headers(Mapping[str, str]):
    """Headers of a response; names in any case. Those that came several times are joined by `, `: see `get_all`."""

    def __init__(self, pairs: Iterable[tuple[str, str]]):
        self.pairs = [(str(name), str(value)) for name, value in pairs]

    def get_all(self, name: str) -> list[str]:
        """All values of a header, such as `set-cookie`, in their order."""
        wanted = name.lower()
        return [value for each, value in self.pairs if each.lower() == wanted]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self.pairs))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Headers({self.pairs!r})"


class Response:
    """A response with all of its body. `url` is that of the last request, if redirects were followed."""

    def __init__(self, status: int, reason: str, url: str, headers: Iterable[tuple[str, str]], content: bytes):
        self.status = status
        self.reason = reason
        self.url = url
        self.headers = Headers(headers)
        self.content = content

    @property
    def ok(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body in the encoding that `content-type` names, or UTF-8. What can't be decoded becomes `\\ufffd`."""
        _, _, encoding = self.headers.get("content-type", "").partition("charset=")
        try:
            return self.content.decode(encoding.partition(";")[0].strip(" \"'") or "utf-8", "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` if it is none."""
        return _json.loads(self.content)

    def raise_for_status(self) -> Response:
        """Gives the response itself; raises `HTTPStatusError` if its status is 400 or more."""
        if self.status >= 400:
            raise HTTPStatusError(self)
        return self

    def __repr__(self) -> str:
        return f"<Response [{self.status} {self.reason}]>"


class Request(NamedTuple):
    """A request as the place that sends it gets it. `body`: None, all of it, or its pieces."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | Iterator[bytes] | None
    timeout: float | None


def request(
    method: str,
    url: str,
    *,
    params: _Pairs | None = None,
    headers: _Pairs | None = None,
    json: Any = None,
    data: _Data | None = None,
    timeout: float | None = None,
) -> Response:
    """Sends a request and waits for all of its response.

    `params` are added to the URL's query; a value may be a list, and one that is None is left out. The body is `json`,
    any JSON value but None, or `data`: bytes, text, a mapping or pairs (sent as a form), a binary file, or an iterable
    of bytes, both sent in pieces. `timeout` is in seconds: how long the response may take to begin, and each pause in it.

    Raises `HTTPError`, and `TypeError` or `ValueError` for arguments that can't be sent.
    """
    from . import place

    return place.send(_request(method, url, params, headers, json, data, timeout))


async def fetch(
    url: str,
    *,
    method: str = "GET",
    params: _Pairs | None = None,
    headers: _Pairs | None = None,
    json: Any = None,
    data: _Data | None = None,
    timeout: float | None = None,
) -> Response:
    """`request` for async code: others run while it waits, and it is given up when its task is cancelled."""
    from . import place

    return await place.send_async(_request(method, url, params, headers, json, data, timeout))


def get(url: str, **options: Any) -> Response:
    """A GET request; options as in `request`."""
    return request("GET", url, **options)


def head(url: str, **options: Any) -> Response:
    """A HEAD request; options as in `request`."""
    return request("HEAD", url, **options)


def post(url: str, **options: Any) -> Response:
    """A POST request; options as in `request`."""
    return request("POST", url, **options)


def put(url: str, **options: Any) -> Response:
    """A PUT request; options as in `request`."""
    return request("PUT", url, **options)


def patch(url: str, **options: Any) -> Response:
    """A PATCH request; options as in `request`."""
    return request("PATCH", url, **options)


def delete(url: str, **options: Any) -> Response:
    """A DELETE request; options as in `request`."""
    return request("DELETE", url, **options)


def _request(method: str, url: str, params: Any, headers: Any, json: Any, data: Any, timeout: Any) -> Request:
    if not isinstance(url, str):
        raise TypeError(f"the URL is {show(url)}, not a string")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0):
        raise ValueError(f"timeout is {show(timeout)}; it is a number of seconds above 0, or None")
    given = [(str(name), str(value)) for name, value in _pairs(headers)]
    body, kind = _body(json, data)
    names = {name.lower() for name, _ in given}
    usual = [("user-agent", "capsule"), ("accept", "*/*")] + ([("content-type", kind)] if kind else [])
    given += [(name, value) for name, value in usual if name not in names]
    return Request(method.upper(), _with_query(url, params), given, body, timeout)


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return [] if value is None else list(value.items() if isinstance(value, Mapping) else value)


def _form(value: Any) -> str:
    return urlencode([(name, each) for name, each in _pairs(value) if each is not None], doseq=True)


def _with_query(url: str, params: Any) -> str:
    added = _form(params)
    if not added:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _body(json: Any, data: Any) -> tuple[bytes | Iterator[bytes] | None, str]:
    """The body, and its `content-type` if it is plain."""
    if json is not None:
        if data is not None:
            raise TypeError("a request has json or data, not both")
        return _json.dumps(json, allow_nan=False).encode(), "application/json"
    if data is None:
        return None, ""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), ""
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    if isinstance(data, Mapping) or isinstance(data, (list, tuple)) and all(isinstance(each, tuple) for each in data):
        return _form(data).encode(), "application/x-www-form-urlencoded"
    read = getattr(data, "read", None)
    if read is not None:
        return _pieces(iter(lambda: read(_PIECE), b"")), "application/octet-stream"
    if isinstance(data, Iterable):
        return _pieces(data), "application/octet-stream"
    raise TypeError(f"data is {show(data)}; it is bytes, text, a mapping, pairs, a binary file or an iterable of bytes")


def _pieces(data: Iterable[Any]) -> Iterator[bytes]:
    for piece in data:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"a piece of the body is {show(piece)}, not bytes")
        if len(piece) > 0:
            yield bytes(piece)


for _public in (HTTPError, HTTPForbidden, HTTPTimeout, HTTPStatusError):
    _public.__module__ = "capsule.http"
del _public
