import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cutMiddle, tailOf } from "./cut.ts";
import { MCP_LIMITS } from "./limits.ts";
import { readSettings } from "./settings.ts";

test("settings: defaults, the environment, and flags before it", () => {
  const initial = {
    compute: 50_000_000_000,
    ram: 2 * 1024 ** 3,
    disk: 1024 ** 3,
    timeoutMs: 60_000,
    hosts: [],
    maxSessions: 8,
    sessionIdleMs: 1_800_000,
  };
  assert.deepEqual(readSettings(new Map(), [], {}), initial);
  const env = {
    CAPSULE_MCP_COMPUTE: "LOW",
    CAPSULE_MCP_RAM: " 512MB ",
    CAPSULE_MCP_DISK: "100MB",
    CAPSULE_MCP_TIMEOUT: "5s",
    CAPSULE_MCP_ALLOWED_HOSTS: "a.example.com, *.B.example.com",
    CAPSULE_MCP_MAX_SESSIONS: "",
    CAPSULE_MCP_SESSION_IDLE: "90000",
  };
  const set = {
    compute: 100_000_000,
    ram: 512 * 1024 ** 2,
    disk: 100 * 1024 ** 2,
    timeoutMs: 5000,
    hosts: ["a.example.com", "*.b.example.com"],
    maxSessions: 8,
    sessionIdleMs: 90_000,
  };
  assert.deepEqual(readSettings(new Map(), [], env), set);
  const flags = new Map([["--timeout", "1m"]]);
  const flagged = readSettings(flags, ["c.example.com"], env);
  assert.deepEqual([flagged.timeoutMs, flagged.hosts], [60_000, ["c.example.com"]]);
});

test("a setting that is none is wrong use, by the name it was given with", () => {
  const wrong: readonly (readonly [flag: string, value: string, says: RegExp])[] = [
    ["--compute", "lots", /^--compute can't be "lots": it is "LOW"/],
    ["--compute", "50000000001", /at most HIGH/],
    ["--ram", "5GB", /at most 4GB/],
    ["--disk", "65GB", /at most 64GB/],
    ["--timeout", "soon", /a duration/],
    ["--max-sessions", "0", /from 1 to 1000/],
    ["--session-idle", "-1", /a duration/],
  ];
  for (const [flag, value, says] of wrong)
    assert.throws(() => readSettings(new Map([[flag, value]]), [], {}), { name: "UsageError", text: says });
  assert.throws(() => readSettings(new Map(), ["http://x"], {}), {
    text: /^--allow-host can't be "http:\/\/x"/,
  });
  const env = { CAPSULE_MCP_ALLOWED_HOSTS: "x y/z" };
  assert.throws(() => readSettings(new Map(), [], env), {
    text: /^CAPSULE_MCP_ALLOWED_HOSTS can't be "y\/z"/,
  });
});

test("a cut leaves head and tail, and characters whole", () => {
  assert.deepEqual(cutMiddle("short", 5), { text: "short", cut: false });
  const { text, cut } = cutMiddle("😀".repeat(1000), 301);
  assert.ok(cut && text.isWellFormed());
  assert.match(text, /^(?:😀){100}\n\[… 1,\d{3} of 2,000 characters left out …\]\n(?:😀){50}$/);
  assert.equal(tailOf("abcdef", 4), "…def");
  assert.ok(tailOf("😀😀😀", 4).isWellFormed());
});

test("every limit and every variable is in the documentation", () => {
  const text = readFileSync(new URL("../../../../docs/mcp.md", import.meta.url), "utf8");
  for (const name of Object.keys(MCP_LIMITS)) assert.ok(text.includes(`(\`${name}\`)`), name);
  const source = readFileSync(new URL("settings.ts", import.meta.url), "utf8");
  for (const [variable] of source.matchAll(/CAPSULE_MCP_[A-Z_]+/g))
    assert.ok(text.includes(variable), variable);
});
