"""Requests outside a sandbox: `urllib`, with the exceptions of a sandbox."""

from __future__ import annotations

import asyncio
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from .http import HTTPError, Request, Response, failure
from .show import quote


def send(request: Request) -> Response:
    method, url, headers, body, timeout = request
    if urlsplit(url).scheme not in ("http", "https"):
        raise failure("EINVAL", f"{quote(url)} is no URL of http or https")
    made = urllib.request.Request(url, body, dict(headers), method=method)
    given: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
    try:
        try:
            answer: Any = urllib.request.urlopen(made, **given)
        except urllib.error.HTTPError as error:
            # A response like others.
            answer = error
        with answer:
            return Response(answer.status, answer.reason, answer.url, answer.headers.items(), answer.read())
    except OSError as error:
        raise _failure(error) from error


async def send_async(request: Request) -> Response:
    return await asyncio.to_thread(send, request)


_CODES: list[tuple[type[OSError], str]] = [
    (socket.gaierror, "EDNS"),
    (ssl.SSLError, "ETLS"),
    (TimeoutError, "ETIMEDOUT"),
    (ConnectionRefusedError, "ECONNREFUSED"),
]


def _failure(error: OSError) -> HTTPError:
    reason = getattr(error, "reason", error)
    code = next((code for kind, code in _CODES if isinstance(reason, kind)), "ECONNRESET")
    return failure(code, str(reason))
