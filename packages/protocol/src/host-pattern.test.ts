import assert from "node:assert/strict";
import { test } from "node:test";
import { hostPattern, nameFits, patternFits } from "./host-pattern.ts";

test("a pattern in its parts, its host as URLs write it", () => {
  const cases: readonly (readonly [pattern: string, name: string, port: number | null])[] = [
    ["api.example.com", "api.example.com", null],
    ["API.example.com:8443", "api.example.com", 8443],
    ["*.example.com", "*.example.com", null],
    ["*:0443", "*", 443],
    ["127.1:80", "127.0.0.1", 80],
    ["0x7f.1", "127.0.0.1", null],
    ["[0:0:0:0:0:0:0:1]:8080", "[::1]", 8080],
    ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", null],
  ];
  for (const [pattern, name, port] of cases) assert.deepEqual(hostPattern(pattern), { name, port }, pattern);
});

test("what is no pattern, or a host that no URL can have, means nothing", () => {
  const odd = [
    "",
    "*x",
    "a/b",
    "a@b",
    "a b",
    "a:0",
    "a:65536",
    "http://a",
    "1.2.3.4.5",
    "a.999",
    "[1::2::3]",
    "a.",
  ];
  for (const pattern of odd) assert.equal(hostPattern(pattern), null, pattern);
});

test("port 443 is https's and port 80 http's", () => {
  const fits = (text: string, scheme: "http:" | "https:", port: number): boolean => {
    const pattern = hostPattern(text);
    return pattern !== null && patternFits(pattern, { scheme, host: "a.x", port });
  };
  for (const [text, yes, no] of [
    ["a.x", ["http:80", "https:443"], ["http:443", "https:80", "http:8443"]],
    ["a.x:443", ["https:443"], ["http:443", "https:80"]],
    ["*.x:80", ["http:80"], ["https:80", "https:443"]],
    ["*:8443", ["http:8443", "https:8443"], ["https:443"]],
    ["*", ["http:80", "http:443", "https:9"], []],
  ] as const)
    for (const place of [...yes, ...no] as string[]) {
      const [scheme = "", port] = place.split(/(?<=:)/);
      const expected = (yes as readonly string[]).includes(place);
      assert.equal(fits(text, scheme as "http:" | "https:", Number(port)), expected, `${text} ${place}`);
    }
});

test("names below a domain, which addresses are not", () => {
  for (const host of ["a.x", "b.a.x", "*.a.x"]) assert.ok(nameFits("*.x", host), host);
  for (const host of ["x", "ax", ".x", "a.x.y", "*", "a.x."]) assert.ok(!nameFits("*.x", host), host);
  assert.ok(!nameFits("*.0.0.1", "127.0.0.1"));
});
