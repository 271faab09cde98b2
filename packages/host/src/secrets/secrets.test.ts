import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectError, LIMITS, type SecretSpec, UsageError } from "@capsule-run/protocol";
import type { OutgoingRequest } from "../capability.ts";
import { createSecrets } from "./index.ts";

const VALUE = 'sk-Ab/9+"\\&=% ?#$&';

const spec = (more: Partial<SecretSpec> = {}): SecretSpec => ({
  name: "KEY",
  value: VALUE,
  hosts: ["api.example.com"],
  query: false,
  body: false,
  ...more,
});

/** A secret of its own run, and its placeholder. */
function one(more: Partial<SecretSpec> = {}) {
  const secrets = createSecrets([spec(more)], "seed");
  return { secrets, way: secrets.onTheWay(), placeholder: secrets.placeholder("KEY") as string };
}

function request(more: Partial<Omit<OutgoingRequest, "url">> & { url?: string } = {}): OutgoingRequest {
  const { url = "https://api.example.com/v1", ...rest } = more;
  return { method: "POST", headers: [], body: null, ...rest, url: new URL(url) };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const shown = (body: Uint8Array | null | undefined): string => Buffer.from(body ?? []).toString();

test("a placeholder is as long as its value, random, and the same for the same run", () => {
  const { secrets, placeholder } = one();
  assert.match(placeholder, /^[A-Za-z0-9]+$/);
  assert.equal(placeholder.length, VALUE.length);
  assert.equal(createSecrets([spec({ value: VALUE.toUpperCase() })], "seed").placeholder("KEY"), placeholder);
  const others = [
    createSecrets([spec()], "other seed").placeholder("KEY"),
    createSecrets([spec({ name: "YEK" })], "seed").placeholder("YEK"),
    createSecrets([spec({ value: `${VALUE}!` })], "seed").placeholder("KEY"),
  ];
  for (const other of others) assert.notEqual(other?.slice(0, 8), placeholder.slice(0, 8));
  assert.equal(secrets.placeholder("NONE"), null);
  // As many as its UTF-8 has bytes.
  assert.equal(createSecrets([spec({ value: "пароль-🔑" })], "seed").placeholder("KEY")?.length, 17);
  const all = new Set<string>();
  for (let i = 0; i < 100; i++)
    for (const character of one({ name: "KEY", value: "x".repeat(100 + i) }).placeholder) all.add(character);
  assert.equal(all.size, 62);
});

const REFUSED: readonly [what: string, more: Partial<SecretSpec>, message: RegExp][] = [
  ["an empty value", { value: "" }, /value is empty/],
  ["a short value", { value: "1234567" }, /has 7 characters: .* at least 8/],
  ["a long value", { value: "x".repeat(LIMITS.secretCharacters + 1) }, /at most 8192/],
  ["a line break", { value: "12345678\r\nX-Evil: 1" }, /line break/],
  ["a NUL", { value: "12345678\0" }, /control character/],
  ["half a character", { value: "12345678\ud800" }, /well-formed/],
  ["no host", { hosts: [] }, /hosts must be/],
  ["every host", { hosts: ["*"] }, /hosts must be/],
  ["every host of a port", { hosts: ["*:8080"] }, /hosts must be/],
  ["a URL for a host", { hosts: ["https://api.example.com"] }, /hosts must be/],
  ["an odd name", { name: "A=B" }, /its name must be/],
];
for (const [what, more, message] of REFUSED)
  test(`refuses ${what}, and does not say the value`, () => {
    assert.throws(
      () => createSecrets([spec(more)], "seed"),
      (error) => {
        assert.ok(error instanceof UsageError && error.slug === "secret");
        assert.match(error.text, message);
        assert.ok(!error.message.includes("1234567"));
        return true;
      },
    );
  });

test("refuses too many, and two of a name", () => {
  const many = Array.from({ length: LIMITS.secrets + 1 }, (_, i) => spec({ name: `K${i}` }));
  assert.throws(() => createSecrets(many, "seed"), /can have 100 secrets, and this one has 101/);
  assert.throws(() => createSecrets([spec(), spec()], "seed"), /same name/);
});

test("headers hold the value on the way to its hosts", () => {
  const { way, placeholder } = one();
  const { headers } = way.substitute(
    request({
      headers: [
        ["Authorization", `Bearer ${placeholder}`],
        ["x-api-key", placeholder],
        ["cookie", `a=${placeholder}; b=${placeholder}`],
        ["other", placeholder.slice(1)],
      ],
    }),
    true,
  );
  assert.deepEqual(headers, [
    ["Authorization", `Bearer ${VALUE}`],
    ["x-api-key", VALUE],
    ["cookie", `a=${VALUE}; b=${VALUE}`],
    ["other", placeholder.slice(1)],
  ]);
});

const NOWHERE: readonly [what: string, url: string, secure: boolean][] = [
  ["another host", "https://evil.example/v1", true],
  ["a host below", "https://x.api.example.com/v1", true],
  ["a host that begins alike", "https://api.example.com.evil.example/v1", true],
  ["the host as a user", "https://api.example.com@evil.example/v1", true],
  ["another port", "https://api.example.com:8443/v1", true],
  ["a host with a dot at its end", "https://api.example.com./v1", true],
  ["the host without TLS", "http://api.example.com/v1", true],
  ["the host over a connection that is not secure", "https://api.example.com/v1", false],
];
for (const [what, url, secure] of NOWHERE)
  test(`${what} gets the placeholder`, () => {
    const { way, placeholder } = one({ query: true, body: true });
    const before = request({
      url: `${url}?k=${placeholder}`,
      headers: [
        ["authorization", `Bearer ${placeholder}`],
        ["authorization", `Basic ${Buffer.from(`u:${placeholder}`).toString("base64")}`],
      ],
      body: bytes(placeholder),
    });
    assert.equal(way.substitute(before, secure), before);
  });

test("a request that names another host in a header gets the placeholder", () => {
  const { way, placeholder } = one();
  const to = (host: string): string | undefined =>
    way.substitute(
      request({
        headers: [
          ["k", placeholder],
          ["Host", host],
        ],
      }),
      true,
    ).headers[0]?.[1];
  assert.equal(to("evil.example"), placeholder);
  assert.equal(to("api.example.com, evil.example"), placeholder);
  assert.equal(to("API.example.com"), VALUE);
});

test("a redirect is decided anew: every hop starts from the placeholder", () => {
  const { way, placeholder } = one({ query: true });
  const headers = [["authorization", `Bearer ${placeholder}`]] as const;
  const first = request({ headers, url: `https://api.example.com/?k=${placeholder}` });
  const sent = way.substitute(first, true);
  assert.equal(sent.headers[0]?.[1], `Bearer ${VALUE}`);
  assert.equal(sent.url.searchParams.get("k"), VALUE);
  // The server sends the client on with what it got: the value is taken out before anybody follows.
  const location = way.scrubText(`https://evil.example/?k=${encodeURIComponent(VALUE)}`);
  const next = way.substitute(request({ headers, url: location }), true);
  assert.equal(next.headers[0]?.[1], `Bearer ${placeholder}`);
  assert.ok(!decodeURIComponent(next.url.href).includes(VALUE));
  // And back again.
  const back = way.substitute(request({ headers, url: "https://api.example.com/2" }), true);
  assert.equal(back.headers[0]?.[1], `Bearer ${VALUE}`);
  // What was asked for is as it was.
  assert.equal(first.headers[0]?.[1], `Bearer ${placeholder}`);
  assert.equal(first.url.searchParams.get("k"), placeholder);
});

test("loopback needs no TLS where it is named", () => {
  for (const host of ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"]) {
    const { way, placeholder } = one({ hosts: [host] });
    const at = request({ url: `http://${host}/`, headers: [["k", placeholder]] });
    assert.equal(way.substitute(at, true).headers[0]?.[1], VALUE);
    assert.equal(way.substitute(at, false).headers[0]?.[1], placeholder);
    const other = request({ url: "http://localhost:9090/", headers: [["k", placeholder]] });
    assert.equal(way.substitute(other, true).headers[0]?.[1], placeholder);
  }
});

test("Basic credentials are decoded", () => {
  for (const value of [VALUE, "пароль-🔑-ä"]) {
    const { way, placeholder } = one({ value });
    const basic = (credentials: string, encoding: "base64" | "base64url" = "base64"): string =>
      Buffer.from(credentials).toString(encoding);
    const { headers } = way.substitute(
      request({
        headers: [
          ["Authorization", `Basic ${basic(`user:${placeholder}`)}`],
          ["authorization", `bAsIc   ${basic(`${placeholder}:`).replace(/=+$/, "")}`],
          ["Proxy-Authorization", `Basic ${basic(`ü~:${placeholder}`, "base64url")}`],
          ["authorization", `Basic ${basic("user:other")}`],
          ["x-other", `Basic ${basic(`user:${placeholder}`)}`],
        ],
      }),
      true,
    );
    assert.deepEqual(
      headers.map(([, each]) => each),
      [
        `Basic ${basic(`user:${value}`)}`,
        `bAsIc   ${basic(`${value}:`)}`,
        `Basic ${basic(`ü~:${value}`)}`,
        `Basic ${basic("user:other")}`,
        `Basic ${basic(`user:${placeholder}`)}`,
      ],
    );
  }
});

test("a header never carries what it can't", () => {
  const { way, placeholder } = one({ value: "пароль-🔑-ä" });
  assert.throws(
    () => way.substitute(request({ headers: [["k", placeholder]] }), true),
    (error) => error instanceof EffectError && error.code === "EINVAL" && /KEY/.test(error.message),
  );
});

test("the query holds the value only where that is declared, URL-encoded", () => {
  const { way, placeholder } = one({ query: true });
  const escaped = [...placeholder].map((each) => `%${each.charCodeAt(0).toString(16)}`).join("");
  const { url } = way.substitute(
    request({
      url: `https://api.example.com/${placeholder}?a=${placeholder}&b=${escaped}&c=x#${placeholder}`,
    }),
    true,
  );
  assert.deepEqual(
    [...url.searchParams],
    [
      ["a", VALUE],
      ["b", VALUE],
      ["c", "x"],
    ],
  );
  assert.equal(url.pathname, `/${placeholder}`);
  assert.equal(url.host, "api.example.com");
  const undeclared = one();
  const same = request({ url: `https://api.example.com/?a=${undeclared.placeholder}` });
  assert.equal(undeclared.way.substitute(same, true).url, same.url);
});

const BODIES: readonly [type: string, frame: (text: string) => string, read: (body: string) => unknown][] = [
  ["application/json; charset=utf-8", (text) => `{"k":"${text}"}`, (body) => JSON.parse(body).k],
  ["application/vnd.api+json", (text) => `["${text}"]`, (body) => JSON.parse(body)[0]],
  ["application/x-ndjson", (text) => `{}\n"${text}"`, (body) => JSON.parse(body.split("\n")[1] as string)],
  [
    "application/x-www-form-urlencoded",
    (text) => `a=1&k=${text}`,
    (body) => new URLSearchParams(body).get("k"),
  ],
  ["text/plain", (text) => `k: ${text}`, (body) => body.slice(3)],
  ["multipart/form-data; boundary=x", (text) => `--x\r\n\r\n${text}\r\n--x--`, (body) => body.slice(7, -7)],
];
for (const value of [VALUE, "пароль-🔑-ä"])
  for (const [type, frame, read] of BODIES)
    test(`a body of ${type} holds ${value} where that is declared`, () => {
      const { way, placeholder } = one({ value, body: true });
      const headers = [
        ["Content-Type", type],
        ["Content-Length", "1"],
      ] as const;
      const sent = way.substitute(request({ headers, body: bytes(frame(placeholder)) }), true);
      assert.equal(read(shown(sent.body)), value);
      assert.deepEqual(sent.headers[1], ["Content-Length", String(sent.body?.length)]);
      const undeclared = one({ value });
      const body = bytes(frame(undeclared.placeholder));
      assert.equal(undeclared.way.substitute(request({ headers, body }), true).body, body);
    });

test("each secret goes its own way", () => {
  const secrets = createSecrets(
    [
      spec({ name: "A", value: "value-of-a", hosts: ["a.example"] }),
      spec({ name: "B", value: "value-of-b", hosts: ["*.example"] }),
    ],
    "seed",
  );
  const [a, b] = [secrets.placeholder("A"), secrets.placeholder("B")];
  const to = (url: string): string | undefined =>
    secrets.onTheWay().substitute(request({ url, headers: [["k", `${a}${b}`]] }), true).headers[0]?.[1];
  assert.equal(to("https://a.example"), "value-of-avalue-of-b");
  assert.equal(to("https://b.example"), `${a}value-of-b`);
  assert.equal(to("https://c.org"), `${a}${b}`);
});

test("a value that looks like a placeholder is not looked at again", () => {
  const { placeholder } = one({ value: "x".repeat(20) });
  // It would be that of KEY, which is as long.
  const secrets = createSecrets(
    [spec({ value: "x".repeat(20), hosts: ["b.example"] }), spec({ name: "A", value: placeholder })],
    "seed",
  );
  assert.notEqual(secrets.placeholder("KEY"), placeholder);
  const sent = secrets
    .onTheWay()
    .substitute(request({ headers: [["k", secrets.placeholder("A") as string]] }), true);
  assert.equal(sent.headers[0]?.[1], placeholder);
});

test("a sandbox's variables hold placeholders, and no value by another name", () => {
  const { secrets, placeholder } = one();
  const given: Readonly<Record<string, string>> = {
    KEY: VALUE,
    URL: `https://user:${encodeURIComponent(VALUE)}@db.example/x`,
    PLAIN: "plain",
    HIDDEN: "hidden",
  };
  assert.deepEqual(
    secrets.environment(["KEY", "URL", "PLAIN", "NONE"], (name) => given[name]),
    { KEY: placeholder, URL: `https://user:${placeholder}@db.example/x`, PLAIN: "plain" },
  );
});

test("records hold neither values nor placeholders", () => {
  const { secrets, placeholder } = one();
  const basic = Buffer.from(`user:${VALUE}`).toString("base64");
  assert.equal(
    secrets.onTheWay().redact(`${VALUE} ${placeholder} ${encodeURIComponent(VALUE)} ok`),
    "[secret KEY] [secret KEY] [secret KEY] ok",
  );
  assert.match(secrets.onTheWay().redact(`Basic ${basic}`), /^Basic dXNlcj\[secret KEY\]=*$/);
});

test("without secrets nothing is looked at", () => {
  const way = createSecrets([], "seed").onTheWay();
  const at = request({ headers: [["k", "v"]] });
  assert.equal(way.substitute(at, true), at);
  assert.equal(way.scrubber(), null);
  assert.equal(way.scrubText("text"), "text");
  assert.equal(way.redact("text"), "text");
});
