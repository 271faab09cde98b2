/** HTTP of Python programs: the standard library, `capsule.http`, and the packages that people use. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Envelope, folder } from "./support/capsule.ts";
import { runIn } from "./support/python.ts";
import { openWebServer, type WebServer } from "./support/web-server.ts";

type Rows = Readonly<Record<string, Envelope>>;

let server: WebServer;
before(async () => {
  server = await openWebServer();
});
after(() => server.close());

/** Runs all cases of a program, each as a task of its own, and gives their envelopes by name. */
async function runCases(file: string, packages = ""): Promise<Rows> {
  const source = readFileSync(new URL(`programs/python-network/${file}`, import.meta.url), "utf8");
  const cwd = folder({
    "main.py": source.replaceAll("SERVER", server.host),
    ...(packages && { "requirements.txt": packages }),
  });
  const { envelope, stderr } = await runIn<Rows>(cwd);
  assert.ok(envelope.success, `${envelope.error?.message}\n${stderr}`);
  return envelope.result;
}

function check(rows: () => Rows, expected: Readonly<Record<string, unknown>>): void {
  test("every case is expected", () => {
    assert.deepEqual(Object.keys(rows()).sort(), Object.keys(expected).sort());
  });
  for (const [name, value] of Object.entries(expected))
    test(name, () => {
      const { success, result, error } = rows()[name] as Envelope;
      assert.ok(success, error?.message ?? "");
      compare(result, value);
    });
}

/** As `deepEqual`, but that a string matches a pattern. */
function compare(actual: unknown, expected: unknown): void {
  if (expected instanceof RegExp) assert.match(String(actual), expected);
  else if (Array.isArray(expected) && Array.isArray(actual) && actual.length === expected.length)
    for (const [i, each] of expected.entries()) compare(actual[i], each);
  else assert.deepEqual(actual, expected);
}

const EVENTS = [0, 1, 2].flatMap((i) => ["event: n", `data: {"i":${i}}`, ""]);
const NOT_LISTED = /"api\.evil\.com" is not among the hosts that this task may reach/;

describe("the standard library and capsule.http:", () => {
  let rows: Rows = {};
  before(async () => {
    rows = await runCases("library.py");
  });
  check(() => rows, {
    echo: [200, "PUT", "/echo?a=b", "body", "1"],
    headers: [203, "Somehow", ["a=1", "b=2"], ["1", "2"], ["é"]],
    redirect: "/echo",
    not_followed: [302, "http://api.evil.com/", "moved"],
    redirect_away: ["URLError", "PermissionError", /"169\.254\.169\.254" is not among the hosts/],
    gzip: true,
    big: ["5000000", 10, 4_999_990],
    events: EVENTS,
    upload: { size: 5_000_000, chunked: "chunked" },
    statuses: [404, "nothing here", 204],
    late: ["TimeoutError", "NoneType", /did not answer within 200 ms/],
    late_body: ["begun", "TimeoutError"],
    cut: "ConnectionResetError",
    refused: ["URLError", "ConnectionRefusedError", /"127\.0\.0\.1:1" refused the connection/],
    forbidden: ["URLError", "PermissionError", NOT_LISTED],
    other_host_header: ["URLError", "OSError", /header Host differs/],
    sockets: [
      ["OSError", "NoneType", /use urllib\.request, http\.client, requests, httpx or capsule\.http/],
      ["gaierror", "NoneType", /use urllib\.request, http\.client, requests, httpx or capsule\.http/],
    ],
    small: [200, "/echo?a=1", '{"b": [null]}', "éé"],
    small_upload: 4_000_000,
    small_failures: [
      ["HTTPForbidden", "NoneType", NOT_LISTED],
      ["HTTPTimeout", "NoneType", /did not answer within 200 ms/],
      ["HTTPForbidden", "NoneType", /is not among the hosts/],
    ],
    credentials: "HTTPForbidden",
    parallel: Array(21).fill(200),
    cancelled: "cancelled",
    waits: 200,
    tells: 200,
  });

  test("requests are listed, without credentials", () => {
    const listed = (rows.credentials as Envelope).execution.host_requests as readonly {
      readonly url: string;
      readonly status: number | null;
    }[];
    assert.equal(listed.length, 1);
    assert.ok(!JSON.stringify(listed).includes("secret"), JSON.stringify(listed));
    assert.equal(listed[0]?.status, null);
  });
});

const UPLOAD = { size: 3_000_000, chunked: "chunked" };
const REQUESTS = {
  requests_echo: ["POST", "/echo?a=b", '{"c": 1}', "1"],
  requests_session: [203, "Somehow", { a: "1", b: "2" }, [302], "a=1; b=2"],
  requests_bodies: [2, true, UPLOAD],
  requests_gzip: [true, null],
  requests_events: EVENTS,
  requests_stream: 2_000_000,
  requests_left: 200,
  requests_failures: [
    ["ReadTimeout", /Read timed out/],
    ["ConnectionError", NOT_LISTED],
    ["ConnectionError", /"127\.0\.0\.1:1" refused the connection/],
    [/ChunkedEncodingError|ConnectionError/, /was lost/],
    [/ProxyError|ConnectionError/, /proxies are not possible in a Capsule sandbox/],
  ],
  urllib3_pool: [200, "1", "ReadTimeoutError", 300_000],
};

describe("requests on urllib3 2, and httpx:", () => {
  let rows: Rows = {};
  before(async () => {
    rows = await runCases("packages.py", "requests==2.32.5\nurllib3==2.6.3\nhttpx==0.28.1\n");
  });
  check(() => rows, {
    ...REQUESTS,
    httpx_echo: ["POST", "/echo?a=b", { c: 1 }, "1"],
    httpx_client: [203, "Somehow", { a: "1", b: "2" }, [302], "a=1; b=2"],
    httpx_upload: UPLOAD,
    httpx_events: EVENTS,
    httpx_failures: [
      ["ReadTimeout", /did not answer within 200 ms/],
      ["ConnectError", NOT_LISTED],
      ["ConnectError", /"127\.0\.0\.1:1" refused the connection/],
      ["ReadError", /was lost/],
      [/Error$/, /proxies are not possible in a Capsule sandbox/],
    ],
    async_parallel: Array(21).fill(200),
    async_events: EVENTS,
    async_upload: UPLOAD,
    async_failures: [
      ["ReadTimeout", /did not answer within 200 ms/],
      ["ConnectError", NOT_LISTED],
      ["ConnectError", /"127\.0\.0\.1:1" refused the connection/],
      "cancelled",
    ],
  });
});

describe("requests on urllib3 1.26:", () => {
  let rows: Rows = {};
  before(async () => {
    rows = await runCases("packages.py", "requests==2.32.5\nurllib3==1.26.20\n");
  });
  check(() => rows, REQUESTS);
});
