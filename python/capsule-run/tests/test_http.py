"""`capsule.http` in plain Python, against a server of this process."""

import asyncio
import io
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from capsule import http


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        if self.path == "/redirect":
            return self.give(302, b"", [("location", "/echo")])
        if self.path == "/missing":
            return self.give(404, "nö".encode("latin-1"), [("content-type", "text/plain; charset=latin-1")])
        if self.path == "/slow":
            self.server.stopping.wait(5)
        body = self.read()
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = {"method": self.command, "path": self.path, "headers": headers, "body": body.decode("latin-1")}
        cookies = [("set-cookie", "a=1"), ("set-cookie", "b=2")]
        return self.give(200, json.dumps(said).encode(), [("Content-Type", "application/json"), *cookies])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def read(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def give(self, status, body, headers):
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Clients that have gone.
        pass


class PlainHttp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(("127.0.0.1", 0), Echo)
        cls.server.stopping = threading.Event()
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.server.server_port}"

    @classmethod
    def tearDownClass(cls):
        cls.server.stopping.set()
        cls.server.shutdown()
        cls.server.server_close()

    def test_response(self):
        response = http.get(self.url + "/echo?a=1", params={"b": ["x y", 2], "c": None}, headers={"X-One": "1"})
        self.assertEqual((response.status, response.reason, response.ok), (200, "OK", True))
        said = response.json()
        self.assertEqual((said["method"], said["path"]), ("GET", "/echo?a=1&b=x+y&b=2"))
        self.assertEqual(said["headers"]["x-one"], "1")
        self.assertEqual(said["headers"]["user-agent"], "capsule")
        self.assertEqual(response.headers["content-TYPE"], "application/json")
        self.assertEqual(response.headers.get_all("Set-Cookie"), ["a=1", "b=2"])
        self.assertEqual(response.headers["set-cookie"], "a=1, b=2")
        self.assertIn("content-type", list(response.headers))
        self.assertNotIn("x-other", response.headers)
        self.assertEqual(json.loads(response.text), json.loads(response.content))
        self.assertIs(response.raise_for_status(), response)

    def test_bodies(self):
        def sent(**options):
            said = http.post(self.url + "/echo", **options).json()
            return said["body"], said["headers"].get("content-type")

        self.assertEqual(sent(json={"a": [1, None]}), ('{"a": [1, null]}', "application/json"))
        self.assertEqual(sent(data="text"), ("text", "text/plain; charset=utf-8"))
        self.assertEqual(sent(data={"a": "1 2", "b": ["x", "y"]})[0], "a=1+2&b=x&b=y")
        self.assertEqual(sent(data=[("a", 1)])[1], "application/x-www-form-urlencoded")
        self.assertEqual(sent(data=io.BytesIO(b"file"), headers={"Content-Type": "x/y"}), ("file", "x/y"))
        self.assertEqual(sent(data=(piece for piece in (b"a", b"", b"b")))[0], "ab")
        for wrong in ({"json": 1, "data": b""}, {"data": 5}, {"data": iter(["text"])}):
            with self.assertRaises(TypeError):
                http.post(self.url + "/echo", **wrong)

    def test_methods(self):
        for name in ("get", "post", "put", "patch", "delete"):
            self.assertEqual(getattr(http, name)(self.url + "/echo").json()["method"], name.upper())
        self.assertEqual(http.head(self.url + "/echo").content, b"")

    def test_statuses(self):
        self.assertEqual(http.get(self.url + "/redirect").url, self.url + "/echo")
        response = http.get(self.url + "/missing")
        self.assertEqual((response.ok, response.text), (False, "nö"))
        with self.assertRaisesRegex(http.HTTPStatusError, "404 Not Found for http") as caught:
            response.raise_for_status()
        self.assertIs(caught.exception.response, response)

    def test_failures(self):
        with self.assertRaises(http.HTTPTimeout) as caught:
            http.get(self.url + "/slow", timeout=0.05)
        self.assertIsInstance(caught.exception, TimeoutError)
        self.assertEqual(caught.exception.code, "ETIMEDOUT")
        with self.assertRaises(http.HTTPError) as caught:
            http.get("http://127.0.0.1:1/")
        self.assertEqual(caught.exception.code, "ECONNREFUSED")
        with self.assertRaises(http.HTTPError) as caught:
            http.get("file:///etc/hosts")
        self.assertEqual(caught.exception.code, "EINVAL")
        for timeout in (0, -1, True, "5"):
            with self.assertRaises(ValueError):
                http.get(self.url, timeout=timeout)
        with self.assertRaises(TypeError):
            http.get(b"http://x")

    def test_fetch(self):
        async def both():
            return await asyncio.gather(
                http.fetch(self.url + "/echo"), http.fetch(self.url + "/echo", method="put", json=1)
            )

        first, second = asyncio.run(both())
        self.assertEqual((first.json()["method"], second.json()["method"]), ("GET", "PUT"))


if __name__ == "__main__":
    unittest.main()
