"""What a program does with the network by requests, urllib3 and, where it is installed, httpx. SERVER is the server's
host and port.
"""

import asyncio
import importlib.util
import json

import requests
import urllib3
from capsule import task

httpx = __import__("httpx") if importlib.util.find_spec("httpx") else None
# Made while the program is loaded, used in tasks.
SESSION = requests.Session()
CLIENT = httpx and httpx.Client()
ASYNC_CLIENT = httpx and httpx.AsyncClient()
URL = "http://SERVER"
ALLOWED = ["SERVER", "127.0.0.1:1"]


def failure(fn, *args, **kwargs):
    try:
        return ["nothing", str(fn(*args, **kwargs))]
    except Exception as error:
        return [type(error).__name__, str(error)]


def tell(room):
    requests.get(f"{URL}/tell?{room}")


def requests_echo():
    said = SESSION.post(f"{URL}/echo", params={"a": "b"}, json={"c": 1}, headers={"X-One": "1"}, timeout=5).json()
    return [said["method"], said["url"], said["body"], said["headers"]["x-one"]]


def requests_session():
    session = requests.Session()
    response = session.get(f"{URL}/headers")
    said = session.get(f"{URL}/redirect?to=/echo")
    history = [each.status_code for each in said.history]
    return [response.status_code, response.reason, dict(session.cookies), history, said.json()["headers"]["cookie"]]


def requests_bodies():
    files = {"file": ("a.txt", b"hello")}
    said = requests.post(f"{URL}/echo", files=files, data={"x": "y"}).json()
    pieces = requests.post(f"{URL}/upload?room=requests", data=(b"x" * 50_000 for _ in range(60))).json()
    return [said["body"].count("Content-Disposition"), "hello" in said["body"], pieces]


def requests_gzip():
    response = requests.get(f"{URL}/gzip")
    return [response.content.decode() == "é" * 1000, response.headers.get("content-encoding")]


def requests_events():
    lines = []
    with requests.get(f"{URL}/events?room=requests", stream=True) as response:
        for line in response.iter_lines(chunk_size=1):
            lines.append(line.decode())
            if not line:
                tell(f"requests{len(lines) // 3 - 1}")
    return lines


def requests_stream():
    with requests.get(f"{URL}/big?size=2000000", stream=True) as response:
        return sum(len(piece) for piece in response.iter_content(64 * 1024))


def requests_left():
    response = requests.get(f"{URL}/never?head", stream=True)
    response.close()
    return response.status_code


def requests_failures():
    return [
        failure(requests.get, f"{URL}/never", timeout=(0.05, 0.2)),
        failure(requests.get, "https://api.evil.com/"),
        failure(requests.get, "http://127.0.0.1:1/"),
        failure(requests.get, f"{URL}/cut"),
        failure(requests.get, URL, proxies={"http": "http://127.0.0.1:1"}),
    ]


def urllib3_pool():
    pool = urllib3.PoolManager(retries=False)
    first = pool.request("GET", f"{URL}/echo", headers={"X-One": "1"})
    said = json.loads(first.data)
    late = failure(pool.request, "GET", f"{URL}/never", timeout=urllib3.Timeout(connect=1, read=0.2))
    pieces = pool.request("GET", f"{URL}/big?size=300000", preload_content=False)
    return [first.status, said["headers"]["x-one"], late[0], sum(len(piece) for piece in pieces.stream(50_000))]


def httpx_echo():
    said = CLIENT.post(f"{URL}/echo", params={"a": "b"}, json={"c": 1}, headers={"X-One": "1"}).json()
    return [said["method"], said["url"], json.loads(said["body"]), said["headers"]["x-one"]]


def httpx_client():
    with httpx.Client(follow_redirects=True, verify=False) as client:
        response = client.get(f"{URL}/headers")
        said = client.get(f"{URL}/redirect?to=/echo")
    history = [each.status_code for each in said.history]
    return [response.status_code, response.reason_phrase, dict(client.cookies), history, said.json()["headers"]["cookie"]]


def httpx_upload():
    pieces = (b"x" * 50_000 for _ in range(60))
    return httpx.post(f"{URL}/upload?room=httpx", content=pieces).json()


def httpx_events():
    lines = []
    with httpx.stream("GET", f"{URL}/events?room=httpx") as response:
        for line in response.iter_lines():
            lines.append(line)
            if not line:
                tell(f"httpx{len(lines) // 3 - 1}")
    return lines


def httpx_failures():
    return [
        failure(httpx.get, f"{URL}/never", timeout=0.2),
        failure(httpx.get, "https://api.evil.com/"),
        failure(httpx.get, "http://127.0.0.1:1/"),
        failure(httpx.get, f"{URL}/cut"),
        failure(httpx.get, URL, proxy="http://127.0.0.1:1"),
    ]


async def async_parallel():
    """The last request lets the others end."""
    async with httpx.AsyncClient() as client:
        waiting = [client.get(f"{URL}/wait?clients") for _ in range(20)]
        responses = await asyncio.gather(*waiting, client.get(f"{URL}/tell?clients"))
    return [response.status_code for response in responses]


async def async_events():
    lines = []
    async with httpx.AsyncClient() as client, client.stream("GET", f"{URL}/events?room=async") as response:
        async for line in response.aiter_lines():
            lines.append(line)
            if not line:
                await client.get(f"{URL}/tell?async{len(lines) // 3 - 1}")
    return lines


async def async_upload():
    async def pieces():
        for _ in range(60):
            yield b"x" * 50_000

    return (await ASYNC_CLIENT.post(f"{URL}/upload?room=asyncupload", content=pieces())).json()


async def async_failures():
    caught = []
    async with httpx.AsyncClient() as client:
        for url in (f"{URL}/never", "https://api.evil.com/", "http://127.0.0.1:1/"):
            try:
                await client.get(url, timeout=0.2)
            except httpx.HTTPError as error:
                caught.append([type(error).__name__, str(error)])
        try:
            await asyncio.wait_for(client.get(f"{URL}/never"), 0.2)
        except TimeoutError:
            caught.append("cancelled")
    return caught


CASES = [
    *(requests_echo, requests_session, requests_bodies, requests_gzip, requests_events, requests_stream),
    *(requests_left, requests_failures, urllib3_pool),
]
if httpx:
    CASES += [httpx_echo, httpx_client, httpx_upload, httpx_events, httpx_failures]
    CASES += [async_parallel, async_events, async_upload, async_failures]


@task(compute="HIGH", allowed_hosts=ALLOWED)
async def one(number):
    result = CASES[number]()
    return await result if asyncio.iscoroutine(result) else result


@task
async def main():
    rows = await asyncio.gather(*(one(number) for number in range(len(CASES))))
    return {case.__name__: row for case, row in zip(CASES, rows, strict=True)}
