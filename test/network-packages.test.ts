/** Packages that make HTTP requests work inside tasks. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Envelope, folder, program, runFile } from "./support/capsule.ts";
import { type ModelServer, openModelServer } from "./support/model-server.ts";
import { installed } from "./support/packages.ts";
import { openWebServer, type WebServer } from "./support/web-server.ts";

const VERSIONS = {
  "@anthropic-ai/sdk": "1.14.0",
  axios: "1.21.1",
  ky: "2.1.0",
  "follow-redirects": "1.16.2",
  needle: "3.5.0",
  "node-fetch": "3.3.2",
  "node-fetch-2": "npm:node-fetch@2.7.0",
  openai: "7.59.0",
};

const packages = installed(VERSIONS);
const skip = packages === null && "npm can't install the packages";

let web: WebServer;
let models: ModelServer;
before(async () => {
  [web, models] = await Promise.all([openWebServer(), openModelServer()]);
});
after(() => {
  web.close();
  models.close();
});

async function run(source: string): Promise<unknown> {
  const cwd = folder({ "main.ts": program(source) }, packages as string);
  const { envelope, stderr } = await runFile<Envelope>(cwd, "main.ts");
  assert.ok(envelope.success, `${envelope.error?.message}\n${stderr.slice(-2000)}`);
  return envelope.result;
}

/** A program whose `main` may reach both servers. */
const main = (head: string, body: string): Promise<unknown> =>
  run(`${head}
    const WEB = "http://${web.host}";
    const MODELS = "http://${models.host}";
    export const main = task({ name: "main", compute: "HIGH", allowedHosts: ["${web.host}", "${models.host}"] }, async () => {
      ${body}
    });`);

const SAID = "You säid: hé";

describe("in a task", { skip }, () => {
  test("openai answers, streams, and fails with its own errors", async () => {
    const result = await main(
      `import OpenAI from "openai";`,
      `const client = new OpenAI({ apiKey: "sk-test", baseURL: MODELS + "/v1" });
       const asked = { model: "m", messages: [{ role: "user" as const, content: "hé" }] };
       const whole = await client.chat.completions.create(asked);
       const pieces: unknown[] = [];
       for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) pieces.push(chunk.choices[0]?.delta.content);
       const other = new OpenAI({ apiKey: "wrong", baseURL: MODELS + "/v1", maxRetries: 0 });
       const refused = await other.chat.completions.create(asked).catch((e) => [e.constructor === OpenAI.AuthenticationError, e.status]);
       return [whole.choices[0]?.message.content, pieces.filter(Boolean), refused];`,
    );
    assert.deepEqual(result, [SAID, ["You ", "säid: ", "hé"], [true, 401]]);
  });

  test("@anthropic-ai/sdk answers, streams, and gives up a stream", async () => {
    const result = await main(
      `import Anthropic from "@anthropic-ai/sdk";`,
      `const client = new Anthropic({ apiKey: "sk-test", baseURL: MODELS });
       const asked = { model: "m", max_tokens: 9, messages: [{ role: "user" as const, content: "hé" }] };
       const whole: any = await client.messages.create(asked);
       const pieces: string[] = [];
       const stream = client.messages.stream(asked).on("text", (text) => pieces.push(text));
       const last = await stream.finalMessage();
       let first: unknown;
       for await (const event of await client.messages.create({ ...asked, stream: true })) { first = event.type; break; }
       return [whole.content[0].text, pieces, (last.content[0] as any).text, last.stop_reason, first];`,
    );
    assert.deepEqual(result, [SAID, ["You ", "säid: ", "hé"], SAID, "end_turn", "message_start"]);
  });

  test("ky, axios and node-fetch", async () => {
    const result = await main(
      `import ky from "ky"; import axios from "axios"; import nodeFetch from "node-fetch-2";`,
      `const all: unknown[] = [];
       all.push((await ky.post(WEB + "/echo", { json: { a: 1 } }).json<any>()).body);
       all.push(await ky.get(WEB + "/status?code=404", { retry: 0 }).catch((e: any) => [e.name, e.response.status]));
       all.push(await ky.get(WEB + "/never", { timeout: 50 }).catch((e: any) => e.name));
       all.push((await axios.post(WEB + "/echo", { a: 1 })).data.body);
       all.push(await axios.get(WEB + "/status?code=500").catch((e) => [e.name, e.response.status]));
       all.push(await axios.get(WEB + "/never", { timeout: 50 }).catch((e) => e.code));
       all.push((await (await nodeFetch(WEB + "/echo", { method: "POST", body: "x" })).json() as any).body);
       return all;`,
    );
    assert.deepEqual(result, [
      '{"a":1}',
      ["HTTPError", 404],
      "TimeoutError",
      '{"a":1}',
      ["AxiosError", 500],
      "ETIMEDOUT",
      "x",
    ]);
  });

  test("node-fetch 3, follow-redirects and needle, over node:http", async () => {
    const result = await main(
      `import fetch from "node-fetch"; import needle from "needle"; import { http } from "follow-redirects";`,
      `const moved = await fetch(WEB + "/redirect?code=307&to=/echo", { method: "POST", body: "x" });
       const lost = await fetch(WEB + "/never", { signal: AbortSignal.timeout(50) }).catch((e) => e.name);
       const followed = await new Promise((resolve, reject) =>
         http.get(WEB + "/redirect?to=/gzip", (r) => { let size = 0; r.on("data", (d) => { size += d.length; }).on("end", () => resolve(size)); }).on("error", reject));
       const posted = await needle("post", WEB + "/echo", { a: 1 }, { json: true });
       return [(await moved.json() as any).body, moved.redirected, lost, followed, posted.body.body];`,
    );
    assert.deepEqual(result, ["x", true, "AbortError", 2000, '{"a":1}']);
  });
});
