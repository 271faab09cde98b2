import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "./addresses.ts";
import { allowlist, checkAddresses, checkHost } from "./allowlist.ts";
import { targetOf } from "./target.ts";
import { failing } from "./testing.ts";

const reaches = (hosts: readonly string[], url: string): boolean => {
  try {
    checkHost(allowlist(hosts), targetOf(new URL(url)));
    return true;
  } catch (error) {
    failing("EFORBIDDEN")(error);
    return false;
  }
};

test("which URLs an entry is for", () => {
  const table: readonly (readonly [entry: string, yes: readonly string[], no: readonly string[]])[] = [
    [
      "api.example.com",
      [
        "http://api.example.com",
        "https://api.example.com/x",
        "https://API.Example.COM.",
        "http://api.example.com:80",
      ],
      [
        ...["http://api.example.com:8080", "https://api.example.com:80", "http://api.example.com:443"],
        ...["http://example.com", "http://x.api.example.com", "http://api.example.com.evil.com"],
        ...[
          "http://evilapi.example.com",
          "http://api.example.com@evil.com",
          "http://evil.com#@api.example.com",
        ],
        ...["http://evil.com\\@api.example.com", "http://evil.com?.api.example.com"],
      ],
    ],
    [
      "api.example.com:8443",
      ["https://api.example.com:8443", "http://api.example.com:8443"],
      ["https://api.example.com"],
    ],
    ["api.example.com:443", ["https://api.example.com"], ["http://api.example.com:443"]],
    ["api.example.com:80", ["http://api.example.com"], ["https://api.example.com:80"]],
    [
      "*.example.com",
      ["http://a.example.com", "https://a.b.c.example.com"],
      [
        "http://example.com",
        "http://badexample.com",
        "http://a.example.com:81",
        "http://example.com.evil.com",
      ],
    ],
    [
      "*",
      ["http://anything.test", "https://anything.test:9000", "http://8.8.8.8", "http://[2606:4700::1111]"],
      [],
    ],
    ["*:8080", ["http://anything.test:8080"], ["http://anything.test"]],
    [
      "127.0.0.1:99",
      ["http://127.0.0.1:99", "http://2130706433:99", "http://0x7f.1:99"],
      ["http://localhost:99"],
    ],
    ["127.1", ["http://127.0.0.1"], []],
    [
      "[::1]:99",
      ["http://[::1]:99", "http://[0:0:0:0:0:0:0:1]:99"],
      ["http://[::2]:99", "http://127.0.0.1:99"],
    ],
    ["*.0.0.1", [], ["http://127.0.0.1"]],
    ["*.localhost", ["http://a.localhost"], ["http://localhost"]],
    ["xn--bcher-kva.example", ["https://bücher.example", "https://B%C3%BCcher.example"], []],
    ["999.999.999.999", [], ["http://9.9.9.9"]],
  ];
  for (const [entry, yes, no] of table) {
    for (const url of yes) assert.ok(reaches([entry], url), `${entry} ${url}`);
    for (const url of no) assert.ok(!reaches([entry], url), `${entry} ${url}`);
  }
  assert.ok(!reaches([], "http://example.com"));
});

test("the message names what was asked for and what is allowed", () => {
  const target = targetOf(new URL("https://api.evil.com/x?key=1"));
  const message = (hosts: readonly string[]): RegExp | string => {
    try {
      checkHost(allowlist(hosts), target);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  assert.equal(
    message(["api.example.com"]),
    '"api.evil.com" is not among the hosts that this task may reach (allowed: api.example.com)',
  );
  assert.equal(
    message([]),
    '"api.evil.com" is not among the hosts that this task may reach (nothing is allowed)',
  );
  assert.match(
    String(message(Array.from({ length: 500 }, (_, i) => `h${i}.example`))),
    /h9\.example and 490 more\)$/,
  );
});

test("only an entry for the very address, or the very localhost name, opens an address that is not public", () => {
  const may = (hosts: readonly string[], url: string, ...addresses: readonly string[]): boolean => {
    const allowed = allowlist(hosts);
    const target = targetOf(new URL(url));
    checkHost(allowed, target);
    try {
      checkAddresses(
        allowed,
        target,
        addresses.map((text) => parseAddress(text) as Uint8Array),
      );
      return true;
    } catch (error) {
      failing("EFORBIDDEN")(error);
      return false;
    }
  };
  assert.ok(may(["api.example.com"], "http://api.example.com", "93.184.216.34"));
  for (const address of [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "::1",
    "::ffff:127.0.0.1",
    "fd00::1",
    "0.0.0.0",
  ]) {
    assert.ok(!may(["api.example.com"], "http://api.example.com", address), address);
    assert.ok(!may(["*.example.com"], "http://api.example.com", address), address);
    assert.ok(!may(["*"], "http://api.example.com", address), address);
    // One that may not be reached among others that may.
    assert.ok(!may(["api.example.com"], "http://api.example.com", "93.184.216.34", address), address);
  }
  assert.ok(!may(["*"], "http://127.0.0.1", "127.0.0.1"));
  assert.ok(!may(["*"], "http://localhost", "127.0.0.1", "::1"));
  assert.ok(!may(["*.localhost"], "http://a.localhost", "127.0.0.1", "::1"));
  assert.ok(may(["127.0.0.1:80"], "http://127.0.0.1", "127.0.0.1"));
  assert.ok(may(["localhost"], "http://localhost", "127.0.0.1", "::1"));
  assert.ok(may(["a.localhost:90"], "http://a.localhost:90", "127.0.0.1", "::1"));
  // The port counts: another service of that address was not named.
  assert.ok(!may(["api.example.com:90", "10.0.0.1"], "http://api.example.com:90", "10.0.0.1"));
  // An intranet: the name and its address.
  assert.ok(may(["intranet.example.com", "10.0.0.1"], "http://intranet.example.com", "10.0.0.1"));
  assert.ok(may(["10.0.0.1"], "http://10.0.0.1", "10.0.0.1"));
  assert.ok(may(["[fd00::1]"], "http://[fd00::1]", "fd00::1"));
  assert.ok(may(["[::ffff:127.0.0.1]"], "http://[::ffff:7f00:1]", "::ffff:127.0.0.1"));
});
