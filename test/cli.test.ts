/** The command line on real programs: what it prints where, how it ends, and that nothing is left behind. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
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

const EXAMPLE = fileURLToPath(new URL("../examples/hello.ts", import.meta.url));
const echo = program('export const main = task({ name: "main" }, (...args: unknown[]) => args);');
const SUMMARY = /^main ok · \d+ ms · [\d,]+ fuel · [\d.]+ MB\n$/;

/** A line of bash in which `capsule` is the command. */
const bash = (line: string, cwd: string) =>
  start("bash", ["-c", `capsule() { "${process.execPath}" "${CAPSULE}" "$@"; }; ${line}`], { cwd }).ended;

describe("run", () => {
  test("prints what the program prints, then its result, then one summary line on stderr", async () => {
    const cwd = folder({
      "main.ts": program(`
        export const main = task({ name: "main" }, () => {
          console.log("to stdout");
          console.error("to stderr");
          return "the result";
        });`),
    });
    const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
    assert.deepEqual([code, stdout], [0, "to stdout\nthe result\n"]);
    assert.ok(stderr.startsWith("to stderr\n"));
    assert.match(stderr.slice("to stderr\n".length), SUMMARY);
  });

  test("strings are printed raw, other values as JSON, null and undefined not at all", async () => {
    const cwd = folder();
    const results: readonly (readonly [string, string])[] = [
      ['"a\\n\\"b\\""', 'a\n"b"\n'],
      ['({ a: [1, "x", null] })', '{"a":[1,"x",null]}\n'],
      ["0", "0\n"],
      ["false", "false\n"],
      ["null", ""],
      ["undefined", ""],
    ];
    for (const [expression, expected] of results) {
      const files = folder({
        "main.ts": program(`export const main = task({ name: "main" }, () => ${expression});`),
      });
      const { stdout, code } = await capsule(["run", join(files, "main.ts")], { cwd });
      assert.deepEqual([code, stdout], [0, expected], expression);
    }
  });

  test("arguments reach main as strings, dashes included; a file gives any JSON", async () => {
    const cwd = folder({
      "main.ts": echo,
      "args.json": '[1, {"a": [true]}]\n',
      "bad.json": "[1,\n  oops]\n",
    });
    const cases: readonly (readonly [string[], string])[] = [
      [["run", "main.ts", "1", "--json", "-x"], '["1","--json","-x"]\n'],
      [["run", "main.ts", "--", "--json"], '["--json"]\n'],
      [["run", "main.ts", ""], '[""]\n'],
      [["run", "--args-file", "args.json", "main.ts"], '[1,{"a":[true]}]\n'],
    ];
    for (const [args, expected] of cases)
      assert.equal((await capsule(args, { cwd })).stdout, expected, args.join(" "));
    const { code, stderr } = await capsule(["run", "main.ts", "--args-file", "bad.json"], { cwd });
    assert.equal(code, 2);
    assert.match(stderr, /bad\.json:2:3\n> 2 \| {3}oops\]\n {4}\| {3}\^\n/);
  });

  test("--json: one line on stdout, the envelope, whatever the program prints", async () => {
    const cwd = folder({
      "main.ts": program('export const main = task({ name: "main" }, () => (console.log("x"), 7));'),
    });
    for (const args of [
      ["run", "--json", "main.ts"],
      ["run", "main.ts", "--json"],
    ]) {
      const { stdout, stderr } = await capsule(args, { cwd });
      assert.equal(stdout.indexOf("\n"), stdout.length - 1);
      const { success, result, error, execution } = JSON.parse(stdout);
      assert.deepEqual([success, result, error, execution.task_name], [true, 7, null, "main"]);
      assert.ok(stderr.startsWith("x\n"));
    }
  });

  test("a task that fails: its message with file and line on stderr, exit 1", async () => {
    const cwd = folder({
      "main.ts": program(
        'export const main = task({ name: "main" }, () => {\n  throw new Error("boom");\n});',
      ),
    });
    const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Error: boom\n.*main\.ts:3:\d+/);
    assert.match(stderr, /\nmain failed \(task_error\) · .*\n$/);
  });

  test("too few or too many arguments are the program's failure, named", async () => {
    const cwd = folder({
      "main.ts": program('export const main = task({ name: "main" }, (a: string, b: string) => a + b);'),
    });
    for (const args of [["x"], ["x", "y", "z"]]) {
      const { code, stderr } = await capsule(["run", "main.ts", ...args], { cwd });
      assert.equal(code, 1);
      assert.match(stderr, /a, b[\s\S]*invalid_arguments/);
    }
  });

  test("--verbose tells what happens, nested by depth", async () => {
    const cwd = folder({
      "main.ts": program(`
        const leaf = task({ name: "leaf", maxRetries: 1 }, (): number => { throw new Error("no"); });
        export const main = task({ name: "main" }, () => leaf().success);`),
    });
    const { code, stdout, stderr } = await capsule(["run", "--verbose", "main.ts"], { cwd });
    assert.deepEqual([code, stdout], [0, "false\n"]);
    assert.match(stderr, /^main\.ts compiled · 2 tasks · /);
    const events = [...stderr.matchAll(/^ +[\d,]+ ms ( +)(\w+) \[([\d.]+)\] (\w+ ?\d?)/gm)].map((m) =>
      m.slice(1),
    );
    assert.deepEqual(
      events.map(([indent, ...rest]) => [(indent as string).length, ...rest]),
      [
        [1, "main", "0", "queued"],
        [1, "main", "0", "started"],
        [3, "leaf", "0.1", "queued"],
        [3, "leaf", "0.1", "started"],
        [3, "leaf", "0.1", "attempt 1"],
        [3, "leaf", "0.1", "started"],
        [3, "leaf", "0.1", "failed "],
        [1, "main", "0", "ok "],
      ].map(([indent, name, path, what]) => [indent, name, path, what]),
    );
  });

  test("without FILE the entrypoint of capsule.toml runs, from a folder below too", async () => {
    const cwd = folder({
      "capsule.toml": '[workflow]\nentrypoint = "src/main.ts"\n',
      "src/main.ts": echo,
      "src/deep/x.txt": "",
    });
    for (const at of [cwd, join(cwd, "src/deep")])
      assert.equal((await capsule(["run"], { cwd: at })).stdout, "[]\n");
    const none = await capsule(["run"], { cwd: folder() });
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^error: "capsule run" needs a program: capsule run FILE, or an entrypoint/);
    const gone = folder({ "capsule.toml": '[workflow]\nentrypoint = "gone.ts"\n' });
    assert.match(
      (await capsule(["run"], { cwd: gone })).stderr,
      /the entrypoint of capsule\.toml: there is no file gone\.ts/,
    );
  });

  test("a program that changes is compiled again, one that does not is found", async () => {
    const cwd = folder({ "main.ts": echo });
    const built = async () => (await capsule(["build", "main.ts"], { cwd })).stderr;
    assert.match(await built(), /^main\.ts compiled · 1 task · /);
    assert.match(await built(), /^main\.ts found in the cache · /);
    assert.match(
      (await capsule(["run", "--verbose", "main.ts"], { cwd })).stderr,
      /^main\.ts found in the cache/,
    );
  });
});

describe("wrong use is one clear message and exit 2", () => {
  const cases: Readonly<Record<string, { readonly source: string; readonly says: RegExp }>> = {
    "a syntax error": {
      source: "const x = ;\n",
      says: /^error: .*\n {2}main\.ts:2:\d+\n[\s\S]*const x = ;\n.*\^/,
    },
    "an import that is not there": { source: 'import "./none.ts";\n', says: /none\.ts[\s\S]*main\.ts:2:\d+/ },
    "an error at load": {
      source: 'throw new Error("at load");\n',
      says: /at load[\s\S]*main\.ts:2:\d+[\s\S]*\^/,
    },
    "no main": {
      source: 'export const a = task({ name: "first" }, () => 1);\n',
      says: /main[\s\S]*"first"/,
    },
    "no task": { source: "export const a = 1;\n", says: /no task/ },
    "two tasks of one name": {
      source: 'task({ name: "main" }, () => 1);\ntask({ name: "main" }, () => 2);\n',
      says: /"main"[\s\S]*main\.ts:3:\d+[\s\S]*\^/,
    },
    "a wrong option": {
      source: 'task({ name: "main", compute: "HUGE" } as never, () => 1);\n',
      says: /compute[\s\S]*"LOW"[\s\S]*main\.ts:2:\d+/,
    },
    "an unknown option": {
      source: 'task({ name: "main", memory: 1 } as never, () => 1);\n',
      says: /memory[\s\S]*main\.ts:2:\d+/,
    },
  };
  for (const [name, { source, says }] of Object.entries(cases))
    test(name, async () => {
      const cwd = folder({ "main.ts": program(source) });
      const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /^ +at .*\/(dist|packages)\//m);
    });

  test("files, options, commands", async () => {
    const cwd = folder({ "main.ts": echo, "capsule.toml": "[policy]\nmax_task = 1\n" });
    const project = folder({ "main.ts": echo, "agent.py": "", "agent.wasm": "" });
    const lines: readonly (readonly [string, string, RegExp])[] = [
      [project, "run mian.ts", /there is no file mian\.ts; did you mean main\.ts\?/],
      [project, "run agent.py", /agent\.py defines no task/],
      [project, "run agent.wasm", /capsule exec agent\.wasm/],
      [project, "run --mount ../data main.ts", /HOST that is not inside the project/],
      [project, "run --mount a::x --mount b::x main.ts", /at one place/],
      [project, "run --sealed --mount data main.ts", /sealed run has no files/],
      [project, "exec main.ts", /capsule run main\.ts/],
      [project, "run --verbsoe main.ts", /did you mean --verbose\?/],
      [project, "main.ts", /capsule run main\.ts/],
      [cwd, "run main.ts", /did you mean "max_tasks"[\s\S]*capsule\.toml:2:1/],
    ];
    for (const [at, line, says] of lines) {
      const { code, stdout, stderr } = await capsule(line.split(" "), { cwd: at });
      assert.deepEqual([code, stdout], [2, ""], line);
      assert.match(stderr, says, line);
      assert.match(stderr, /^error: /, line);
    }
  });
});

describe("streams", () => {
  const big = program(`
    export const main = task({ name: "main" }, () => {
      for (let i = 0; i < 100; i++) console.log("o".repeat(9_999));
      return "r".repeat(1_000_000);
    });`);
  const endless = program(`
    export const main = task({ name: "main", compute: "HIGH" }, () => { for (;;) console.log("y".repeat(99)); });`);

  test("a slow reader gets all of a megabyte of output and a megabyte of result, in order", async () => {
    const cwd = folder({ "main.ts": big });
    const { stdout } = await bash("capsule run main.ts 2>/dev/null | (sleep 1; cat > out); wc -c < out", cwd);
    assert.equal(stdout.trim(), "2000001");
    const text = readFileSync(join(cwd, "out"), "latin1");
    assert.ok(text.lastIndexOf("o") < text.indexOf("r"));
  });

  test("a reader that has gone ends the run quietly", async () => {
    const cwd = folder({ "main.ts": endless });
    const { stdout, stderr, ms } = await bash(
      `capsule run main.ts | head -n 1; echo $` + "{PIPESTATUS[0]}",
      cwd,
    );
    assert.deepEqual([stdout, stderr], [`${"y".repeat(99)}\n0\n`, ""]);
    assert.ok(ms < 20_000);
  });

  test("no colour and no spinner in a pipe; colour when it is forced", async () => {
    const cwd = folder({ "main.ts": echo });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    const ESCAPE = /\x1b/;
    assert.doesNotMatch((await capsule(["run", "main.ts"], { cwd })).stderr, ESCAPE);
    assert.match((await capsule(["run", "main.ts"], { cwd, extra: { FORCE_COLOR: "1" } })).stderr, ESCAPE);
  });
});

describe("interruption", () => {
  const spin = program(`
    const leaf = task({ name: "leaf", compute: "HIGH" }, () => { for (;;); });
    export const main = task({ name: "main", compute: "HIGH" }, async () => {
      console.log("running");
      return leaf();
    });`);

  for (const [signal, expected] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    test(`${signal} cancels a run that spins: envelope, exit ${expected}, no process left`, async () => {
      const cwd = folder({ "main.ts": spin });
      const { child, pid, ended, printed } = startCapsule(["run", "--json", "main.ts"], { cwd });
      await printed("running");
      const cells = onLinux ? cellsOf(pid) : [];
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      assert.equal(code, expected);
      assert.equal(JSON.parse(stdout).error.error_type, "cancelled");
      assert.match(stderr, /main failed \(cancelled\)/);
      assert.deepEqual(await survivors(cells, 2000), []);
    });

  test("while a program is being loaded", async () => {
    const cwd = folder({
      "main.ts": program('export const main = task({ name: "main" }, () => 1);\nfor (;;);'),
    });
    const { child, ended } = startCapsule(["run", "main.ts"], { cwd });
    await sleep(1500);
    child.kill("SIGINT");
    const { code, ms } = await ended;
    assert.equal(code, 130);
    assert.ok(ms < 10_000);
  });

  test("killed with -9, it leaves no cell behind, even while a guest spins", { skip: !onLinux }, async () => {
    const cwd = folder({ "main.ts": spin });
    const { child, pid, ended, printed } = startCapsule(["run", "main.ts"], { cwd });
    await printed("running");
    const cells = cellsOf(pid);
    assert.ok(cells.length > 0);
    child.kill("SIGKILL");
    await ended;
    assert.deepEqual(await survivors(cells, 5000), []);
  });

  test("an error before the run leaves no cell behind either", { skip: !onLinux }, async () => {
    const { pid, ended } = startCapsule(["run", "none.ts"], { cwd: folder() });
    await ended;
    assert.deepEqual(await survivors(cellsOf(pid), 2000), []);
  });
});

describe("around it", () => {
  test("help, version and the list of exit codes go to stdout", async () => {
    const { version } = JSON.parse(
      readFileSync(new URL("../packages/cli/package.json", import.meta.url), "utf8"),
    );
    assert.equal((await capsule(["--version"])).stdout, `${version}\n`);
    for (const args of [[], ["--help"], ["help", "build"], ["run", "--help"], ["build", "-h"]]) {
      const { code, stdout, stderr } = await capsule(args);
      assert.deepEqual([code, stderr], [0, ""], args.join(" "));
      assert.match(stdout, /^Usage: capsule[\s\S]*Exit codes:[\s\S]*130/);
    }
  });

  test("build --json describes the program", async () => {
    const cwd = folder({ "main.ts": echo });
    const { stdout, code } = await capsule(["build", "--json", "main.ts"], { cwd });
    const { file, cached, snapshot, tasks } = JSON.parse(stdout);
    assert.deepEqual([code, file, cached, snapshot], [0, join(cwd, "main.ts"), false, "after"]);
    assert.equal(tasks[0].name, "main");
    assert.equal(existsSync(join(cwd, ".capsule", "cache")), true);
  });

  test("the example runs from anywhere, with an empty environment too", async () => {
    const { stdout } = await start(process.execPath, [CAPSULE, "run", EXAMPLE], { cwd: folder(), env: {} })
      .ended;
    assert.equal(stdout, "Hello from Capsule!\n");
  });

  test("where nothing can be written it runs all the same, with one warning", {
    skip: !onLinux,
  }, async () => {
    // A cache that is a file can't be made a folder, even by root.
    const cwd = folder({ "main.ts": echo, "capsule.toml": "", ".capsule": "a file" });
    const { code, stdout, stderr } = await capsule(["run", "main.ts"], {
      cwd,
      env: cleanEnvironment({ CAPSULE_CACHE_DIR: join(cwd, "main.ts") }),
    });
    assert.deepEqual([code, stdout], [0, "[]\n"]);
    assert.equal(stderr.match(/warning:/g)?.length, 1, stderr);
  });
});
