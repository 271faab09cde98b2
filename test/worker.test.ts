/** `capsule worker` serves a client in lines of JSON, whatever the client does, and leaves nothing behind. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WORKER_LIMITS } from "../packages/cli/src/worker/limits.ts";
import { CAPSULE, capsule, cleanEnvironment, type Envelope, folder, program } from "./support/capsule.ts";
import { cellsOf, onLinux, rssOf, survivors, waitForCells } from "./support/processes.ts";

interface Message {
  readonly type: string;
  readonly id?: string | null;
  readonly envelope?: Envelope;
  readonly slug?: string;
  readonly [field: string]: unknown;
}

const HARD_LIMIT_MS = 60_000;
const MB = 1024 ** 2;

/** A client of a worker of its own. */
class Client implements AsyncDisposable {
  readonly cwd: string;
  readonly child: ChildProcess;
  readonly messages: Message[] = [];
  /** Lines as they came. */
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;
  stderr = "";
  #waiting: (() => void)[] = [];
  #rest: Buffer[] = [];
  readonly #limit: NodeJS.Timeout;

  constructor(cwd: string, { hello = true, read = true } = {}) {
    this.cwd = cwd;
    this.child = spawn(process.execPath, [CAPSULE, "worker"], { cwd, env: cleanEnvironment() });
    this.#limit = setTimeout(() => this.child.kill("SIGKILL"), HARD_LIMIT_MS);
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => {
        clearTimeout(this.#limit);
        resolve(code);
        this.#wake();
      });
    });
    this.child.stdin?.on("error", () => {});
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    if (read) this.read();
    if (hello) this.send({ type: "hello", version: 1 });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Begins to read. */
  read(): void {
    this.child.stdout?.on("data", (piece: Buffer) => {
      let from = 0;
      for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
        const line = Buffer.concat([...this.#rest, piece.subarray(from, end)]).toString();
        this.#rest = [];
        from = end + 1;
        this.lines.push(line);
        this.messages.push(JSON.parse(line) as Message);
      }
      this.#rest.push(piece.subarray(from));
      this.#wake();
    });
  }

  send(...messages: readonly (string | object)[]): void {
    for (const message of messages)
      this.child.stdin?.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  }

  /** Waits for a message. */
  async found(wanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const message = this.messages.find(wanted);
      if (message) return message;
      this.assertAlive();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  assertAlive(): void {
    assert.equal(this.child.exitCode ?? this.child.signalCode, null, `the worker has gone: ${this.stderr}`);
  }

  /** The end of a run. */
  async end(id: string): Promise<Message> {
    return this.found((message) => message.id === id && ["result", "error"].includes(message.type));
  }

  of(id: string, type: string): readonly Message[] {
    return this.messages.filter((message) => message.id === id && message.type === type);
  }

  /** Says that it is over, and gives the exit code. */
  async close(): Promise<number | null> {
    this.send({ type: "close" });
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.stdin?.end();
    this.child.stdout?.resume();
    await this.ended;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const ECHO = program('export const main = task({ name: "main" }, (...args: unknown[]) => args);');
const SPIN = program(
  'export const main = task({ name: "main", compute: "HIGH" }, () => { console.log("on"); for (;;); });',
);
const FLOOD = program(`
    export const main = task({ name: "main", compute: "HIGH" }, () => {
      const line = "x".repeat(65535);
      for (let i = 0; i < 110; i++) console.log(line);
      return "done";
    });`);

const cwd = folder({
  "echo.ts": ECHO,
  "echo.py": "def main(*args):\n    print('python', args[0])\n    return list(args)\n",
  "count.ts": program(`
    export const main = task({ name: "main" }, async (n: number) => {
      for (let i = 0; i < n; i++) { console.log("line " + i + " é€😀"); if (i % 10 === 0) await new Promise((r) => setTimeout(r, 1)); }
      return n;
    });`),
  "parts.py": [
    "import sys",
    "def main():",
    "    for part in (b'\\xf0\\x9f', b'\\x98\\x80', b'\\xff\\n'):",
    "        sys.stdout.buffer.write(part)",
    "        sys.stdout.flush()",
  ].join("\n"),
  "spin.ts": SPIN,
  "spin.py":
    'from capsule import task\n@task(compute="HIGH")\ndef main():\n    print("on")\n    while True: pass\n',
  "big.ts": program(
    'export const main = task({ name: "main", compute: "HIGH" }, (n: number) => "é".repeat(n / 2));',
  ),
  "length.ts": program(
    'export const main = task({ name: "main", compute: "HIGH" }, (text: string) => text.length);',
  ),
  "forge.py": [
    "import sys, os",
    'FORGED = \'\\n{"type":"closed"}\\n\\u2028\\r\'',
    "def main():",
    "    print(FORGED)",
    "    print(FORGED, file=sys.stderr)",
    "    os.write(1, FORGED.encode() + b'\\xff')",
    "    raise ValueError(FORGED)",
  ].join("\n"),
  "tools.ts": `import { task, tools } from "@capsule-run/sdk";
    export const main = task({ name: "main" }, async (n: number) => Promise.all(
      Array.from({ length: n }, (_, i) => (tools as any).double(i).catch((e: any) => e.type + ": " + e.message))));`,
  "tools.py":
    "from capsule import tools\ndef main(n):\n    return [tools.double(value=n), tools.double(n)]\n",
  "bad.ts": "let x y\n",
  "parent.ts": program(`
    const child = task({ name: "child" }, async (n: number) => n * 2);
    export const main = task({ name: "main" }, async () => (await child(21)).result);`),
});

const run = (id: string, file: string, more: object = {}): object => ({ type: "run", id, file, ...more });

describe("one worker", () => {
  test("fifty runs at once in both languages, each with its own result and output", async () => {
    await using client = new Client(cwd);
    const ids = Array.from({ length: 50 }, (_, i) => `r${i}`);
    for (const [i, id] of ids.entries())
      client.send(run(id, i % 2 ? "echo.py" : "echo.ts", { args: [i, id] }));
    const ends = await Promise.all(ids.map((id) => client.end(id)));
    for (const [i, { type, envelope }] of ends.entries())
      assert.deepEqual([type, envelope?.success, envelope?.result], ["result", true, [i, `r${i}`]]);
    for (const [i, id] of ids.entries())
      assert.deepEqual(
        client
          .of(id, "output")
          .map(({ text }) => text)
          .join(""),
        i % 2 ? `python ${i}\n` : "",
      );
    assert.equal(await client.close(), 0);
    assert.deepEqual([client.messages[0]?.type, client.messages.at(-1)?.type], ["hello", "closed"]);
  });

  test("values, output in order, events, errors, loads; nothing on stderr", async () => {
    await using client = new Client(cwd);
    client.send(
      // Numbers as they are written, which JSON.stringify would not keep.
      '{"type":"run","id":"exact","file":"echo.py","args":[123456789012345678901234567890,1.0,-5]}',
      run("count", "count.ts", { args: [200] }),
      run("parts", "parts.py"),
      run("events", "parent.ts", { events: true, run_id: "my-run" }),
      run("quiet", "count.ts", { args: [3], output: false }),
      run("missing", "nowhere.ts"),
      run("compile", "bad.ts"),
      run("mount", "echo.ts", { mounts: ["../up"] }),
      run("policy", "echo.ts", { policy: { max_fuel: 1 } }),
      run("limited", "spin.ts", { policy: { max_compute: 1000 } }),
      run("option", "echo.ts", { option: 1 }),
      run("folder", "echo.ts", { cwd: "nowhere" }),
      { type: "load", id: "load", file: "echo.py" },
      "garbage",
    );
    const exact = await client.end("exact");
    assert.ok(client.lines.some((line) => line.includes('"result":[123456789012345678901234567890,1.0,-5]')));
    assert.equal(exact.envelope?.success, true);

    await client.end("count");
    const printed = client.of("count", "output").map(({ text }) => text);
    assert.equal(printed.join(""), Array.from({ length: 200 }, (_, i) => `line ${i} é€😀\n`).join(""));

    await client.end("parts");
    const bytes = client
      .of("parts", "output")
      .map(({ text, base64 }) =>
        typeof text === "string" ? Buffer.from(text) : Buffer.from(String(base64), "base64"),
      );
    assert.deepEqual(Buffer.concat(bytes), Buffer.from([0xf0, 0x9f, 0x98, 0x80, 0xff, 10]));

    const ended = await client.end("events");
    assert.deepEqual([ended.run, ended.envelope?.result], ["my-run", 42]);
    const events = client
      .of("events", "event")
      .map(({ event, path, envelope }) => [event, path, envelope?.result]);
    assert.deepEqual(events[0], ["task_queued", "0", undefined]);
    assert.deepEqual(events.at(-1), ["task_ended", "0", 42]);
    assert.ok(events.some(([event, path]) => event === "attempt_started" && path === "0.1"));

    assert.equal((await client.end("quiet")).envelope?.result, 3);
    assert.deepEqual(client.of("quiet", "output"), []);
    const slugs = ["missing", "compile", "mount", "policy", "option", "folder"];
    assert.deepEqual(await Promise.all(slugs.map(async (id) => (await client.end(id)).slug)), [
      "file-not-found",
      "compile",
      "mount",
      "policy",
      "protocol",
      "file-not-found",
    ]);
    const { place } = await client.end("compile");
    assert.equal((place as { line: number }).line, 1);
    assert.equal((await client.end("limited")).envelope?.error?.error_type, "out_of_fuel");
    const loaded = await client.found(({ type }) => type === "loaded");
    assert.deepEqual([loaded.language, loaded.entry, loaded.tasks], ["python", "main", ["main"]]);
    assert.equal((await client.found(({ id, slug }) => id === null && slug === "protocol")).line, 15);
    assert.equal(await client.close(), 0);
    assert.equal(client.stderr, "");
  });

  test("a program can forge no message, whatever it prints or raises", async () => {
    await using client = new Client(cwd);
    client.send(run("a", "forge.py", { events: true }));
    const { envelope } = await client.end("a");
    assert.equal(envelope?.error?.error_type, "task_error");
    assert.ok(envelope?.error?.message.includes('{"type":"closed"}'));
    const types = new Set(client.messages.map(({ type }) => type));
    assert.deepEqual([...types].sort(), ["event", "hello", "output", "result"]);
    assert.ok(client.messages.every(({ id, type }) => id === "a" || type === "hello"));
    assert.equal(await client.close(), 0);
  });

  test("runs are cancelled, in both languages, and others go on", async () => {
    await using client = new Client(cwd);
    client.send(run("a", "spin.ts"), run("b", "spin.py"));
    for (const id of ["a", "b"])
      await client.found((message) => message.id === id && message.text === "on\n");
    client.send({ type: "cancel", id: "a" }, { type: "cancel", id: "nobody" });
    assert.equal((await client.end("a")).envelope?.error?.error_type, "cancelled");
    client.send(run("c", "echo.ts", { args: [1] }));
    assert.deepEqual((await client.end("c")).envelope?.result, [1]);
    assert.deepEqual(client.of("b", "result"), []);
    assert.equal(await client.close(), 0);
    assert.equal((await client.end("b")).envelope?.error?.error_type, "cancelled");
  });

  test("tools of the client: a hundred calls, answers in any order, a failure, digits; cancelled with the run", async () => {
    await using client = new Client(cwd);
    const input = { type: "object", properties: { value: { type: "integer", maximum: 1e40 } } };
    const tools = [{ name: "double", parameters: ["value"], input, output: { type: "integer" } }];
    client.send(run("a", "tools.ts", { args: [100], tools }));
    for (let call = 1; call <= 100; call++) {
      const { args } = await client.found(
        ({ type, call: its }) => type === "tool_call" && its === String(call),
      );
      const [value] = args as number[];
      const answer =
        value === 7
          ? { ok: false, error: { type: "Odd", message: "no 7" } }
          : { ok: true, result: 2 * (value ?? 0) };
      client.send({ type: "tool_result", id: "a", call: String(call), ...answer });
    }
    const { envelope } = await client.end("a");
    assert.deepEqual(
      envelope?.result,
      Array.from({ length: 100 }, (_, i) => (i === 7 ? "Odd: no 7" : 2 * i)),
    );
    const digits = "123456789012345678901234567890";
    client.send(JSON.stringify(run("b", "tools.py", { tools, args: ["N"] })).replace('"N"', digits));
    const named = await client.found(
      ({ type, id, call }) => type === "tool_call" && id === "b" && call === "1",
    );
    assert.deepEqual(named.args, []);
    assert.ok(client.lines.some((line) => line.includes(`"kwargs":{"value":${digits}}`)));
    client.send(
      '{"type":"tool_result","id":"b","call":"1","ok":true,"result":246913578024691357802469135780}',
    );
    await client.found(({ type, id, call }) => type === "tool_call" && id === "b" && call === "2");
    client.send({ type: "cancel", id: "b" });
    assert.equal((await client.end("b")).envelope?.error?.error_type, "cancelled");
    assert.deepEqual(
      client.of("b", "tool_cancel").map(({ call }) => call),
      ["2"],
    );
    assert.equal(await client.close(), 0);
    assert.deepEqual(client.of("b", "error"), []);
  });

  test("huge arguments and results", async () => {
    await using client = new Client(cwd);
    client.send(
      run("a", "big.ts", { args: [20 * MB] }),
      run("b", "length.ts", { args: ["y".repeat(20 * MB)] }),
    );
    assert.equal((await client.end("a")).envelope?.result, "é".repeat(10 * MB));
    assert.equal((await client.end("b")).envelope?.result, 20 * MB);
  });
});

test("wrong versions, lines before hello, a line of 100 MB: each is answered, and the worker goes on", async () => {
  await using client = new Client(cwd, { hello: false });
  client.send({ type: "hello", version: 99 }, run("early", "echo.ts"));
  assert.match(String((await client.found(({ line }) => line === 1)).message), /version 99 .*\[protocol\]$/);
  assert.equal((await client.end("early")).slug, "protocol");
  const piece = Buffer.alloc(MB, "x");
  for (let i = 0; i < 100; i++)
    if (!client.child.stdin?.write(piece))
      await new Promise((resolve) => client.child.stdin?.once("drain", resolve));
  client.send("", { type: "hello", version: 1 }, run("a", "echo.ts", { args: ["fine"] }));
  assert.deepEqual((await client.end("a")).envelope?.result, ["fine"]);
  assert.equal((await client.found(({ line }) => line === 3)).slug, "limit");
  if (onLinux) assert.ok(rssOf(client.pid) < 400 * MB, `${rssOf(client.pid)} bytes`);
});

describe("clients that go away", () => {
  test("stdin ends: everything is cancelled and answered, exit 0, no process is left", async () => {
    await using client = new Client(cwd);
    client.send(run("a", "spin.ts"));
    await client.found(({ text }) => text === "on\n");
    const cells = onLinux ? await waitForCells(client.pid) : [];
    client.child.stdin?.end('{"type":"run","id":"cut off"');
    assert.equal(await client.ended, 0);
    assert.equal((await client.end("a")).envelope?.error?.error_type, "cancelled");
    assert.equal(client.messages.at(-1)?.type, "closed");
    assert.deepEqual(await survivors(cells, 5000), []);
  });

  test("a client that is killed takes its worker and all cells along", { skip: !onLinux }, async () => {
    const script = `
      const { spawn } = require("node:child_process");
      const worker = spawn(process.execPath, [${JSON.stringify(CAPSULE)}, "worker"], { stdio: ["pipe", "pipe", "inherit"] });
      worker.stdin.write('{"type":"hello","version":1}\\n{"type":"run","id":"a","file":"spin.ts"}\\n');
      worker.stdout.on("data", (data) => { if (data.includes('"on')) console.log(worker.pid); });`;
    const parent = spawn(process.execPath, ["-e", script], { cwd, env: cleanEnvironment() });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.on("data", (data) => resolve(Number(data))),
    );
    const processes = [pid, ...cellsOf(pid)];
    assert.ok(processes.length > 1);
    parent.kill("SIGKILL");
    assert.deepEqual(await survivors(processes, 10_000), []);
  });

  test("stdout has no reader any more: the worker ends", async () => {
    const client = new Client(cwd);
    client.send(run("a", "count.ts", { args: [100_000] }));
    await client.found(({ type }) => type === "output");
    client.child.stdout?.destroy();
    assert.equal(await client.ended, 0);
  });

  test("signals: answered, with the exit code of each", async () => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      await using client = new Client(cwd);
      client.send(run("a", "spin.ts"));
      await client.found(({ text }) => text === "on\n");
      client.child.kill(signal);
      assert.equal(await client.ended, code);
      assert.equal((await client.end("a")).envelope?.error?.error_type, "cancelled");
    }
  });
});

describe("clients that do not read", { concurrency: true }, () => {
  const FLOODS = 12;
  const FLOOD_BYTES = 110 * 65_536;
  const ids = Array.from({ length: FLOODS }, (_, i) => `f${i}`);

  /** A client with more that is unread than its worker keeps. */
  async function flooded(): Promise<Client> {
    const own = folder({ "flood.ts": FLOOD, "echo.ts": ECHO, "spin.ts": SPIN });
    const client = new Client(own, { read: false });
    client.send(run("spin", "spin.ts"));
    for (const id of ids) client.send(run(id, "flood.ts"));
    await recorded(client, "succeeded", FLOODS);
    return client;
  }

  /** Waits until so many runs are recorded as being in a state. */
  async function recorded(client: Client, wanted: string, count: number): Promise<void> {
    for (;;) {
      const { runs } = JSON.parse((await capsule(["runs", "--json"], { cwd: client.cwd })).stdout);
      if (runs.filter(({ state }: { state: string }) => state === wanted).length === count) return;
      client.assertAlive();
      await sleep(100);
    }
  }

  test("memory is bounded, a cancellation is heard; what was dropped is told, results come, later runs too", async () => {
    await using client = await flooded();
    client.send({ type: "cancel", id: "spin" }, run("after", "echo.ts", { args: [1] }));
    await recorded(client, "cancelled", 1);
    if (onLinux) assert.ok(rssOf(client.pid) < 500 * MB, `${rssOf(client.pid)} bytes`);
    client.read();
    const ends = await Promise.all([...ids, "after"].map((id) => client.end(id)));
    assert.ok(ends.every(({ envelope }) => envelope?.success));
    assert.equal((await client.end("spin")).envelope?.error?.error_type, "cancelled");
    const sum = (type: string, of: (message: Message) => number): number =>
      client.messages
        .filter((message) => message.type === type)
        .reduce((all, message) => all + of(message), 0);
    const dropped = sum("dropped", ({ output_bytes }) => output_bytes as number);
    assert.ok(dropped > 0);
    assert.equal(
      dropped + sum("output", ({ text }) => (text as string).length) - "on\n".length,
      FLOODS * FLOOD_BYTES,
    );
  });

  test("one that goes away ends its worker", async () => {
    const client = await flooded();
    client.child.stdout?.destroy();
    assert.equal(await client.ended, 0);
  });

  test("one that closes stdin and stays keeps its worker for ten seconds only", async () => {
    const client = await flooded();
    const began = performance.now();
    client.child.stdin?.end();
    await once(client.child, "exit");
    assert.equal(client.child.exitCode, 0);
    assert.ok(performance.now() - began < WORKER_LIMITS.closeMs + 5000);
    client.child.stdout?.destroy();
  });
});

test("the limits are those of the document", () => {
  const text = readFileSync(new URL("../docs/worker-protocol.md", import.meta.url), "utf8");
  for (const [name, value] of Object.entries(WORKER_LIMITS)) {
    const row = text.split("\n").find((line) => line.includes(`(\`${name}\`)`)) ?? "";
    const forms = [
      value.toLocaleString("en-US"),
      ...[1024, 1024 ** 2, 1024 ** 3].map((unit, i) => `${value / unit} ${["KiB", "MiB", "GiB"][i]}`),
      `${value / 1000} s`,
    ];
    assert.ok(
      forms.some((form) => row.includes(`| ${form} `)),
      `${name} is ${value}: ${row}`,
    );
  }
});
