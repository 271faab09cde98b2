/** `fetch` against a host whose answers are fixed: what it asks for, and what it makes of the answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EffectAnswer, EffectName, TurnEnd } from "@capsule-run/protocol";
import { AMPLE, resultOf, TestGuest } from "./testing/guest.ts";

type Host = (name: EffectName, head: Record<string, unknown>, payload: Uint8Array) => EffectAnswer;

const ok = (head: object, payload = ""): EffectAnswer => ({
  ...{ ok: true, head },
  payload: new Uint8Array(Buffer.from(payload)),
});

const response = (fields: object = {}, payload = ""): EffectAnswer =>
  ok(
    {
      ...{ status: 200, statusText: "OK", url: "http://a/", redirected: false, handle: null },
      headers: [["content-type", "text/plain"]],
      ...fields,
    },
    payload,
  );

/** Runs an async function body. */
async function run(body: string, host: Host): Promise<{ guest: TestGuest; end: TurnEnd }> {
  const guest = new TestGuest();
  const image = await guest.load(`task({ name: "main" }, async () => { ${body} });`);
  guest.reset(image);
  guest.onEffect = (name, head, payload) => host(name, head as Record<string, unknown>, payload);
  return { guest, end: await guest.run("main") };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("a request crosses whole, with what a program did not say filled in", async () => {
  const { guest, end } = await run(
    `const r = await fetch("http://a/b?c#d", { method: "POST", body: JSON.stringify({ x: "é" }), headers: { "X-Y": "z" } });
     return [r.status, r.ok, r.url, r.type, r.redirected, await r.json(), [...r.headers]];`,
    () =>
      response(
        { headers: [...["b", "a"].map((v) => ["X-A", v]), ["Set-Cookie", "1"], ["set-cookie", "2"]] },
        "[1]",
      ),
  );
  const headers = [
    ["x-a", "b, a"],
    ["set-cookie", "1"],
    ["set-cookie", "2"],
  ].sort();
  assert.deepEqual(resultOf(end), [200, true, "http://a/", "basic", false, [1], headers]);
  const [{ name, head, payload }] = guest.effects as [TestGuest["effects"][0]];
  assert.deepEqual([guest.effects.length, name, text(payload)], [1, "http.request", '{"x":"é"}']);
  assert.deepEqual(head, {
    method: "POST",
    url: "http://a/b?c#d",
    headers: [
      ["X-Y", "z"],
      ["content-type", "text/plain;charset=UTF-8"],
      ["accept", "*/*"],
      ["accept-language", "*"],
      ["user-agent", "capsule"],
      ["accept-encoding", "gzip, deflate, br"],
    ],
    redirect: "follow",
    body: "whole",
    timeoutMs: null,
  });
});

test("bodies are read as they come, in pieces and in streams", async () => {
  let reads = 0;
  const answer = (name: EffectName): EffectAnswer => {
    if (name === "http.request") return response({ handle: 7 }, "a");
    const piece = ["é", "c", ""][reads++ % 3] as string;
    return ok({ done: piece === "" }, piece);
  };
  const { guest, end } = await run(
    `const all = [await (await fetch("http://a")).text()];
     let some = []; for await (const piece of (await fetch("http://a")).body) some.push([...piece]);
     const one = await fetch("http://a"); const two = one.clone();
     const first = await fetch("http://a"); for await (const piece of first.body) { some.push([...piece]); break; }
     return [all, some, await one.text(), await two.text()];`,
    answer,
  );
  assert.deepEqual(resultOf(end), [["aéc"], [[97], [195, 169], [99], [97]], "aéc", "aéc"]);
  const posted = guest.effects.filter(({ mode }) => mode === "post");
  assert.deepEqual(
    posted.map(({ name, head }) => [name, head]),
    [["http.cancel", { handle: 7 }]],
  );
});

test("a streamed body goes piece by piece, and its response may come before its end", async () => {
  const { guest, end } = await run(
    `async function* body() { yield "ab"; yield new Uint8Array(3 * 1024 * 1024); }
     const r = await fetch("http://a", { method: "PUT", body: body(), duplex: "half" });
     return r.text();`,
    (name) =>
      name === "http.request"
        ? ok({ handle: 3 })
        : name === "http.response"
          ? response({ handle: 3 }, "x")
          : ok({ done: true }),
  );
  assert.equal(resultOf(end), "x");
  const sent = guest.effects.filter(({ name }) => name === "http.write").map(({ payload }) => payload.length);
  assert.equal(sent[0], 2);
  assert.ok(sent.every((length) => length <= 1024 * 1024));
  assert.equal(guest.effects[0]?.head?.body, "stream");
});

test("a failure is Node's TypeError, and says why where trying again won't help", async () => {
  const seen = `(e) => [e.name, e.message, e.cause.code, e.cause.message]`;
  const { end } = await run(
    `const all = [];
     for (const url of ["http://evil", "http://gone", "http://cut"])
       await fetch(url).then((r) => r.text()).catch((e) => all.push((${seen})(e)));
     return all;`,
    (_, { url }) =>
      url === "http://evil/"
        ? { ok: false, code: "EFORBIDDEN", message: '"evil" is not among the hosts that this task may reach' }
        : url === "http://cut/"
          ? response({ handle: 1 })
          : { ok: false, code: "ECONNRESET", message: "reset" },
  );
  const refused = '"evil" is not among the hosts that this task may reach';
  assert.deepEqual(resultOf(end), [
    ["TypeError", `fetch failed: ${refused}`, "EFORBIDDEN", refused],
    ["TypeError", "fetch failed", "ECONNRESET", "reset"],
    ["TypeError", "terminated", "ECONNRESET", "reset"],
  ]);
});

test("what is aborted is given up at the host, whenever it is", async () => {
  const abort = (when: string) => `
    const c = new AbortController();
    const seen = (e) => [e.name, e === c.signal.reason];
    ${when}`;
  const before = await run(abort(`c.abort(); return fetch("http://a", c).catch(seen);`), () => response());
  assert.deepEqual(resultOf(before.end), ["AbortError", true]);
  assert.deepEqual(before.guest.effects, []);

  const during = new TestGuest();
  const revoked: number[] = [];
  during.onRevoke = (id) => revoked.push(id);
  const image = await during.load(
    `task({ name: "main" }, async () => {${abort(`setTimeout(() => c.abort(), 5); return fetch("http://a", c).catch(seen);`)}});`,
  );
  during.reset(image);
  assert.equal((await during.start("main")).state, "idle");
  assert.deepEqual(resultOf(await during.instance.wake(1_700_000_000_100)), ["AbortError", true]);
  assert.deepEqual(revoked, [1]);

  const body = await run(
    // Held, so that it is not given back because nobody has it any more.
    abort(`const r = (globalThis.held = await fetch("http://a", { signal: c.signal })); c.abort();
      return [await r.text().catch(seen), await fetch("http://a", { signal: c.signal }).catch(seen)];`),
    () => response({ handle: 5 }, "a"),
  );
  assert.deepEqual(resultOf(body.end), [
    ["AbortError", true],
    ["AbortError", true],
  ]);
  assert.deepEqual(
    body.guest.effects.map(({ name }) => name),
    ["http.request", "http.cancel"],
  );
});

test("a response that is dropped unread is given back to the host, at the same moment each time", async () => {
  const once = async () => {
    let handle = 0;
    const { guest, end } = await run(
      `let good = 0;
       for (let i = 0; i < 20; i++) good += (await fetch("http://a")).ok;
       return good;`,
      () => response({ handle: ++handle }, "a"),
    );
    assert.equal(resultOf(end), 20);
    const names = guest.effects.map(({ name, head }) => `${name} ${head?.handle ?? ""}`);
    return { names, fuel: guest.instance.fuelUsed, digest: guest.digest };
  };
  const first = await once();
  const open = first.names.reduce((count, name) => count + (name.startsWith("http.request") ? 1 : -1), 0);
  assert.ok(open <= 2, `${open} of 20`);
  assert.deepEqual(await once(), first);
});

test("a failure says where the program asked", async () => {
  const { end } = await run(
    'async function asks() { await fetch("http://a/"); } try { await asks() } catch (e) { return e.stack }',
    () => ({ ok: false, code: "ECONNREFUSED", message: "refused" }),
  );
  assert.match(String(resultOf(end)), /^TypeError: fetch failed\n {4}at asks \(capsule:program:\d+:\d+\)/);
});

test("a name outside of ASCII takes a tenth of what a task has, for the tables that are loaded then", async () => {
  const guest = new TestGuest();
  const image = await guest.load('task({ name: "main" }, () => new URL("http://Bücher.example/").host);');
  guest.reset(image, { ...AMPLE, fuel: 220_000_000 });
  assert.equal(resultOf(await guest.run("main")), "xn--bcher-kva.example");
});
