/** `node:http` inside tasks does what it does in plain Node. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { cases } from "./programs/node-http-cases.ts";
import { type Envelope, folder, program, runFile, runSource } from "./support/capsule.ts";
import { openWebServer, type WebServer } from "./support/web-server.ts";

const CASES = readFileSync(new URL("programs/node-http-cases.ts", import.meta.url), "utf8");

let server: WebServer;
before(async () => {
  server = await openWebServer();
});
after(() => server.close());

describe("in a task, as in plain Node:", () => {
  let rows: Record<string, Envelope> = {};
  before(async () => {
    const cwd = folder({
      "node-http-cases.ts": CASES,
      "main.ts": program(`
        import { cases } from "./node-http-cases.ts";
        const allowedHosts = ["${server.host}", "127.0.0.1:1"];
        const one = task({ name: "one", compute: "HIGH", allowedHosts }, async (name: string) => cases[name]?.("http://${server.host}"));
        export const main = task({ name: "main", compute: "HIGH" }, async () => {
          const rows: Record<string, unknown> = {};
          await Promise.all(Object.keys(cases).map(async (name) => { rows[name] = await one(name); }));
          return rows;
        });`),
    });
    const { envelope } = await runFile<Record<string, Envelope>>(cwd, "main.ts");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    rows = envelope.result;
  });

  for (const [name, run] of Object.entries(cases))
    test(name, async () => {
      const { success, result, error } = rows[name] as Envelope;
      assert.ok(success, error?.message ?? "");
      assert.deepEqual(result, JSON.parse(JSON.stringify(await run(`http://${server.host}`))));
    });
});

test("servers say that they are not there, and hosts that are not listed are refused", async () => {
  const { envelope } = await runSource(`
    import { createServer, get, Server } from "node:http";
    import https from "node:https";
    const seen = (code: () => unknown) => { try { return code(); } catch (e) { return (e as Error).message; } };
    export const main = task({ name: "main" }, async () => [
      seen(() => createServer()), seen(() => https.createServer()), seen(() => new Server()),
      await new Promise((resolve) => get("http://evil.com/").on("error", (e: any) => resolve([e.code, e.message]))),
    ]);`);
  assert.ok(envelope.success, envelope.error?.message ?? "");
  const [server, secure, constructed, [code, message]] = envelope.result as [
    string,
    string,
    string,
    string[],
  ];
  assert.match(server, /^node:http \(createServer\) is not available inside a sandbox/);
  assert.match(secure, /^node:https \(createServer\) is not available inside a sandbox/);
  assert.match(constructed, /^node:http \(Server\) is not available/);
  assert.equal(code, "EFORBIDDEN");
  assert.match(message as string, /"evil\.com" is not among the hosts that this task may reach/);
});
