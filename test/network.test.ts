/** `fetch` inside tasks does what it does in plain Node, within what the task may reach. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { cases } from "./programs/network-cases.ts";
import { type Envelope, folder, program, runFile, runSource } from "./support/capsule.ts";
import { openWebServer, type WebServer } from "./support/web-server.ts";

const CASES = readFileSync(new URL("programs/network-cases.ts", import.meta.url), "utf8");

interface HostRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number | null;
  readonly response_bytes: number;
  readonly error: string | null;
}

let server: WebServer;
before(async () => {
  server = await openWebServer();
});
after(() => server.close());

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

describe("in a task, as in plain Node:", () => {
  let rows: Record<string, Envelope> = {};
  before(async () => {
    const cwd = folder({
      "network-cases.ts": CASES,
      "main.ts": program(`
        import { cases } from "./network-cases.ts";
        const allowedHosts = ["${server.host}", "127.0.0.1:1"];
        const one = task({ name: "one", compute: "HIGH", allowedHosts }, (name: string) => cases[name]?.("http://${server.host}", "guest" + name));
        const wait = task({ name: "wait", compute: "HIGH", allowedHosts }, async (name: string) => cases[name]?.("http://${server.host}", "guest" + name));
        export const main = task({ name: "main", compute: "HIGH" }, async () => {
          const rows: Record<string, unknown> = {};
          await Promise.all(Object.keys(cases).map(async (name) => { rows[name] = await wait(name); }));
          rows.blocking = one("json");
          return rows;
        });`),
    });
    const { envelope } = await runFile<Record<string, Envelope>>(cwd, "main.ts");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    rows = envelope.result;
  });

  for (const [name, run] of Object.entries({ ...cases, blocking: cases.json as (typeof cases)[string] }))
    test(name, async () => {
      const { success, result, error } = rows[name] as Envelope;
      assert.ok(success, error?.message ?? "");
      assert.deepEqual(result, plain(await run(`http://${server.host}`, `node${name}`)));
    });

  test("requests of one task run in parallel", () => {
    const { duration_ms } = (rows.parallel as Envelope).execution;
    assert.ok(duration_ms < 2000, `${duration_ms} ms`);
  });

  test("each is listed in its envelope", () => {
    const requests = (rows.statuses as Envelope).execution.host_requests as readonly HostRequest[];
    assert.deepEqual(
      requests.map(({ method, url, status, error }) => [method, url, status, error]),
      [200, 204, 304, 404, 500].map((code) => [
        "GET",
        `http://${server.host}/status?code=${code}`,
        code,
        null,
      ]),
    );
  });

  test("what was aborted, cancelled or left is ended on the wire", () => {
    assert.ok(server.dropped() >= 12, `${server.dropped()}`);
  });
});

test("a host that is not listed is refused, by name, and says so in the message and the envelope", async () => {
  const { envelope } = await runSource(`
    export const main = task({ name: "main", allowedHosts: ["api.example.com"] }, async () => {
      await fetch("http://user:secret@api.evil.com/").catch((e) => console.log(e.name));
      await fetch("http://api.evil.com/x?y");
    });`);
  assert.match(
    envelope.error?.message ?? "",
    /^TypeError: fetch failed: "api\.evil\.com" is not among the hosts that this task may reach/,
  );
  const [request] = envelope.execution.host_requests as readonly HostRequest[];
  assert.equal(request?.url, "http://api.evil.com/x?y");
  assert.match(request?.error ?? "", /^EFORBIDDEN: /);
});

test("what is fetched while a program loads is refused, and its attempts fetch", async () => {
  const { envelope } = await runSource(`
    const early = await fetch("http://${server.host}/echo").then((r) => r.status, (e) => e.cause.message);
    export const main = task({ name: "main", allowedHosts: ["${server.host}"] }, async () => [early, (await fetch("http://${server.host}/echo")).status]);`);
  assert.ok(envelope.success, envelope.error?.message ?? "");
  assert.deepEqual(envelope.result, [200, 200]);
});

test("no trick of writing reaches this machine through an allowlist of everything, or past one of names", async () => {
  const { port } = new URL(`http://${server.host}`);
  const before = server.requests();
  const { envelope } = await runSource<unknown[]>(`
    import http from "node:http";
    const told = (work: Promise<unknown>) => work.then(() => "REACHED", (e) => e.cause?.code ?? e.code ?? e.name);
    const byHttp = (options: object) => new Promise((resolve, reject) => http.get(options, resolve).on("error", reject));
    const hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "a.localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "169.254.169.254", "%31%32%37.0.0.1", "127。0。0。1"];
    const all = task({ name: "all", allowedHosts: ["*"] }, () => Promise.all(hosts.map((host) => told(fetch("http://" + host + ":${port}/echo")))));
    const names = task({ name: "names", allowedHosts: ["example.invalid", "*.example.invalid:${port}"] }, () => Promise.all([
      ...["http://example.invalid@${server.host}/", "http://${server.host}/#@example.invalid", "http://${server.host}\\\\@example.invalid/", "http://${server.host}/?http://example.invalid"].map((url) => told(fetch(url))),
      told(fetch("http://${server.host}/", { headers: { host: "example.invalid" } })),
      told(byHttp({ host: "example.invalid@127.0.0.1", port: "${port}" })),
      told(byHttp({ host: "127.0.0.1", port: "${port}/@example.invalid" })),
      told(byHttp({ hostname: "127.0.0.1:${port}/", headers: { host: "example.invalid" } })),
    ]));
    const smuggled = task({ name: "smuggled", allowedHosts: ["${server.host}"] }, async () => [
      await told((async () => fetch("http://${server.host}/", { headers: { a: "b\\r\\nc: d" } }))()),
      await told((async () => fetch("http://${server.host}/", { method: "GET /x HTTP/1.1\\r\\n" }))()),
      await told((async () => byHttp({ host: "127.0.0.1", port: ${port}, path: "/ HTTP/1.1\\r\\nx: y" }))()),
      await told((async () => byHttp({ host: "127.0.0.1", port: ${port}, headers: ["a\\nb", "c"] }))()),
      await told((async () => fetch("http://${server.host}/", { method: "POST", body: "x", headers: { "content-length": "100" } }))()),
      await told((async () => fetch("http://${server.host}/", { headers: { host: "other" } }))()),
    ]);
    export const main = task({ name: "main" }, async () => (await Promise.all([all(), names(), smuggled()])).map((r) => r.result ?? r.error));`);
  assert.ok(envelope.success, envelope.error?.message ?? "");
  const [all, names, smuggled] = envelope.result as string[][];
  assert.deepEqual([...new Set(all)], ["EFORBIDDEN"], JSON.stringify(all));
  for (const each of names as string[])
    assert.match(each, /^(?:EFORBIDDEN|EINVAL|TypeError)$/, JSON.stringify(names));
  assert.deepEqual(smuggled, [
    ...["TypeError", "TypeError", "ERR_UNESCAPED_CHARACTERS", "ERR_INVALID_HTTP_TOKEN", "EINVAL", "EINVAL"],
  ]);
  assert.equal(server.requests(), before);
});
