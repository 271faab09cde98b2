/** What a runtime leaves behind in its process when runs end in the middle of a request or of a file. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { Project, sleep, until } from "./testing/project.ts";

const project = new Project();
/** Says nothing to `/silent`, and greets whoever asks for another path. */
const sockets = new Set<Socket>();
const server: Server = createServer(({ url }, response) => {
  if (url !== "/silent") response.end("hello");
});
server.on("connection", (socket: Socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
after(async () => {
  server.close();
  server.closeAllConnections();
  await project[Symbol.asyncDispose]();
});

mkdirSync(join(project.folder, "data"));
const large = join(project.folder, "data", "large");
writeFileSync(large, "");
truncateSync(large, 64 * 1024 ** 3);
project.write(
  "reach.ts",
  `import { createReadStream, openSync, readFileSync } from "node:fs";
   const url = "http://127.0.0.1:${port}";
   const reach = { allowedFiles: ["data"], allowedHosts: ["127.0.0.1:${port}"], compute: "HIGH" } as const;
   const child = task({ name: "child", ...reach }, async () => { await fetch(url + "/silent"); });
   export const main = task({ name: "main", ...reach }, async (how: string) => {
     openSync("data/large", "r");
     if (how === "ends") return await (await fetch(url)).text();
     console.log("begun");
     const forever = [fetch(url + "/silent"), child()];
     for await (const _ of createReadStream("data/large")) if (how === "waits") await Promise.all(forever);
   });`,
);

/** What keeps the event loop of this process, and its open files on Linux. */
const held = (): readonly string[] => [
  ...process.getActiveResourcesInfo().filter((name) => !/^(?:Timeout|Immediate)$/.test(name)),
  ...(process.platform === "linux" ? readdirSync("/proc/self/fd").map(() => "file") : []),
];

const request = (how: string) => ({ file: "reach.ts", args: [how] });

test("a run that has ended keeps no connections", async () => {
  const runtime = await project.runtime();
  const { envelope } = await runtime.run(request("ends"));
  const at = performance.now();
  assert.equal(envelope.success && envelope.resultJson, '"hello"');
  assert.ok(await until(() => sockets.size === 0));
  // Less than an unused connection is kept while its run goes on.
  assert.ok(performance.now() - at < 2000);
  await runtime.close();
});

for (const how of ["waits", "reads"])
  for (const end of ["abort", "close"])
    test(`nothing is left of a run that ${how} when it ends by ${end}`, async () => {
      await sleep(50);
      const before = held();
      const runtime = await project.runtime();
      const controller = new AbortController();
      const { promise: begun, resolve } = Promise.withResolvers<void>();
      const { signal } = controller;
      const running = runtime.run({ ...request(how), signal, onOutput: () => resolve() });
      await begun;
      assert.ok(await until(() => sockets.size === 2), "its requests are on their way");
      if (end === "abort") controller.abort();
      const closed = end === "abort" ? running.then(() => runtime.close()) : runtime.close();
      const { envelope } = await running;
      assert.equal(!envelope.success && envelope.error.error_type, "cancelled");
      await closed;
      assert.ok(await until(() => sockets.size === 0));
      assert.ok(await until(() => held().length <= before.length), String(held()));
    });

test("a run is cancelled while a command gets the value of its secret", async () => {
  const command = JSON.stringify([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
  const folder = join(project.folder, "slow");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "capsule.toml"),
    `[secrets]\nKEY = { hosts = ["api.example.com"], command = ${command} }\n`,
  );
  project.write(
    "slow/secret.ts",
    'export const main = task({ name: "main", envVariables: ["KEY"] }, () => 1);',
  );
  // The record has a thread that begins with the first run, and stays.
  const runtime = await project.runtime({ record: false });
  await runtime.load("slow/secret.ts");
  const before = held();
  for (const end of ["abort", "close"]) {
    const controller = new AbortController();
    const running = runtime.run({ file: "slow/secret.ts", signal: controller.signal });
    await until(() => held().length > before.length);
    const closed = end === "abort" ? controller.abort() : runtime.close();
    const { envelope } = await running;
    assert.equal(!envelope.success && envelope.error.error_type, "cancelled");
    await closed;
    assert.ok(await until(() => held().length <= before.length), String(held()));
  }
});
