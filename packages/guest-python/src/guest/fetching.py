"""`capsule.http` in a sandbox."""

from capsule.http import Response, failure

from . import exchange, waiting
from .exchange import PIECE, Exchange

# What the host decompresses.
_CODINGS = ("accept-encoding", "gzip, deflate, br")


def send(request):
    try:
        return exchange.run(_steps(request))
    except OSError as error:
        raise _failure(error) from None


async def send_async(request):
    try:
        return await waiting.run(_steps(request))
    except OSError as error:
        raise _failure(error) from None


def _failure(error):
    return failure(getattr(error, "capsule_code", ""), str(error.strerror or error))


def _steps(request):
    method, url, headers, body, timeout = request
    if not any(name.lower() == "accept-encoding" for name, _ in headers):
        headers = [*headers, _CODINGS]
    asked = Exchange(method, url, headers, timeout, redirect="follow")
    try:
        if body is None or isinstance(body, bytes):
            head, first = yield from asked.send(body)
        else:
            head, first = yield from _upload(asked, body)
        pieces = [first]
        while piece := (yield from asked.read()):
            pieces.append(piece)
    finally:
        asked.close()
    return Response(head["status"], head["statusText"], head["url"], head["headers"], b"".join(pieces))


def _upload(asked, body):
    """Sends pieces as they come, small ones together."""
    yield from asked.begin()
    held, size = [], 0
    for piece in body:
        if size + len(piece) > PIECE:
            yield from asked.write(b"".join(held))
            held, size = [], 0
        held.append(piece)
        size += len(piece)
    yield from asked.write(b"".join(held))
    return (yield from asked.finish())
