/** An exported artifact is the program: valid, self-contained, the same bytes everywhere, and held to every limit. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { after, describe, test } from "node:test";
import { createRuntime, type RunResult } from "@capsule-run/runtime";
import { SECTIONS } from "../packages/artifact/src/exported/sections.ts";
import { contentOf, readManifest, takeApart } from "./support/artifacts.ts";
import { capsule, folder, program, readEnvelope } from "./support/capsule.ts";
import { onLinux } from "./support/processes.ts";

interface Source {
  readonly file: string;
  readonly text: string;
}
const ts = (source: string): Source => ({ file: "main.ts", text: program(source) });
const py = (source: string): Source => ({
  file: "main.py",
  text: `import asyncio\nfrom capsule import task\n${source}`,
});

const HELLO: Readonly<Record<string, Source>> = {
  TypeScript: ts(
    `export const main = task({ name: "main" }, (who: string) => { console.log("hi"); return "Hello, " + who; });`,
  ),
  Python: py(`@task(name="main")\ndef main(who):\n    print("hi")\n    return "Hello, " + who\n`),
};

const put = (source: Source): string => folder({ [source.file]: source.text });

/** Exports a program in a folder of its own; gives folder and bytes. */
async function exported(source: Source): Promise<{ cwd: string; file: string; bytes: Buffer<ArrayBuffer> }> {
  const cwd = put(source);
  const ended = await capsule(["build", "--export", source.file], { cwd });
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.stdout, "");
  assert.match(ended.stderr, /^main\.wasm written · /m);
  const file = join(cwd, "main.wasm");
  return { cwd, file, bytes: readFileSync(file) };
}

for (const [language, source] of Object.entries(HELLO))
  describe(`an artifact of ${language}`, () => {
    test("is a valid module, runs elsewhere without its source, and prints what run prints", async () => {
      const { cwd, file, bytes } = await exported(source);
      assert.ok(WebAssembly.validate(bytes));
      const ran = await capsule(["run", source.file, "you"], { cwd });
      const elsewhere = folder();
      cpSync(file, join(elsewhere, "other.wasm"));
      rmSync(cwd, { recursive: true });
      const executed = await capsule(["exec", "other.wasm", "you"], { cwd: elsewhere });
      assert.deepEqual([executed.code, executed.stdout], [0, "hi\nHello, you\n"]);
      assert.equal(executed.stdout, ran.stdout);
      const envelope = readEnvelope(
        await capsule(["exec", "--json", "other.wasm", "you"], { cwd: elsewhere }),
      );
      assert.equal(envelope.result, "Hello, you");
      assert.deepEqual(readdirSync(elsewhere).sort(), [".capsule", "other.wasm"]);
      const kept = readdirSync(join(elsewhere, ".capsule"));
      assert.ok(kept.includes("runs.db") && !kept.includes("cache"), `only the record of runs: ${kept}`);
    });

    test("has the engine, a manifest, licences, a digest, and no path of this machine", async () => {
      const { cwd, bytes } = await exported(source);
      const { sections } = takeApart(bytes);
      const expected = Object.values(SECTIONS).filter(
        (name) => language === "Python" || name !== SECTIONS.program,
      );
      assert.deepEqual(
        sections.map(({ name }) => name),
        expected,
      );
      const manifest = readManifest(bytes);
      assert.deepEqual(
        [manifest.format, manifest.language],
        [2, language === "Python" ? "python" : "javascript"],
      );
      const licences = contentOf(bytes, SECTIONS.licences)?.toString() ?? "";
      assert.match(licences, /Apache License/);
      assert.match(licences, language === "Python" ? /PYTHON SOFTWARE FOUNDATION LICENSE/ : /QuickJS-NG/);
      const end = bytes.length - 32;
      const header = 2 + SECTIONS.digest.length + 1;
      const sum = createHash("sha256")
        .update(bytes.subarray(0, end - header))
        .digest();
      assert.ok(bytes.subarray(end).equals(sum));
      for (const path of [cwd, basename(cwd), process.cwd(), `${process.env.HOME ?? "/root"}/`])
        assert.ok(!bytes.includes(path), `the file names ${path}`);
    });

    test("is the same bytes in every folder, with an empty and a full cache, before and after runs", async () => {
      const { cwd, bytes } = await exported(source);
      const again = async (where: string): Promise<void> => {
        const ended = await capsule(["build", "--export", "--json", source.file], { cwd: where });
        assert.equal(ended.code, 0, ended.stderr);
        const { exported: written } = JSON.parse(ended.stdout);
        assert.equal(written.sha256, createHash("sha256").update(bytes).digest("hex"));
        assert.deepEqual([written.file, written.bytes], [join(where, "main.wasm"), bytes.length]);
        assert.ok(readFileSync(join(where, "main.wasm")).equals(bytes));
      };
      await again(cwd);
      await capsule(["run", source.file, "x"], { cwd });
      rmSync(join(cwd, "main.wasm"));
      await again(cwd);
      rmSync(join(cwd, ".capsule"), { recursive: true });
      await again(cwd);
      const deeper = join(folder(), "a folder", "with another", "name");
      mkdirSync(deeper, { recursive: true });
      writeFileSync(join(deeper, source.file), source.text);
      await again(deeper);
    });

    test("tells errors in the user's file and line", async () => {
      const failing =
        language === "Python"
          ? py(
              `def deeper():\n    raise ValueError("boom")\n\n@task(name="main")\ndef main():\n    deeper()\n`,
            )
          : ts(
              `const deeper = (): never => {\n  throw new Error("boom");\n};\nexport const main = task({ name: "main" }, () => deeper());`,
            );
      const { cwd } = await exported(failing);
      const ran = await capsule(["run", failing.file], { cwd });
      const executed = await capsule(["exec", "main.wasm"], { cwd });
      const message = (stderr: string): string => stderr.split("\nmain failed")[0] as string;
      assert.equal(executed.code, 1);
      assert.equal(message(executed.stderr), message(ran.stderr));
      assert.match(executed.stderr, language === "Python" ? /main\.py", line 4, in deeper/ : /main\.ts:3:9/);
      const elsewhere = folder();
      cpSync(join(cwd, "main.wasm"), join(elsewhere, "m.wasm"));
      const there = await capsule(["exec", "m.wasm"], { cwd: elsewhere });
      assert.equal(message(there.stderr), message(ran.stderr));
    });
  });

/** A program, its arguments, and how it has to end: alike from its source and, time after time, from its artifact. */
interface Case {
  readonly ts: string;
  readonly py: string;
  readonly args?: readonly unknown[];
  /** An error type, or what the result has to be. */
  readonly ends: string | RegExp;
  readonly retries?: number;
  /** How much fuel is used does not depend on the clock. */
  readonly exact?: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  compute: {
    ts: `export const main = task({ name: "main", compute: 30_000_000 }, () => { while (true) {} });`,
    py: `@task(name="main", compute=30_000_000)\ndef main():\n    while True: pass\n`,
    ends: "out_of_fuel",
    exact: true,
  },
  ram: {
    ts: `export const main = task({ name: "main", ram: "8MB" }, () => { const a = []; while (true) a.push(new Uint8Array(1 << 20)); });`,
    py: `@task(name="main", ram="64MB")\ndef main():\n    a = []\n    while True: a.append(bytearray(1 << 20))\n`,
    ends: "out_of_memory",
  },
  timeout: {
    ts: `export const main = task({ name: "main", timeout: "200ms", compute: "HIGH" }, () => { while (true) {} });`,
    py: `@task(name="main", timeout="200ms", compute="HIGH")\ndef main():\n    while True: pass\n`,
    ends: "timeout",
  },
  maxRetries: {
    ts: `export const main = task({ name: "main", maxRetries: 2 }, () => { throw new Error("no"); });`,
    py: `@task(name="main", max_retries=2)\ndef main():\n    raise ValueError("no")\n`,
    ends: "task_error",
    retries: 2,
    exact: true,
  },
  "too few arguments": {
    ts: `export const main = task({ name: "main" }, (a: string, b: string) => a + b);`,
    py: `@task(name="main")\ndef main(a, b):\n    return a + b\n`,
    args: ["1"],
    ends: "invalid_arguments",
  },
  "too many arguments": {
    ts: `export const main = task({ name: "main" }, (a: string, b?: string) => a + b);`,
    py: `@task(name="main")\ndef main(a, b=None):\n    return a\n`,
    args: ["1", "2", "3"],
    ends: "invalid_arguments",
  },
  stack: {
    ts: `const f = (): number => f() + 1;\nexport const main = task({ name: "main" }, () => f());`,
    py: `def f():\n    return f() + 1\n@task(name="main")\ndef main():\n    return f()\n`,
    ends: "stack_overflow",
    exact: true,
  },
  deadlock: {
    ts: `export const main = task({ name: "main" }, async () => { await new Promise(() => {}); });`,
    py: `@task(name="main")\nasync def main():\n    await asyncio.get_running_loop().create_future()\n`,
    ends: "deadlock",
    exact: true,
  },
  results: {
    ts: `export const main = task({ name: "main", compute: "HIGH" }, () => "x".repeat(34_000_000));`,
    py: `@task(name="main", compute="HIGH")\ndef main():\n    return "x" * 34_000_000\n`,
    ends: "invalid_result",
  },
  output: {
    ts: `export const main = task({ name: "main" }, () => { for (let i = 0; i < 9; i++) console.log("x".repeat(1 << 20)); return "printed"; });`,
    py: `@task(name="main")\ndef main():\n    for i in range(9): print("x" * (1 << 20))\n    return "printed"\n`,
    ends: /^"printed"$/,
  },
  depth: {
    ts: `const down = task({ name: "down" }, (n: number): string => { const e = down(n + 1); return e.error ? e.error.error_type + " at " + n : e.result; });
      export const main = task({ name: "main" }, () => down(1).result);`,
    py: `@task(name="down")\ndef down(n):\n    e = down(n + 1)\n    return e["error"]["error_type"] + " at " + str(n) if e["error"] else e["result"]\n@task(name="main")\ndef main():\n    return down(1)["result"]\n`,
    ends: /^"limit_exceeded at 100"$/,
  },
  "limits of sub-tasks": {
    ts: `const spins = task({ name: "spins", compute: 5_000_000 }, () => { while (true) {} });
      const slow = task({ name: "slow", timeout: "100ms", maxRetries: 1 }, async () => { await new Promise((r) => setTimeout(r, 60_000)); });
      const eats = task({ name: "eats", ram: "8MB" }, () => { const a = []; while (true) a.push(new Uint8Array(1 << 20)); });
      export const main = task({ name: "main" }, async () => [spins(), await slow(), eats()].map((e) => e.error?.error_type + " " + e.execution.retries).join());`,
    py: `@task(name="spins", compute=5_000_000)\ndef spins():\n    while True: pass\n
@task(name="slow", timeout="100ms", max_retries=1)\nasync def slow():\n    await asyncio.sleep(60)\n
@task(name="eats", ram="64MB")\ndef eats():\n    a = []\n    while True: a.append(bytearray(1 << 20))\n
@task(name="main")\nasync def main():\n    return ",".join(f'{e["error"]["error_type"]} {e["execution"]["retries"]}' for e in [spins(), await slow(), eats()])\n`,
    ends: /^"out_of_fuel 0,timeout 1,out_of_memory 0"$/,
  },
};

describe("every limit that run applies, exec applies, the first time and later", () => {
  const runtime = createRuntime({ cells: 1 });
  after(async () => (await runtime).close());

  for (const [name, row] of Object.entries(CASES))
    for (const source of [ts(row.ts), py(row.py)])
      test(`${name}, ${source.file}`, async () => {
        const capsule = await runtime;
        const cwd = put(source);
        const file = join(cwd, source.file);
        let printed = 0;
        const run = (path: string): Promise<RunResult> => {
          printed = 0;
          return capsule.run({
            file: path,
            args: row.args,
            onOutput: ({ bytes }) => {
              printed += bytes.length;
            },
          });
        };
        const { exported: artifact } = await capsule.export(file);
        // A hundred sandboxes of Python in one another take their time: what they give is known.
        const slow = name === "depth" && source.file === "main.py";
        const { envelope: wanted } = await run(slow ? artifact.file : file);
        const said = printed;
        rmSync(file);
        for (const _ of slow ? [] : ["first", "second", "third"]) {
          const { envelope } = await run(artifact.file);
          if (typeof row.ends === "string") {
            assert.ok(!envelope.success && !wanted.success);
            assert.equal(envelope.error.error_type, row.ends, envelope.error.message);
            assert.deepEqual(envelope.error, wanted.error);
          } else {
            assert.ok(envelope.success, envelope.success ? "" : envelope.error.message);
            assert.match(envelope.resultJson, row.ends);
          }
          assert.equal(envelope.execution.retries, row.retries ?? 0);
          assert.equal(printed, said);
          // Python's differs by some units with the random seed of an attempt.
          const fuel = envelope.execution.fuel_consumed - wanted.execution.fuel_consumed;
          if (row.exact) assert.ok(Math.abs(fuel) < 100, `${fuel} units`);
        }
        if (slow) assert.match(wanted.success ? wanted.resultJson : wanted.error.message, row.ends as RegExp);
        if (name === "output") assert.ok(said > 8 * 1024 ** 2 && said < 8 * 1024 ** 2 + 1000, `${said}`);
      });
});

describe("an artifact in a runtime", () => {
  test("is opened again when its file changes, also with the same size and in the same moment", async () => {
    await using runtime = await createRuntime({ cells: 1 });
    const texts = ["one", "two", "six"];
    const built: Buffer[] = [];
    for (const text of texts) {
      const cwd = put(ts(`export const main = task({ name: "main" }, () => "${text}");`));
      built.push(readFileSync((await runtime.export(join(cwd, "main.ts"))).exported.file));
    }
    const file = join(folder(), "x.wasm");
    for (let round = 0; round < 6; round++) {
      writeFileSync(file, built[round % 3] as Buffer);
      const { envelope } = await runtime.run({ file });
      assert.ok(envelope.success);
      assert.equal(envelope.resultJson, JSON.stringify(texts[round % 3]));
    }
    rmSync(file);
    await assert.rejects(runtime.run({ file }), { name: "UsageError", slug: "file-not-found" });
  });

  test("that gets to what the core engine lacks goes on with the full one", async () => {
    const source = py(
      `@task(name="main")\ndef main():\n    import importlib\n    np = importlib.import_module("nu" + "mpy")\n    return int(np.arange(4).sum())\n`,
    );
    const { cwd, bytes } = await exported(source);
    assert.equal(readManifest(bytes).variant, "core");
    // What a run finds out is remembered for runs; the file stays what it is.
    assert.equal((await capsule(["run", "main.py"], { cwd })).stdout, "6\n");
    assert.equal((await capsule(["build", "--export", "main.py"], { cwd })).code, 0);
    assert.ok(readFileSync(join(cwd, "main.wasm")).equals(bytes));
    rmSync(join(cwd, "main.py"));
    await using runtime = await createRuntime({ cells: 1 });
    for (const _ of ["first", "second"]) {
      const { envelope } = await runtime.run({ file: join(cwd, "main.wasm") });
      assert.ok(envelope.success, envelope.success ? "" : envelope.error.message);
      assert.equal(envelope.resultJson, "6");
    }
    assert.equal((await runtime.load(join(cwd, "main.wasm"))).manifest.variant, "full", "it is remembered");
  });

  test("whose program is loaded by each attempt has it along", async () => {
    const { cwd, bytes } = await exported(
      ts(
        `const at = Date.now();\nconsole.log("loading");\nexport const main = task({ name: "main" }, () => at > 1e12);`,
      ),
    );
    assert.ok(contentOf(bytes, SECTIONS.program));
    rmSync(join(cwd, "main.ts"));
    const ended = await capsule(["exec", "main.wasm"], { cwd });
    assert.deepEqual([ended.code, ended.stdout], [0, "loading\ntrue\n"]);
  });
});

describe("writing an artifact", () => {
  const source = HELLO.TypeScript as Source;

  test("replaces an artifact, and nothing else", async () => {
    const { cwd, bytes } = await exported(source);
    writeFileSync(join(cwd, "main.ts"), program(`export const main = task({ name: "main" }, () => 1);`));
    assert.equal((await capsule(["build", "--export", "main.ts"], { cwd })).code, 0);
    assert.ok(!readFileSync(join(cwd, "main.wasm")).equals(bytes));
    for (const content of ["mine", Buffer.from("\0asm\x01\0\0\0", "latin1"), null]) {
      rmSync(join(cwd, "main.wasm"), { recursive: true });
      if (content === null) mkdirSync(join(cwd, "main.wasm"));
      else writeFileSync(join(cwd, "main.wasm"), content);
      const ended = await capsule(["build", "--export", "main.ts"], { cwd });
      assert.equal(ended.code, 2);
      assert.match(
        ended.stderr,
        /^error: main\.wasm exists and is (a folder|no artifact of Capsule's): it is left as it is/,
      );
      if (content !== null) assert.ok(readFileSync(join(cwd, "main.wasm")).equals(Buffer.from(content)));
    }
    assert.deepEqual(
      readdirSync(cwd).filter((name) => name.includes("tmp")),
      [],
    );
  });

  test("into a folder that can't be written is one clear error", {
    skip: !onLinux || process.getuid?.() === 0,
  }, async () => {
    const cwd = put(source);
    chmodSync(cwd, 0o555);
    try {
      const ended = await capsule(["build", "--export", source.file], { cwd });
      assert.equal(ended.code, 2);
      assert.match(ended.stderr, /main\.wasm can't be written: no permission \(EACCES\)/);
    } finally {
      chmodSync(cwd, 0o755);
    }
  });

  test("into a folder that is gone is one clear error", async () => {
    const { writeExported } = await import("@capsule-run/artifact/exported");
    const { bytes } = await exported(source);
    const { engine } = takeApart(bytes);
    const parts = {
      version: "0",
      engine,
      globals: [],
      snapshot: engine,
      bundle: engine,
      sourceMap: "",
      licences: "",
    };
    const manifest = readManifest(bytes).program as never;
    const gone = join(folder(), "gone", "x.wasm");
    assert.throws(() => writeExported(gone, "x.wasm", { ...parts, manifest }), {
      name: "UsageError",
      slug: "artifact",
      message: "x.wasm can't be written: the folder does not exist any more (ENOENT) [artifact]",
    });
  });

  test("of a program that can't be compiled or loaded is that error", async () => {
    const cwd = folder({ "a.ts": "const = 1;", "b.py": "raise ValueError('no')\n" });
    for (const file of ["a.ts", "b.py"]) {
      const ended = await capsule(["build", "--export", file], { cwd });
      assert.equal(ended.code, 2, ended.stderr);
    }
    assert.deepEqual(
      readdirSync(cwd).filter((name) => name.endsWith(".wasm")),
      [],
    );
    assert.ok(statSync(join(cwd, "a.ts")).isFile());
  });
});
