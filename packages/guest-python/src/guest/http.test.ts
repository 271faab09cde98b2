/** `urllib.request` and `http.client` over the host's exchanges. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { EffectError } from "@capsule-run/protocol";
import { TestGuest } from "../drive/testing/guest.ts";
import { value } from "./testing.ts";
import { type FakeResponse, fakeNetwork, RUN_CODE, type SeenRequest } from "./testing-http.ts";

const PROGRAM = `
import asyncio, http.client, http.cookiejar, json, urllib.error, urllib.request
from capsule import task
${RUN_CODE}`;

let guest: TestGuest;
let program: Awaited<ReturnType<TestGuest["load"]>>;
before(async () => {
  guest = new TestGuest();
  program = await guest.load(PROGRAM);
});

/** Runs code against a server; gives its `result`, or that of its `main()` in an async task, and what the host saw. */
async function run(
  code: string,
  answer: (request: SeenRequest) => FakeResponse | Promise<FakeResponse> = () => ({}),
) {
  const network = fakeNetwork(answer);
  guest.reset(program);
  guest.onEffect = network.handler;
  const end = await guest.run(code.includes("async def main") ? "run_async" : "run", code);
  return { ...network, result: value(end) };
}

const fails = (code: string, message: string) => () => {
  throw new EffectError(code, message);
};

test("urllib sends what it is given, and reads what comes", async () => {
  const { result, requests } = await run(
    `
request = urllib.request.Request("https://api.example.com:8443/a?b=c#d", b"body", {"X-One": "1"}, method="PUT")
with urllib.request.urlopen(request, timeout=2.5) as response:
    headers = [response.headers.get_all("set-cookie"), response.headers["content-type"]]
    result = [response.status, response.reason, response.url, headers, response.read().decode()]
`,
    () => ({
      status: 201,
      statusText: "Created",
      headers: [
        ["Set-Cookie", "a=1"],
        ["Content-Type", "text/plain"],
        ["Set-Cookie", "b=2"],
      ],
      pieces: ["one ", "two ", "three"],
    }),
  );
  const headers = [["a=1", "b=2"], "text/plain"];
  const url = "https://api.example.com:8443/a?b=c#d";
  assert.deepEqual(result, [201, "Created", url, headers, "one two three"]);
  const [request] = requests;
  assert.equal(request?.url, "https://api.example.com:8443/a?b=c");
  assert.deepEqual([request?.method, request?.body, request?.redirect], ["PUT", "body", "manual"]);
  assert.equal(request?.timeoutMs, 2500);
  const sent = new Map(request?.headers.map(([name, text]) => [name.toLowerCase(), text]));
  assert.equal(sent.get("host"), "api.example.com:8443");
  assert.equal(sent.get("x-one"), "1");
  assert.equal(sent.get("content-length"), "4");
});

test("urllib follows redirects and keeps cookies itself", async () => {
  const { result, requests } = await run(
    `
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
response = opener.open("http://one.test/")
result = [response.url, response.read().decode()]
`,
    ({ url }) => {
      if (url.endsWith("/next")) return { pieces: ["there"] };
      const cookies = ["seen=yes; Path=/", "other=1"].map((text) => ["set-cookie", text] as const);
      return { status: 302, headers: [["location", "/next"], ...cookies] };
    },
  );
  assert.deepEqual(result, ["http://one.test/next", "there"]);
  assert.deepEqual(
    requests.map(({ url }) => url),
    ["http://one.test/", "http://one.test/next"],
  );
  const cookie = requests[1]?.headers.find(([name]) => name.toLowerCase() === "cookie");
  assert.deepEqual(cookie?.[1].split("; ").sort(), ["other=1", "seen=yes"]);
});

test("a response is read piece by piece, line by line, and given up", async () => {
  const { result, cancelled } = await run(
    `
response = urllib.request.urlopen("http://x.test/")
result = [response.readline().decode(), response.readline().decode(), response.read(3).decode()]
response.close()
`,
    () => ({ pieces: ["data: 1\n", "data:", " 2\nabc", "def", "never"] }),
  );
  assert.deepEqual(result, ["data: 1\n", "data: 2\n", "abc"]);
  assert.equal(cancelled.length, 1);
});

test("http.client: a length, no body, HEAD, chunks, and a connection used again", async () => {
  const { result, requests } = await run(
    `
connection = http.client.HTTPConnection("x.test", 8080, timeout=1)
result = []
def ask(method, path, **more):
    connection.request(method, path, **more)
    response = connection.getresponse()
    result.append([response.status, response.getheader("content-length"), len(response.read())])
ask("GET", "/")
ask("HEAD", "/")
ask("POST", "/", body=(b"chunk" for _ in range(3)), encode_chunked=True)
ask("POST", "/", body=b"x" * 3_000_000)
ask("POST", "/", body=iter([b"y" * 700_000] * 3), encode_chunked=True)
ask("DELETE", "/")
`,
    ({ method, body }) =>
      method === "DELETE"
        ? { status: 204, statusText: "No Content" }
        : {
            headers: [["Content-Length", String(method === "HEAD" ? 5 : body.length)]],
            pieces: method === "HEAD" ? [] : [body],
          },
  );
  assert.deepEqual(result, [
    [200, "0", 0],
    [200, "5", 0],
    [200, "15", 15],
    [200, "3000000", 3_000_000],
    [200, "2100000", 2_100_000],
    [204, null, 0],
  ]);
  assert.equal(requests[2]?.body, "chunkchunkchunk");
  assert.deepEqual(
    requests.map(({ writes }) => writes > 0),
    [false, false, false, true, true, false],
  );
});

test("failures are those of a socket", async () => {
  const attempt = `
try:
    result = urllib.request.urlopen("https://x.test/").read().decode()
except OSError as error:
    reason = getattr(error, "reason", None)
    result = [type(error).__name__, type(reason).__name__, str(error)]
`;
  const message = '"x.test" is not among the hosts that this task may reach';
  const cases: readonly [string, string, string][] = [
    ["EFORBIDDEN", "URLError", "PermissionError"],
    ["EDNS", "URLError", "gaierror"],
    ["ECONNREFUSED", "URLError", "ConnectionRefusedError"],
    ["ECONNRESET", "URLError", "ConnectionResetError"],
    ["ETLS", "URLError", "SSLError"],
    ["ELIMIT", "URLError", "OSError"],
    ["ETIMEDOUT", "TimeoutError", "NoneType"],
  ];
  for (const [code, name, reason] of cases) {
    const { result } = await run(attempt, fails(code, message));
    const [type, of, text] = result as string[];
    assert.deepEqual([type, of], [name, reason], code);
    assert.ok(String(text).includes(message), text ?? "nothing");
  }
});

test("proxies, and what is not HTTP/1.1, are refused in words", async () => {
  const { result, requests } = await run(`
result = []
def attempt(fn):
    try:
        fn()
    except OSError as error:
        result.append(str(error))
def proxied():
    handler = urllib.request.ProxyHandler({"http": "http://proxy.test:3128", "https": "http://proxy.test:3128"})
    urllib.request.build_opener(handler).open("http://x.test/")
attempt(proxied)
def tunnelled():
    connection = http.client.HTTPSConnection("proxy.test")
    connection.set_tunnel("x.test")
    connection.request("GET", "/")
attempt(tunnelled)
def spoken(text):
    connection = http.client.HTTPConnection("x.test")
    connection.connect()
    connection.sock.sendall(text)
    connection.sock.recv(1)
attempt(lambda: spoken(b"PRI * HTTP/2.0\\r\\n\\r\\nSM"))
attempt(lambda: spoken(b"GET / HTTP/1.1\\r\\n"))
attempt(lambda: spoken(b"POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n"))
attempt(lambda: spoken(b"POST / HTTP/1.1\\r\\nContent-Length: 1\\r\\n\\r\\nab"))
`);
  const texts = result as string[];
  assert.match(texts[0] ?? "", /proxies are not possible/);
  assert.match(texts[1] ?? "", /proxies are not possible/);
  assert.match(texts[2] ?? "", /only HTTP\/1\.1/);
  assert.match(texts[3] ?? "", /no complete HTTP request/);
  assert.match(texts[4] ?? "", /malformed/);
  assert.match(texts[5] ?? "", /longer than its Content-Length/);
  assert.deepEqual(requests, []);
});

test("while the program is loaded there is no network, whenever that is", async () => {
  for (const [more, snapshot] of [
    ["", "after"],
    ["import time; time.time()", "before"],
  ] as const) {
    const loaded = await guest.load(`
import urllib.request
from capsule import http, task
${more}
told = []
for attempt in (urllib.request.urlopen, http.get):
    try:
        attempt("http://x.test/")
    except OSError as error:
        told.append(str(error))

@task
def main():
    return told
`);
    guest.reset(loaded);
    assert.equal(loaded.snapshot, snapshot);
    for (const text of value(await guest.run("main")) as string[])
      assert.match(text, /the network is only there inside tasks/);
    assert.deepEqual(guest.effects, []);
  }
});

test("the same answers make the same requests, fuel and memory", async () => {
  const code = `
import socket
response = urllib.request.urlopen("http://x.test/", timeout=1)
result = [response.readline().decode(), response.headers["a"]]
try:
    urllib.request.urlopen("http://y.test/")
except OSError as error:
    result.append(str(error))
`;
  const seen = [];
  for (let i = 0; i < 2; i++) {
    const { requests, result } = await run(code, ({ url }) => {
      if (url.includes("y.test")) throw new EffectError("EDNS", "no such name");
      return { headers: [["a", "b"]], pieces: ["one\ntw", "o"] };
    });
    seen.push({ requests, result, fuel: guest.instance.fuelUsed, memory: guest.digest });
  }
  assert.deepEqual(seen[0], seen[1]);
});
