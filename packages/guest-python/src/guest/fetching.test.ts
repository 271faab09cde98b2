/** `capsule.http` in a sandbox. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { EffectError } from "@capsule-run/protocol";
import { TestGuest } from "../drive/testing/guest.ts";
import { raised, value } from "./testing.ts";
import { type FakeResponse, fakeNetwork, RUN_CODE, type SeenRequest } from "./testing-http.ts";

const PROGRAM = `
import asyncio
from capsule import http, task
${RUN_CODE}`;

let guest: TestGuest;
let program: Awaited<ReturnType<TestGuest["load"]>>;
before(async () => {
  guest = new TestGuest();
  program = await guest.load(PROGRAM);
});

type Answer = (request: SeenRequest) => FakeResponse | Promise<FakeResponse>;

async function start(code: string, answer: Answer) {
  const network = fakeNetwork(answer);
  guest.reset(program);
  guest.onEffect = network.handler;
  return { ...network, end: await guest.run(code.includes("async def main") ? "run_async" : "run", code) };
}

async function run(code: string, answer: Answer = () => ({})) {
  const { end, ...network } = await start(code, answer);
  return { ...network, result: value(end) };
}

test("a request and all of its response", async () => {
  const { result, requests } = await run(
    `
response = http.post("https://x.test/a", params={"q": "ü"}, json={"a": 1}, headers={"X-A": "b"}, timeout=1.5)
result = [response.status, response.reason, response.ok, response.url, response.headers.get_all("x"), response.text]
`,
    () => ({
      status: 207,
      statusText: "Multi",
      url: "https://y.test/",
      headers: [
        ["x", "1"],
        ["X", "2"],
      ],
      pieces: ["a", "b", "ü"],
    }),
  );
  assert.deepEqual(result, [207, "Multi", true, "https://y.test/", ["1", "2"], "abü"]);
  const [request] = requests;
  assert.equal(request?.url, "https://x.test/a?q=%C3%BC");
  assert.deepEqual([request?.redirect, request?.timeoutMs, request?.body], ["follow", 1500, '{"a": 1}']);
  assert.deepEqual(request?.headers, [
    ["X-A", "b"],
    ["user-agent", "capsule"],
    ["accept", "*/*"],
    ["content-type", "application/json"],
    ["accept-encoding", "gzip, deflate, br"],
  ]);
});

test("a body in pieces, and one that is large", async () => {
  const { requests } = await run(`
import io
http.put("http://x.test/", data=(b"x" * 1000 for _ in range(3000)))
http.put("http://x.test/", data=io.BytesIO(b"y" * 300_000))
http.put("http://x.test/", data=b"z" * 2_500_000)
`);
  assert.deepEqual(
    requests.map(({ body, writes }) => [body.length, writes]),
    [
      [3_000_000, 3],
      [300_000, 1],
      [2_500_000, 3],
    ],
  );
});

test("a body that fails ends the request", async () => {
  const { end, cancelled } = await start(
    `
def body():
    yield b"x"
    raise RuntimeError("no more")
http.put("http://x.test/", data=body())
`,
    () => ({}),
  );
  assert.match(raised(end).message, /RuntimeError: no more/);
  assert.equal(cancelled.length, 1);
});

test("failures have a code, and are PermissionError and TimeoutError too", async () => {
  const attempt = `
try:
    http.get("http://x.test/")
except OSError as error:
    kinds = [isinstance(error, kind) for kind in (http.HTTPError, PermissionError, TimeoutError)]
    result = [type(error).__name__, error.code, str(error), kinds]
`;
  for (const [code, name, ...kinds] of [
    ["EFORBIDDEN", "HTTPForbidden", true, true, false],
    ["ETIMEDOUT", "HTTPTimeout", true, false, true],
    ["EDNS", "HTTPError", true, false, false],
    ["EREDIRECT", "HTTPError", true, false, false],
  ] as const) {
    const { result } = await run(attempt, () => {
      throw new EffectError(code, "told by the host");
    });
    assert.deepEqual(result, [name, code, "told by the host", kinds]);
  }
});

test("the traceback of a failure shows the program's lines alone", async () => {
  const { end } = await start(`http.get("http://x.test/")`, () => {
    throw new EffectError("EFORBIDDEN", '"x.test" is not among the hosts that this task may reach');
  });
  const { stack, message } = raised(end);
  assert.match(stack, /case\.py", line 1/);
  assert.doesNotMatch(stack, /<capsule|_capsule|EffectFailed/);
  assert.equal(
    message,
    'capsule.http.HTTPForbidden: "x.test" is not among the hosts that this task may reach',
  );
});

test("fetches of one task are under way at the same time", async () => {
  let open = 0;
  let most = 0;
  const { result } = await run(
    `
async def main():
    responses = await asyncio.gather(*(http.fetch(f"http://x.test/{i}") for i in range(20)))
    return [response.text for response in responses]
`,
    async ({ url }) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 10));
      open--;
      return { pieces: [url.slice(14)] };
    },
  );
  assert.deepEqual(
    result,
    Array.from({ length: 20 }, (_, i) => String(i)),
  );
  assert.equal(most, 20);
});

test("a fetch that is cancelled is given up", async () => {
  const { result, requests } = await run(
    `
async def main():
    try:
        await asyncio.wait_for(http.fetch("http://x.test/"), 0)
    except TimeoutError:
        pass
    task = asyncio.ensure_future(http.fetch("http://y.test/"))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return "cancelled"
`,
    () => new Promise(() => {}),
  );
  assert.equal(result, "cancelled");
  assert.deepEqual(
    guest.revoked,
    requests.map((_, i) => 1_000_000 + i),
  );
});

test("asyncio.run in a plain task waits for fetches", async () => {
  const { result } = await run(
    `
async def ask():
    return (await http.fetch("http://x.test/")).text
result = asyncio.run(ask())
`,
    () => ({ pieces: ["a", "b"] }),
  );
  assert.equal(result, "ab");
});
