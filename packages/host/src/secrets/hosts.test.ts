import assert from "node:assert/strict";
import { test } from "node:test";
import { hostMatches, isLoopbackName } from "./hosts.ts";

const CASES: readonly [pattern: string, url: string, matches: boolean][] = [
  ["api.example.com", "https://api.example.com/x", true],
  ["api.example.com", "https://API.EXAMPLE.COM/x", true],
  ["api.example.com", "http://api.example.com/x", true],
  ["api.example.com", "https://api.example.com:443/x", true],
  ["api.example.com", "https://api.example.com:8443/x", false],
  ["api.example.com:8443", "https://api.example.com:8443/x", true],
  ["api.example.com:8443", "https://api.example.com/x", false],
  ["api.example.com:443", "https://api.example.com/x", true],
  ["api.example.com:443", "http://api.example.com:443/x", false],
  ["api.example.com", "https://api.example.com./x", false],
  ["api.example.com", "https://xapi.example.com/", false],
  ["api.example.com", "https://api.example.com.evil.org/", false],
  ["api.example.com", "https://api.example.com@evil.org/", false],
  ["api.example.com", "https://evil.org\\@api.example.com/", false],
  ["api.example.com", "https://evil.org#api.example.com", false],
  ["api.example.com", "https://evil.org?api.example.com", false],
  ["api.example.com", "ftp://api.example.com/", false],
  ["*.example.com", "https://api.example.com/", true],
  ["*.example.com", "https://a.b.example.com/", true],
  ["*.example.com", "https://example.com/", false],
  ["*.example.com", "https://evilexample.com/", false],
  ["*.example.com:8443", "https://a.example.com:8443/", true],
  ["*.0.0.1", "https://127.0.0.1/", false],
  ["127.1:8080", "http://127.0.0.1:8080/", true],
  ["127.0.0.1:8080", "http://127.0.0.1:8080/", true],
  ["127.0.0.1:8080", "http://2130706433:8080/", true],
  ["[::1]:8080", "http://[::1]:8080/", true],
  ["[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080/", true],
  ["[::1]", "http://[::2]/", false],
];
for (const [pattern, url, matches] of CASES)
  test(`${pattern} ${matches ? "means" : "does not mean"} ${url}`, () => {
    assert.equal(hostMatches(pattern, new URL(url)), matches);
  });

test("this machine by name", () => {
  for (const name of ["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
    assert.ok(isLoopbackName(name), name);
  for (const name of ["localhost.evil.org", "127.0.0.1.evil.org", "evillocalhost", "[::2]", "10.0.0.1"])
    assert.ok(!isLoopbackName(name), name);
});
