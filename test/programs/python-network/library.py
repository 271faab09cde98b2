"""What a program does with the network by the standard library and capsule.http. SERVER is the server's host and port."""

import asyncio
import http.client
import http.cookiejar
import json
import socket
import ssl
import urllib.error
import urllib.request

import capsule
from capsule import task

URL = "http://SERVER"
ALLOWED = ["SERVER", "127.0.0.1:1"]
open_url = urllib.request.urlopen


def failure(fn, *args, **kwargs):
    try:
        return ["nothing", fn(*args, **kwargs)]
    except Exception as error:
        return [type(error).__name__, type(getattr(error, "reason", None)).__name__, str(error)]


def echo():
    request = urllib.request.Request(f"{URL}/echo?a=b", b"body", {"X-One": "1"}, method="PUT")
    with open_url(request, timeout=5) as response:
        said = json.load(response)
    return [response.status, said["method"], said["url"], said["body"], said["headers"]["x-one"]]


def headers():
    response = open_url(f"{URL}/headers")
    names = ("set-cookie", "x-twice", "x-latin")
    return [response.status, response.reason, *(response.headers.get_all(name) for name in names)]


def redirect():
    response = open_url(f"{URL}/redirect?to=/echo")
    return response.url.removeprefix(URL)


def not_followed():
    connection = http.client.HTTPConnection("SERVER")
    connection.request("GET", "/redirect?to=http://api.evil.com/")
    response = connection.getresponse()
    return [response.status, response.getheader("location"), response.read().decode()]


def redirect_away():
    return failure(open_url, f"{URL}/redirect?to=http://169.254.169.254/")


def gzip():
    return open_url(f"{URL}/gzip").read().decode() == "é" * 1000


def big():
    response = open_url(f"{URL}/big?size=5000000")
    return [response.headers["content-length"], len(response.read(10)), len(response.read())]


def events():
    lines = []
    for line in open_url(f"{URL}/events?room=urllib"):
        lines.append(line.decode().rstrip())
        if not lines[-1]:
            open_url(f"{URL}/tell?urllib{len(lines) // 3 - 1}").close()
    return lines


def upload():
    connection = http.client.HTTPConnection("SERVER")
    pieces = (b"x" * 50_000 for _ in range(100))
    connection.request("POST", "/upload?room=client", pieces, encode_chunked=True)
    return json.load(connection.getresponse())


def statuses():
    try:
        open_url(f"{URL}/nothing")
    except urllib.error.HTTPError as error:
        return [error.status, error.read().decode(), open_url(f"{URL}/status?code=204").status]


def late():
    return failure(open_url, f"{URL}/never", timeout=0.2)


def late_body():
    response = open_url(f"{URL}/never?head", timeout=0.3)
    return [response.read(5).decode(), failure(response.read, 1)[0]]


def cut():
    return failure(open_url(f"{URL}/cut").read)[0]


def refused():
    return failure(open_url, "http://127.0.0.1:1/")


def forbidden():
    return failure(open_url, "https://api.evil.com/", context=ssl._create_unverified_context())


def other_host_header():
    return failure(open_url, urllib.request.Request(f"{URL}/echo", headers={"Host": "api.evil.com"}))


def sockets():
    return [failure(socket.socket), failure(socket.create_connection, ("127.0.0.1", 1))]


def small():
    response = capsule.http.post(f"{URL}/echo", params={"a": 1}, json={"b": [None]}, timeout=5)
    said = response.raise_for_status().json()
    return [response.status, said["url"], said["body"], capsule.http.get(f"{URL}/redirect?to=/gzip").text[:2]]


def small_upload():
    return capsule.http.put(f"{URL}/upload?room=small", data=(b"x" * 100_000 for _ in range(40))).json()["size"]


def small_failures():
    return [
        failure(capsule.http.get, "http://api.evil.com/"),
        failure(capsule.http.get, f"{URL}/never", timeout=0.2),
        failure(capsule.http.get, f"{URL}/redirect?to=http://[::ffff:127.0.0.1]:1/"),
    ]


def credentials():
    return failure(capsule.http.get, "http://user:secret@api.evil.com/")[0]


async def parallel():
    """The last request lets the others end."""
    waiting = [capsule.http.fetch(f"{URL}/wait?fetches") for _ in range(20)]
    responses = await asyncio.gather(*waiting, capsule.http.fetch(f"{URL}/tell?fetches"))
    return [response.status for response in responses]


async def cancelled():
    try:
        async with asyncio.timeout(0.2):
            await capsule.http.fetch(f"{URL}/never")
    except TimeoutError:
        return "cancelled"


def waits():
    """Blocks its sandbox until another task has told it to go on."""
    return open_url(f"{URL}/wait?sandbox").status


async def tells():
    await asyncio.sleep(0.1)
    return open_url(f"{URL}/tell?sandbox").status


CASES = [
    *(echo, headers, redirect, not_followed, redirect_away, gzip, big, events, upload, statuses, late, late_body, cut),
    *(refused, forbidden, other_host_header, sockets, small, small_upload, small_failures, credentials, parallel),
    *(cancelled, waits, tells),
]


@task(compute="HIGH", allowed_hosts=ALLOWED)
async def one(number):
    result = CASES[number]()
    return await result if asyncio.iscoroutine(result) else result


@task
async def main():
    rows = await asyncio.gather(*(one(number) for number in range(len(CASES))))
    return {case.__name__: row for case, row in zip(CASES, rows, strict=True)}
