/** `capsule mcp` serves MCP's official clients, whatever they and their code do, and leaves nothing behind. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type CallToolResult, Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import {
  CAPSULE,
  capsule,
  cleanEnvironment,
  folder,
  program,
  start,
  startCapsule,
} from "./support/capsule.ts";
import { cellsOf, onLinux, survivors } from "./support/processes.ts";
import { environmentWith } from "./support/virtual-environment.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const MCP_SERVER = here("../packages/mcp-server/bin/mcp-server.js");

interface ServerOptions {
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly mode?: "legacy" | "auto";
}

interface Connected extends AsyncDisposable {
  readonly client: Client;
  readonly pid: number;
  stderr(): string;
  call(name: string, args?: Record<string, unknown>): Promise<CallToolResult>;
  text(name: string, args?: Record<string, unknown>): Promise<string>;
  open(language?: string): Promise<string>;
}

const textOf = ({ content }: CallToolResult): string =>
  content.map((block) => (block.type === "text" ? block.text : `<${block.type}>`)).join("\n");

/** The SDK's client and a server of its own, started as clients do: with little environment. */
async function connect({
  args = ["mcp"],
  command,
  cwd = "/",
  env,
  mode = "legacy",
}: ServerOptions = {}): Promise<Connected> {
  const [executable = "", ...words] = command ?? [process.execPath, CAPSULE, ...args];
  const { PATH = "", HOME = homedir() } = process.env;
  const transport = new StdioClientTransport({
    ...{ command: executable, args: words, cwd, stderr: "pipe" },
    env: { PATH, HOME, ...env },
  });
  let stderr = "";
  transport.stderr?.on("data", (piece: Buffer) => {
    stderr += piece;
  });
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const strange: Error[] = [];
  client.onerror = (error) => strange.push(error);
  await client.connect(transport);
  const call = (name: string, values: Record<string, unknown> = {}) =>
    client.callTool({ name, arguments: values }) as Promise<CallToolResult>;
  return {
    ...{ client, call },
    pid: transport.pid as number,
    stderr: () => stderr,
    text: async (name, values) => textOf(await call(name, values)),
    open: async (language = "javascript") => {
      const { structuredContent } = await call("create_session", { language });
      return (structuredContent as { session_id: string }).session_id;
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      assert.deepEqual(strange, [], "nothing but protocol on stdout");
    },
  };
}

const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
});

const callLine = (id: number, name: string, args: object): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });

/** Waits until something is so; what never comes is a failure. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const began = performance.now(); !isSo(); await sleep(10))
    if (performance.now() - began > 20_000) assert.fail(`waited in vain until ${what}`);
}

const workspaces = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("capsule-code-"));

describe("for a client", () => {
  test("in / with a home that can't be written: answers before any engine starts, then runs code", async () => {
    await using server = await connect({ env: { HOME: "/dev/null/home" } });
    assert.equal((await server.client.listTools()).tools.length, 9);
    if (onLinux) assert.deepEqual(cellsOf(server.pid), []);
    const result = await server.call("execute_javascript", {
      code: 'console.log("printed"); const x = 8; x * 2',
    });
    assert.equal(textOf(result), "printed\n16");
    const { value, metrics } = result.structuredContent as {
      value: number;
      metrics: { fuel_consumed: number };
    };
    assert.ok(value === 16 && metrics.fuel_consumed > 0);
    assert.match(server.stderr(), /^capsule mcp: serving on stdin and stdout; .*hosts: none\n/);
  });

  test("the protocol of 2026 as well, and what the package of the name starts", async () => {
    const command = [process.execPath, MCP_SERVER, "--timeout", "7s", "--allow-host", "api.example.com"];
    await using server = await connect({ command, mode: "auto" });
    assert.match(server.client.getInstructions() ?? "", /at most 7\.00 s.*requests to api\.example\.com/);
    assert.equal(await server.text("execute_javascript", { code: "1 + 1" }), "2");
  });

  test("what code may not is an error of the call, with its type or traceback", async () => {
    await using server = await connect({
      args: ["mcp", "--timeout", "2s", "--ram", "64MB", "--disk", "100KB"],
    });
    const failures: readonly (readonly [code: string, says: RegExp, args?: object])[] = [
      ["function f() { throw new RangeError('no') }\nf()", /RangeError: no\n.*code\.js:1/],
      ["for (;;);", /^out_of_fuel: /, { compute: "LOW" }],
      ["await new Promise((done) => setTimeout(done, 60_000))", /^timeout: .*300 ?ms/, { timeout: 300 }],
      ["const all = []; for (;;) all.push(new Uint8Array(1e7))", /^out_of_memory: |RangeError|InternalError/],
      ["await fetch('https://example.com')", /example\.com.*allow/],
      ["syntax error here", /SyntaxError/],
      [
        "(await import('node:fs')).writeFileSync('workspace/a', 'x'.repeat(200_000))",
        /ENOSPC: no space left on device/,
      ],
    ];
    for (const [code, says, args] of failures) {
      const result = await server.call("execute_javascript", { code, ...args });
      assert.match(textOf(result), says, code);
      assert.equal(result.isError, true, code);
    }
    // A session has one disk for what code writes and what the model puts there.
    const session_id = await server.open();
    const put = (path: string) =>
      server.call("write_file", { session_id, path, content: "x".repeat(60_000) });
    assert.notEqual((await put("a")).isError, true);
    const full = await put("b");
    assert.match(textOf(full), /ENOSPC/);
    assert.equal(full.isError, true);
    const code = "(await import('node:fs')).rmSync('workspace/a')";
    assert.notEqual((await server.call("run_in_session", { session_id, code })).isError, true);
    assert.notEqual((await put("b")).isError, true);
  });

  test("a session keeps what code defines, and its files; hostile paths stay inside", async () => {
    await using server = await connect();
    const { text, call } = server;
    const session_id = await server.open();
    await text("run_in_session", { session_id, code: "let n = 1; const next = () => ++n; next()" });
    assert.equal(await text("run_in_session", { session_id, code: "next()" }), "3");
    await text("write_file", { session_id, path: "data/in.txt", content: "from outside" });
    const code = `
      const { readFileSync, writeFileSync } = await import("node:fs");
      const got = readFileSync("workspace/data/in.txt", "utf8");
      writeFileSync("workspace/out.txt", got.toUpperCase());
      got`;
    assert.match(await text("run_in_session", { session_id, code }), /from outside[\s\S]*out\.txt \(12 B\)/);
    assert.equal(await text("read_file", { session_id, path: "out.txt" }), "FROM OUTSIDE");
    assert.match(await text("list_files", { session_id }), /data\/in\.txt \(12 B\)\nout\.txt/);
    const outside = [
      "../x",
      "/etc/passwd",
      "a/../../x",
      "data/../../x",
      "..",
      "",
      ".",
      "a\u0000b",
      "C:\\x",
      "\\\\host\\x",
    ];
    for (const path of outside)
      for (const [name, args] of [
        ["read_file", {}],
        ["write_file", { content: "x" }],
        ["list_files", {}],
      ] as const) {
        if (name === "list_files" && (path === "" || path === ".")) continue;
        const result = await call(name, { session_id, path, ...args });
        // A name with strange characters may be a name; what is outside may not be reached.
        if (!path.includes("\\")) assert.equal(result.isError, true, `${name} ${JSON.stringify(path)}`);
        assert.doesNotMatch(JSON.stringify(result), /root:|capsule-code-/, path);
      }
    for (const id of ["", "../..", "__proto__", session_id.toUpperCase()])
      assert.match(await text("run_in_session", { session_id: id, code: "1" }), /there is no session/);
    const { isError } = await call("close_session", { session_id });
    assert.ok(!isError);
    assert.match(await text("read_file", { session_id, path: "out.txt" }), /it was closed/);
  });

  test("a call that is stopped takes back its memory; a storm of cancelling nothing else", async () => {
    await using server = await connect();
    const session_id = await server.open();
    await server.call("run_in_session", { session_id, code: "let n = 1" });
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const params = { name: "run_in_session", arguments: { session_id, code: `n += 10; for (;;);` } };
        const controller = new AbortController();
        const call = server.client.callTool(params, { signal: controller.signal });
        setTimeout(() => controller.abort(), 20 * i);
        await assert.rejects(call);
      }),
    );
    assert.equal(await server.text("run_in_session", { session_id, code: "n" }), "1");
  });

  test("calls of one session at once run one after the other", async () => {
    await using server = await connect();
    const session_id = await server.open();
    await server.call("run_in_session", { session_id, code: "let log = []" });
    const code = (i: number): string =>
      `log.push("in ${i}"); await new Promise((done) => setTimeout(done, 10)); log.push("out ${i}"); null`;
    await Promise.all([1, 2, 3].map((i) => server.call("run_in_session", { session_id, code: code(i) })));
    assert.equal(
      await server.text("run_in_session", { session_id, code: "log.join()" }),
      "'in 1,out 1,in 2,out 2,in 3,out 3'",
    );
  });

  test("floods: of output, of code, of lines", async () => {
    await using server = await connect();
    const told: string[] = [];
    const params = {
      name: "execute_javascript",
      arguments: {
        code: 'const line = "x".repeat(999); for (let i = 0; i < 20_000; i++) console.log(i + line); "end"',
      },
    };
    const result = (await server.client.callTool(params, {
      onprogress: ({ message }) => told.push(message ?? ""),
    })) as CallToolResult;
    assert.match(textOf(result), /^0x+[\s\S]*characters left out[\s\S]*end/);
    assert.ok(textOf(result).length < 50_000 && told.every((message) => message.length <= 2000));
    const large = await server.call("execute_javascript", { code: `/*${"x".repeat(10_000_000)}*/1` });
    assert.equal(large.isError, true);
    assert.ok(textOf(large).length < 2000);
    assert.equal(await server.text("execute_javascript", { code: "2" }), "2");
  });

  test("progress is told while code runs", async () => {
    await using server = await connect();
    const told: string[] = [];
    const code =
      'console.log("one"); await new Promise((done) => setTimeout(done, 300)); console.log("two"); 3';
    const params = { name: "execute_javascript", arguments: { code } };
    await server.client.callTool(params, { onprogress: ({ message }) => told.push(message ?? "") });
    assert.equal(told[0], "one");
  });
});

test("Python: a figure is an image, state stays, a traceback has the code's lines", async () => {
  await using server = await connect();
  const { call, text } = server;
  const plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')\n6 * 7";
  const result = await call("execute_python", { code: plot });
  assert.equal(result.isError, false, textOf(result));
  assert.match(textOf(result), /^drawn\n42\n[\s\S]*<image>$/);
  const session_id = await server.open("python");
  await text("run_in_session", { session_id, code: "def f(x):\n    return 10 / x" });
  assert.equal(await text("run_in_session", { session_id, code: "f(4)" }), "2.5");
  const failed = await call("run_in_session", { session_id, code: "y = 1\nf(0)" });
  assert.match(textOf(failed), /^Traceback[\s\S]*return 10 \/ x[\s\S]*ZeroDivisionError/);
  assert.equal(await text("run_in_session", { session_id, code: "y" }), "1");
});

test("MCP's Python client, by both of its protocols", async () => {
  const python = join(await environmentWith(["mcp==2.3.0"]), "bin", "python");
  for (const mode of ["legacy", "auto"]) {
    const args = [here("programs/mcp_client.py"), mode, process.execPath, CAPSULE, "mcp"];
    const { stdout } = await promisify(execFile)(python, args, { timeout: 60_000 });
    const { protocol, tools, told, ...seen } = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(protocol, mode === "legacy" ? "2025-11-25" : "2026-07-28");
    assert.equal((tools as unknown[]).length, 9);
    assert.deepEqual(seen, {
      annotated: true,
      ran: [false, 42, "a\n42"],
      failed: [true, true],
      half: "\ufffd!",
      after: "'still here'",
    });
    assert.deepEqual(told, ["a"]);
  }
});

describe("capsule run", () => {
  test("serves a client that is there: over a socket and over a FIFO", {
    skip: process.platform === "win32",
  }, async () => {
    // Node's pipes to children are sockets; a shell's are FIFOs.
    const shell = ["sh", "-c", '"$0" "$1" run | cat', process.execPath, CAPSULE];
    const fifo = ["sh", "-c", 'cat | "$0" "$1" run', process.execPath, CAPSULE];
    for (const command of [[process.execPath, CAPSULE, "run"], shell, fifo]) {
      await using server = await connect({ command, cwd: folder(), env: { CAPSULE_MCP_TIMEOUT: "9s" } });
      assert.match(server.client.getInstructions() ?? "", /at most 9\.00 s/);
      assert.equal(await server.text("execute_javascript", { code: "1 + 2" }), "3");
    }
  });

  test("says what it needs when there is none", async () => {
    const cwd = folder();
    const USAGE = /^error: "capsule run" needs a program: .*\[no-entrypoint\]\n$/;
    const began = performance.now();
    const silent = startCapsule(["run"], { cwd, stdio: ["pipe", "pipe", "pipe"] });
    const inputs = [
      "</dev/null",
      "<&-",
      "<<< hello",
      "< <(sleep 0.2)",
      `< <(echo '${INITIALIZE.replace("initialize", "init")}')`,
    ];
    const line = (input: string) =>
      start("bash", ["-c", `"$0" "$1" run ${input}`, process.execPath, CAPSULE], { cwd });
    for (const { ended, input } of inputs.map((input) => ({ input, ended: line(input).ended }))) {
      const { code, stdout, stderr } = await ended;
      assert.match(stderr, USAGE, input);
      assert.deepEqual([code, stdout], [2, ""], input);
    }
    const inTerminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    const terminal = await start("python3", ["-c", inTerminal, process.execPath, CAPSULE, "run"], { cwd })
      .ended;
    assert.equal(terminal.code, 2);
    assert.match(terminal.stdout, /"capsule run" needs a program/);
    const other = startCapsule(["run", "--verbose"], { cwd, stdio: ["pipe", "pipe", "pipe"] });
    assert.equal((await other.ended).code, 2);
    assert.ok(performance.now() - began < 9000, "nothing but silence is waited for");
    const { code, stderr } = await silent.ended;
    assert.match(stderr, USAGE);
    assert.equal(code, 2);
    assert.ok(performance.now() - began >= 10_000);
  });

  test("runs the entrypoint if there is one", async () => {
    const cwd = folder({
      "capsule.toml": '[workflow]\nentrypoint = "main.ts"\n',
      "main.ts": program('export const main = task({ name: "main" }, () => "the program");'),
    });
    const started = startCapsule(["run"], { cwd, stdio: ["pipe", "pipe", "pipe"] });
    started.child.stdin?.write(`${INITIALIZE}\n`);
    const { code, stdout } = await started.ended;
    assert.deepEqual([code, stdout], [0, "the program\n"]);
  });
});

describe("nothing stays behind", { skip: !onLinux }, () => {
  /** A server with a session, code that spins in it, and what belongs to it. */
  async function busy() {
    const child = spawn(process.execPath, [CAPSULE, "mcp"], {
      cwd: "/",
      env: cleanEnvironment(),
      stdio: "pipe",
    });
    const before = new Set(workspaces());
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (piece) => {
      said += piece;
    });
    child.stdin.on("error", () => {});
    child.stdin.write(`${INITIALIZE}\n${callLine(2, "create_session", { language: "javascript" })}\n`);
    await until("there is a session", () => said.includes('"id":2'));
    const session_id = /"session_id":"([^"]+)"/.exec(said)?.[1] as string;
    child.stdin.write(`${callLine(3, "run_in_session", { session_id, code: "for (;;);" })}\n`);
    child.stdin.write(`${callLine(4, "execute_javascript", { code: "for (;;);" })}\n`);
    await until("there is a cell", () => cellsOf(child.pid as number).length > 0);
    await sleep(200);
    const mine = workspaces().filter((name) => !before.has(name));
    assert.ok(mine.length > 0, "there is a workspace");
    const exited = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
    return { child, cells: cellsOf(child.pid as number), mine, exited };
  }

  const ends: Readonly<
    Record<string, readonly [code: number, end: (child: ReturnType<typeof spawn>) => void]>
  > = {
    "when its input ends": [0, (child) => child.stdin?.end()],
    "when its reader has gone": [0, (child) => child.stdout?.destroy()],
    "at SIGTERM": [143, (child) => child.kill("SIGTERM")],
    "at SIGINT": [130, (child) => child.kill("SIGINT")],
  };
  for (const [what, [code, end]] of Object.entries(ends))
    test(what, async () => {
      const { child, cells, mine, exited } = await busy();
      const began = performance.now();
      end(child);
      // Who has no reader hears of it when something is said.
      if (code === 0) child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", id: 9, method: "ping" })}\n`);
      assert.equal(await exited, code);
      assert.ok(performance.now() - began < 2000);
      assert.deepEqual(await survivors(cells, 2000), []);
      assert.deepEqual(
        workspaces().filter((name) => mine.includes(name)),
        [],
      );
    });
});

test("garbage and huge lines are answered, and the next one is read", async () => {
  const child = spawn(process.execPath, [CAPSULE, "mcp"], {
    cwd: "/",
    env: cleanEnvironment(),
    stdio: "pipe",
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => {
    said += piece;
  });
  child.stdin.write(`${INITIALIZE}\n`);
  await until("initialize is answered", () => said.includes('"id":1'));
  child.stdin.write(`garbage\n[]\n{"jsonrpc":"2.0"}\n${"[".repeat(1_000_000)}\n`);
  child.stdin.write(Buffer.alloc(34 * 1024 * 1024, "x"));
  child.stdin.write(`\n{"jsonrpc":"2.0","id":"last","method":"ping"}\n`);
  await until("the last line is answered", () => said.includes('"last"'));
  child.stdin.end();
  await new Promise((resolve) => child.on("exit", resolve));
  const messages = said
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: unknown; error?: { code: number } });
  assert.deepEqual(
    messages.map(({ id, error }) => [id, error?.code]),
    [
      [1, undefined],
      [null, -32700],
      [null, -32600],
      [null, -32600],
      [null, -32700],
      [null, -32600],
      ["last", undefined],
    ],
  );
});

test("a wrong setting is wrong use, before anything is served", async () => {
  const wrong: readonly (readonly [args: string[], extra: Record<string, string>, says: RegExp])[] = [
    [["mcp", "--timeout", "soon"], {}, /^error: --timeout can't be "soon": .* \[arguments\]\n$/],
    [["mcp"], { CAPSULE_MCP_ALLOWED_HOSTS: "http://x" }, /^error: CAPSULE_MCP_ALLOWED_HOSTS can't be/],
    [["mcp", "server.py"], {}, /takes options only/],
  ];
  for (const [args, extra, says] of wrong) {
    const { code, stdout, stderr } = await capsule(args, { extra });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, says);
  }
});

test("other commands load nothing of it", () => {
  const dist = join(dirname(dirname(CAPSULE)), "dist");
  assert.ok(existsSync(join(dist, "mcp.js")));
  for (const name of ["capsule.js", "main.js"]) {
    const text = readFileSync(join(dist, name), "utf8");
    for (const word of ["LATEST_PROTOCOL_VERSION", "ZodObject", "server/discover"])
      assert.ok(!text.includes(word), `${word} in ${name}`);
  }
});
