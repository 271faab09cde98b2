import assert from "node:assert/strict";
import { test } from "node:test";
import type { EffectError } from "@capsule-run/protocol";
import { NETWORK_LIMITS } from "./limits.ts";
import { records } from "./records.ts";
import { redirected } from "./redirect.ts";
import { type GuestRequest, readRequest } from "./request.ts";
import { failing } from "./testing.ts";

const read = (head: Readonly<Record<string, unknown>>, payload = ""): GuestRequest =>
  readRequest(
    {
      method: "GET",
      url: "http://a.test/",
      headers: [],
      redirect: "follow",
      body: "none",
      timeoutMs: null,
      ...head,
    },
    Buffer.from(payload),
    NETWORK_LIMITS,
  );
const code = (head: Readonly<Record<string, unknown>>, payload = ""): string => {
  try {
    read(head, payload);
    return "fine";
  } catch (error) {
    return (error as EffectError).code;
  }
};

test("heads that are not what they should be", () => {
  const wrong: readonly Readonly<Record<string, unknown>>[] = [
    ...[{ method: 1 }, { method: "" }, { method: "G T" }, { method: "GET\r\n" }, { method: "a".repeat(65) }],
    ...[{ method: "CONNECT" }, { method: "trace" }, { method: "TRACK" }],
    ...[
      { url: null },
      { url: "" },
      { url: "/x" },
      { url: "a.test" },
      { url: "http://" },
      { url: "http://a b/" },
    ],
    ...[{ url: "ftp://a.test" }, { url: "file:///etc/passwd" }, { url: "javascript:1" }, { url: "data:,x" }],
    ...[{ url: "ws://a.test" }, { url: "http://a.test:0/" }, { url: "http://a.test:99999/" }],
    ...[{ url: "http://a\0.test/" }, { url: "http://a.test/\r\nX: y" }, { url: "ht\ntp://a.test" }],
    ...[
      { url: "http://a%00.test/" },
      { url: "http://a%0a.test/" },
      { url: "http://a%2fb/" },
      { url: "http://a..b/" },
    ],
    ...[{ url: "http://./" }, { url: "http://a.test../" }, { url: `http://${"a".repeat(64)}.test/` }],
    ...[{ url: "http://[fe80::1%25eth0]/" }, { url: "http://1.2.3.4.5/" }, { url: "http://0x100000000/" }],
    ...[{ url: "http://a'b.test/" }, { url: "http://a$b.test" }, { url: "http://256.0.0.1/" }],
    ...[{ headers: null }, { headers: [["a"]] }, { headers: [["a", 1]] }, { headers: { a: "b" } }],
    ...[
      { headers: [["", "x"]] },
      { headers: [["a b", "x"]] },
      { headers: [["a:", "x"]] },
      { headers: [["a\n", "x"]] },
    ],
    ...[{ headers: [["a\0", "x"]] }, { headers: [["ä", "x"]] }, { headers: [[":path", "x"]] }],
    ...[{ headers: [["a", "x\r\nb: c"]] }, { headers: [["a", "x\ny"]] }, { headers: [["a", "x\0"]] }],
    ...[{ headers: [["a", "\r"]] }, { headers: [["a", "€"]] }, { headers: [["a", "\u{10a}"]] }],
    ...[
      { redirect: "maybe" },
      { body: "some" },
      { timeoutMs: "1" },
      { timeoutMs: -1 },
      { timeoutMs: Number.NaN },
    ],
  ];
  for (const head of wrong) assert.equal(code(head), "EINVAL", JSON.stringify(head));
  assert.equal(code({ body: "none" }, "x"), "EINVAL");
  assert.equal(code({ body: "stream" }, "x"), "EINVAL");
  assert.equal(code({ url: `http://a.test/${"x".repeat(33_000)}` }), "ELIMIT");
  assert.equal(code({ url: `http://a.test/${"€".repeat(10_000)}` }), "ELIMIT");
  assert.equal(code({ headers: [["a", "x".repeat(70_000)]] }), "ELIMIT");
  assert.equal(code({ headers: Array.from({ length: 257 }, () => ["a", "x"]) }), "ELIMIT");
});

test("the URL that is decided on is the one that is requested", () => {
  const table: Readonly<Record<string, string>> = {
    "http://A.Test": "http://a.test/",
    "http://a.test.:81/": "http://a.test:81/",
    "http://a.test\\@b.test/": "http://a.test/@b.test/",
    "http:\\\\a.test\\x": "http://a.test/x",
    "http:a.test": "http://a.test/",
    "http://a.test#@b.test/": "http://a.test/",
    "http://user@a.test:80/x#y": "http://a.test/x",
    "http://0x7f.1/": "http://127.0.0.1/",
    "http://017700000001/": "http://127.0.0.1/",
    "http://2130706433/": "http://127.0.0.1/",
    "http://127.1/": "http://127.0.0.1/",
    "http://0/": "http://0.0.0.0/",
    "http://①②⑦.0.0.1/": "http://127.0.0.1/",
    "http://[::ffff:127.0.0.1]/": "http://[::ffff:7f00:1]/",
    "http://%6cocalhost/": "http://localhost/",
    "http://a。test/": "http://a.test/",
  };
  for (const [url, expected] of Object.entries(table)) assert.equal(read({ url }).url.href, expected, url);
});

test("methods are in upper case where fetch has them so", () => {
  assert.equal(read({ method: "post" }).method, "POST");
  assert.equal(read({ method: "PaTcH" }).method, "PATCH");
  assert.equal(read({ method: "Purge" }).method, "Purge");
});

test("headers of the connection are the host's own matter", () => {
  const given = [
    ...[
      ["Host", "A.test"],
      ["Connection", "keep-alive, x-a"],
      ["Keep-Alive", "5"],
      ["TE", "trailers"],
      ["Trailer", "x"],
    ],
    ...[
      ["Expect", "100-continue"],
      ["Proxy-Authorization", "x"],
      ["Proxy-Connection", "x"],
      ["X-A", " b\t"],
    ],
    ...[
      ["Transfer-Encoding", "chunked"],
      ["Content-Length", "3"],
      ["Cookie", "a=b"],
      ["X-A", "c"],
      ["X-Ä".slice(0, 2), "ü"],
    ],
  ];
  const request = read({ method: "POST", headers: given, body: "whole" }, "abc");
  assert.deepEqual(request.headers, [
    ["X-A", "b"],
    ["Cookie", "a=b"],
    ["X-A", "c"],
    ["X-", "ü"],
  ]);
  const refused: readonly (readonly [string, string])[] = [
    ...([
      ["Host", "b.test"],
      ["Host", "a.test:81"],
      ["host", "a.test@b.test"],
      ["Host", ""],
    ] as const),
    ...([
      ["Upgrade", "websocket"],
      ["Transfer-Encoding", "gzip, chunked"],
      ["Transfer-Encoding", "identity"],
    ] as const),
    ...([
      ["Content-Length", "1"],
      ["Content-Length", "0x3"],
      ["Content-Length", "3, 3"],
      ["content-length", "-3"],
    ] as const),
  ];
  for (const header of refused)
    assert.equal(code({ method: "POST", headers: [header], body: "whole" }, "abc"), "EINVAL", header.join());
  const twice = [
    ["Content-Length", "3"],
    ["Content-Length", "4"],
  ];
  assert.equal(code({ headers: twice, body: "stream" }), "EINVAL");
  assert.equal(read({ headers: [["Content-Length", "7"]], body: "stream" }).length, 7);
  assert.equal(read({ headers: [["Host", "a.test:80"]] }).headers.length, 0);
});

test("user-info becomes Basic credentials, unless there are some", () => {
  const url = "http://us%C3%A9r:p%40ss@a.test/";
  assert.deepEqual(read({ url }).headers, [
    ["Authorization", `Basic ${Buffer.from("usér:p@ss").toString("base64")}`],
  ]);
  assert.deepEqual(read({ url, headers: [["authorization", "x"]] }).headers, [["authorization", "x"]]);
  assert.equal(read({ url }).url.href, "http://a.test/");
});

test("what a redirect asks for", () => {
  const from = (
    head: Readonly<Record<string, unknown>>,
    payload: string,
    status: number,
    location: string,
  ) => {
    const { method, url, headers, body } = redirected(read(head, payload), status, location, NETWORK_LIMITS);
    return { method, url: url.href, headers: headers.map(([name]) => name), body: body && String(body) };
  };
  const post = {
    method: "POST",
    body: "whole",
    headers: [
      ["Content-Type", "a/b"],
      ["Cookie", "c"],
      ["X-A", "x"],
    ],
  };
  const kept = ["Content-Type", "Cookie", "X-A"];
  for (const status of [301, 302, 303])
    assert.deepEqual(from(post, "abc", status, "/x#y"), {
      ...{ method: "GET", url: "http://a.test/x", headers: ["Cookie", "X-A"], body: null },
    });
  for (const status of [307, 308])
    assert.deepEqual(from(post, "abc", status, "x"), {
      ...{ method: "POST", url: "http://a.test/x", headers: kept, body: "abc" },
    });
  assert.equal(from({ method: "PUT", body: "whole" }, "a", 302, "/").method, "PUT");
  assert.equal(from({ method: "PUT", body: "whole" }, "a", 303, "/").method, "GET");
  assert.equal(from({ method: "HEAD" }, "", 303, "/").method, "HEAD");
  const others = ["https://a.test/", "http://a.test:81/", "http://b.test/", "//b.test", "http://b.a.test/"];
  for (const location of others)
    assert.deepEqual(from(post, "abc", 307, location).headers, ["Content-Type", "X-A"]);
  assert.deepEqual(from({ url: "http://u:p@a.test/" }, "", 302, "//b.test").headers, []);
  assert.deepEqual(from({}, "", 302, "http://x:y@a.test/").headers, []);
  assert.equal(from({}, "", 302, Buffer.from("/ä").toString("latin1")).url, "http://a.test/%C3%A4");
  const fails = (
    head: Readonly<Record<string, unknown>>,
    status: number,
    location: string,
    expected: string,
  ): void => void assert.throws(() => from(head, "", status, location), failing(expected));
  fails({ redirect: "error" }, 302, "/", "EREDIRECT");
  fails({ method: "PUT", body: "stream" }, 307, "/", "EREDIRECT");
  fails({}, 302, "file:///etc/passwd", "EINVAL");
  fails({}, 302, "http://", "EINVAL");
});

test("what a head can hold of spaces, headers and letters is looked through at once", () => {
  const spaces = " ".repeat(250_000);
  const began = performance.now();
  for (const value of [`a${spaces}b`, spaces, `${spaces}b${spaces}`])
    assert.match(code({ headers: [["a", value]] }), /^(?:ELIMIT|fine)$/);
  assert.equal(code({ headers: Array.from({ length: 90_000 }, () => ["", ""]) }), "ELIMIT");
  assert.equal(read({ headers: [["a", "\t b c \t"]] }).headers[0]?.[1], "b c");
  const { list } = recorded(" ".repeat(32_000), `${" ".repeat(16_000)}${"a".repeat(16_000)}`);
  assert.deepEqual(
    list.map(({ url }) => url.length),
    [0, 1024],
  );
  assert.equal(recorded("  http://user:word@a.test/x").list[0]?.url, "http://a.test/x");
  assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
});

/** The record of requests to URLs that were refused. */
function recorded(...urls: readonly string[]) {
  const made = records(
    NETWORK_LIMITS,
    (text) => text,
    () => 0,
  );
  for (const url of urls) made.begin("GET", url, () => ({ sent: 0, received: 0 }));
  return made;
}
