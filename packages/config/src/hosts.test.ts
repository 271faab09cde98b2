import assert from "node:assert/strict";
import { test } from "node:test";
import { hostPattern, parseHostPattern, patternFits } from "@capsule-run/protocol";
import { meetHosts } from "./hosts.ts";

test("what both allow", () => {
  const cases: readonly (readonly [string[], string[], string[]])[] = [
    [["*"], ["api.openai.com"], ["api.openai.com"]],
    [["api.openai.com"], ["*"], ["api.openai.com"]],
    [["*"], [], []],
    [["*"], ["*"], ["*"]],
    [["a.x"], ["b.x"], []],
    [["a.x"], ["*.x"], ["a.x"]],
    [["x"], ["*.x"], []],
    [["evil-x"], ["*.x"], []],
    [["a.x.evil"], ["*.x"], []],
    [["*.x"], ["*.b.x", "c.x"], ["*.b.x", "c.x"]],
    [["*.ax"], ["*.x"], []],
    [["a.x:8443"], ["a.x"], []],
    [["a.x:443"], ["a.x"], ["a.x:443"]],
    [["a.x"], ["a.x:443", "a.x:80", "a.x:81"], ["a.x:443", "a.x:80"]],
    [["a.x:8443"], ["*"], ["a.x:8443"]],
    [["*:8443"], ["*.x"], []],
    [["*:8443"], ["*.x:8443"], ["*.x:8443"]],
    [["*:443"], ["*.x"], ["*.x:443"]],
    [["a.x", "a.x", "A.X".toLowerCase()], ["*", "*.x"], ["a.x"]],
  ];
  for (const [a, b, expected] of cases) {
    assert.deepEqual(meetHosts(a, b), expected, JSON.stringify([a, b]));
    assert.deepEqual([...meetHosts(b, a)].sort(), [...expected].sort(), JSON.stringify([b, a]));
  }
});

test("an address, or a name of this machine, has to stand in both", () => {
  for (const host of [
    "127.0.0.1",
    "10.0.0.1:80",
    "8.8.8.8",
    "localhost",
    "a.localhost:8080",
    "[::1]",
    "[::ffff:7f00:1]",
  ]) {
    for (const wide of ["*", "*.0.0.1", "*.localhost", "*.1", `*${/:[0-9]+$/.exec(host)?.[0] ?? ""}`])
      assert.deepEqual(
        [...meetHosts([wide], [host]), ...meetHosts([host], [wide])],
        [],
        `${host} and ${wide}`,
      );
    assert.deepEqual(meetHosts([host], [host]), [host]);
  }
  // However it is written.
  for (const name of ["127.1", "0x7f.1", "2130706433", "017700000001", "127.0.0.1"]) {
    assert.deepEqual(meetHosts([name], ["*"]), [], name);
    assert.deepEqual(meetHosts([name], ["127.0.0.1"]), ["127.0.0.1"], name);
  }
  assert.deepEqual(meetHosts(["[0:0:0:0:0:0:0:1]"], ["[::1]"]), ["[::1]"]);
  assert.deepEqual(meetHosts(["1.2.3.4.5", "a.999"], ["*"]), [], "what no URL can have");
});

/** A second opinion: what a list means, said as a whole. */
function allows(list: readonly string[], scheme: "http" | "https", host: string, port: number): boolean {
  const own = scheme === "https" ? 443 : 80;
  const special = /^[0-9.]+$|localhost$|^\[/.test(host);
  return list.some((pattern) => {
    const colon = /:([0-9]+)$/.exec(pattern.replace(/^\[.*\]/, ""));
    const name = colon ? pattern.slice(0, -colon[0].length) : pattern;
    // Nobody speaks http to 443, or https to 80.
    const fits = colon
      ? Number(colon[1]) === port && port !== (scheme === "https" ? 80 : 443)
      : name === "*" || port === own;
    if (!fits) return false;
    if (name === host) return true;
    if (special) return false;
    return (
      name === "*" || (name.startsWith("*.") && host.endsWith(name.slice(1)) && host.length >= name.length)
    );
  });
}

/** What the list opens, but for what only an entry of its own does. */
const opens = (list: readonly string[], scheme: "http" | "https", host: string, port: number): boolean =>
  list
    .map(hostPattern)
    .some((pattern) => pattern !== null && patternFits(pattern, { scheme: `${scheme}:`, host, port }));

test("of any lists: a host is allowed by what comes out if, and only if, it is by both", () => {
  let state = 11;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const names = [
    "*",
    "*.x",
    "*.a.x",
    "x",
    "a.x",
    "b.a.x",
    "ax",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "*.localhost",
  ];
  const ports = ["", "", ":80", ":443", ":8443"];
  const one = (): string => `${names[random(names.length)]}${ports[random(ports.length)]}`;
  const list = (): string[] => Array.from({ length: random(5) }, one);
  const hosts = ["x", "a.x", "b.a.x", "c.b.a.x", "ax", "y", "127.0.0.1", "localhost", "q.localhost", "[::1]"];
  for (let i = 0; i < 3000; i++) {
    const [a, b] = [list(), list()];
    const met = meetHosts(a, b);
    for (const pattern of met) assert.equal(parseHostPattern(pattern), pattern);
    for (const scheme of ["http", "https"] as const)
      for (const host of hosts)
        for (const port of [80, 443, 8443, 1]) {
          if (/[a-z]$/.test(host) && !host.endsWith("localhost"))
            assert.equal(opens(a, scheme, host, port), allows(a, scheme, host, port));
          assert.equal(
            allows(met, scheme, host, port),
            allows(a, scheme, host, port) && allows(b, scheme, host, port),
            JSON.stringify({ a, b, met, scheme, host, port }),
          );
        }
  }
});
