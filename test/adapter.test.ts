/** Code that a model wrote: what `runPython`, `execute` and `Session` promise, in both languages and from both. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  CapsuleError,
  type CodeOutput,
  closeAll,
  type Execution,
  execute,
  type Language,
  loadSandboxes,
  type RichOutput,
  runJavaScript,
  runPython,
  type SandboxOptions,
  Session,
  UsageError,
} from "@capsule-run/adapter";
import { folder } from "./support/capsule.ts";
import { cellsOf, onLinux } from "./support/processes.ts";
import vectors from "./vectors/adapter.json" with { type: "json" };

interface Failure {
  readonly kind: string;
  readonly contains: readonly string[];
}

interface Call {
  readonly name: string;
  readonly language: Language;
  readonly code: string;
  readonly options?: SandboxOptions;
  readonly text?: string;
  readonly error?: Failure;
  readonly execution?: Partial<Execution>;
  readonly exported?: Contents;
  readonly begins?: readonly RichOutput[];
}

/** Texts of files, by path. */
type Contents = Readonly<Record<string, string>>;

interface Step {
  readonly run?: string;
  readonly value?: unknown;
  readonly output?: string;
  readonly memory?: string;
  readonly error?: Failure & { readonly slug?: string };
  readonly reset?: true;
  readonly write?: string;
  readonly read?: string;
  readonly export?: string;
  readonly import?: string | Contents;
  readonly as?: string;
  readonly delete?: string;
  readonly text?: string | Contents;
  readonly in?: string;
  readonly list?: readonly string[];
}

interface Conversation {
  readonly name: string;
  readonly language: Language;
  readonly options?: SandboxOptions;
  readonly steps: readonly Step[];
}

const calls = vectors.calls as unknown as readonly Call[];
const sessions = vectors.sessions as unknown as readonly Conversation[];

const isCapsuleError =
  ({ kind, contains }: Failure) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof CapsuleError, String(error));
    assert.equal(error.kind, kind);
    for (const part of contains)
      assert.ok(error.message.includes(part), `${part} is not in ${error.message}`);
    assert.equal(error.traceback !== null, kind === "exception");
    return true;
  };

const isUsage = (slug: string) => (error: unknown) => error instanceof UsageError && error.slug === slug;

/** Workspaces of this process. */
const workspaces = (): string[] =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith("capsule-code-") && name.includes(`-${process.pid}-`))
    .map((name) => join(tmpdir(), name, "workspace"));

before(() => loadSandboxes());
after(() => closeAll());

describe("one call", () => {
  for (const { name, language, code, options, text, error, execution, exported, begins } of calls)
    test(`${language}: ${name}`, async () => {
      const run = language === "python" ? runPython : runJavaScript;
      if (error) await assert.rejects(run(code, options), isCapsuleError(error));
      else if (text !== undefined) assert.equal(await run(code, options), text);
      if (!execution && !begins) return;
      const exportTo = join(folder(), "out");
      const known = await execute(code, { ...options, language, ...(exported && { exportTo }) });
      for (const [field, value] of Object.entries(execution ?? {}))
        assert.deepEqual(known[field as keyof Execution], value, field);
      if (exported) assert.deepEqual(contentsOf(exportTo), exported);
      if (begins)
        assert.deepEqual(
          known.outputs.map(({ type, data }, i) => ({ type, data: data.slice(0, begins[i]?.data.length) })),
          begins,
        );
      assert.ok(known.metrics.fuelConsumed > 0 && known.metrics.ramUsed > 0);
    });
});

/** All files below a folder. */
const contentsOf = (at: string): Contents =>
  Object.fromEntries(
    readdirSync(at, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => [relative(at, path).replaceAll("\\", "/"), readFileSync(path, "utf8")]),
  );

async function follow(session: Session, step: Step): Promise<void> {
  const at = folder();
  if (step.run !== undefined) {
    if (step.error) {
      const failed = session.run(step.run);
      await assert.rejects(failed, isCapsuleError(step.error));
      await failed.catch(({ execution }: CapsuleError) => {
        if (step.memory) assert.equal(execution.memory, step.memory);
      });
    } else {
      const value = await session.run(step.run);
      if (step.value !== undefined) assert.deepEqual(value, step.value);
    }
    if (step.output !== undefined) assert.equal(session.output, step.output);
  } else if (step.reset) await session.reset();
  else if (step.write) await session.writeFile(step.write, step.text as string);
  else if (step.read && step.error)
    await assert.rejects(session.readFile(step.read), isUsage(step.error.slug as string));
  else if (step.read) assert.equal(Buffer.from(await session.readFile(step.read)).toString(), step.text);
  else if (step.delete && step.error)
    await assert.rejects(session.deleteFile(step.delete), isUsage(step.error.slug as string));
  else if (step.delete) await session.deleteFile(step.delete);
  else if (step.export) {
    const out = join(at, "out");
    await session.exportFile(step.export, out);
    assert.deepEqual(typeof step.text === "string" ? readFileSync(out, "utf8") : contentsOf(out), step.text);
  } else if (step.import) {
    const given = typeof step.import === "string" ? folder({ in: step.import }) : folder(step.import);
    await session.importFile(typeof step.import === "string" ? join(given, "in") : given, step.as);
  } else
    assert.deepEqual(
      (await session.listFiles(step.in)).map(({ path }) => path),
      step.list,
    );
}

describe("a session", () => {
  for (const { name, language, options, steps } of sessions)
    test(`${language}: ${name}`, async () => {
      await using session = new Session(language, options);
      for (const step of steps) await follow(session, step);
    });

  test("calls wait for each other, and each tells what it prints", async () => {
    await using session = new Session("python");
    const seen: CodeOutput[] = [];
    const onOutput = (output: CodeOutput): void => void seen.push(output);
    const values = await Promise.all([
      session.run("x = []"),
      session.run("import time; time.sleep(0.05); print('first'); x.append(1); x", { onOutput }),
      session.run("x.append(2); x", { onOutput }),
    ]);
    assert.deepEqual(values, [null, [1], [1, 2]]);
    assert.equal(seen.map(({ text }) => text).join(""), "first\n");
  });

  test("a signal cancels a call, and the session goes on", async () => {
    await using session = new Session("javascript");
    await session.run("let x = 1");
    const abort = new AbortController();
    const running = session.run("x = 2; for (;;);", { signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(running, isCapsuleError({ kind: "cancelled", contains: [] }));
    assert.equal(await session.run("x"), 1);
  });

  test("its workspace is gone when its block ends, also by an exception", async () => {
    let copied = "";
    const broken = new RangeError("mine");
    const use = async (): Promise<void> => {
      await using session = new Session("javascript");
      await session.run("require('fs').writeFileSync('workspace/a', 'a')");
      [copied = ""] = workspaces().filter((path) => existsSync(join(path, "a")));
      throw broken;
    };
    await assert.rejects(use(), (error) => error === broken);
    assert.ok(copied !== "" && !existsSync(copied));
  });

  test("when the process that holds it is killed, that is said, and the next call begins anew", async (context) => {
    if (!onLinux) return context.skip("processes are found in /proc");
    await using session = new Session("javascript");
    await session.run("let x = 1; require('fs').writeFileSync('workspace/a', 'a')");
    for (const pid of await cellsOf(process.pid)) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { error, memory, notice } = await session.execute("x");
    assert.deepEqual([error?.kind, memory], ["internal_error", "lost"]);
    assert.match(notice ?? "", /memory is lost: the next call begins with a fresh one. Files in workspace/);
    assert.deepEqual(await session.run("[typeof x, require('fs').readFileSync('workspace/a', 'utf8')]"), [
      "undefined",
      "a",
    ]);
  });

  test("its workspace is gone when it is closed, and so is its use", async () => {
    const session = new Session("javascript");
    const [file] = await session.importFile(folder({ "a/b.txt": "b" }), "given");
    assert.equal(file?.path, "given/a/b.txt");
    await session.close();
    await assert.rejects(session.run("1"), isUsage("runtime-closed"));
  });
});

test("tools: code calls functions of the host, in one call and in a session", async () => {
  const prices = new Map([["pear", 1.5]]);
  const tools = { price: async (item: string) => prices.get(item) ?? 0 };
  const python = "from capsule import tools\ntools.price('pear')";
  const javascript = "const { tools } = await import('@capsule-run/sdk'); await tools.price('pear')";
  assert.equal(await runPython(python, { tools }), "1.5");
  const gate = () => ({ decision: "deny", reason: "closed" }) as const;
  await assert.rejects(
    runJavaScript(javascript, { tools, gate }),
    isCapsuleError({ kind: "exception", contains: ["ToolError", "closed"] }),
  );
  await using session = new Session("javascript", { tools });
  assert.equal(await session.run(javascript), 1.5);
  prices.set("pear", 2);
  assert.equal(await session.run("await tools.price('pear')"), 2);
});

test("tells nothing of the host's folders, and writes nothing into them", async () => {
  const cwd = folder();
  const before = process.cwd();
  process.chdir(cwd);
  try {
    await assert.rejects(
      runPython("open('/etc/passwd')"),
      isCapsuleError({ kind: "exception", contains: ["/etc/passwd"] }),
    );
    await assert.rejects(
      runJavaScript("throw new Error(process.cwd())"),
      (error: Error) => !error.message.includes(cwd),
    );
    assert.ok(!existsSync(join(cwd, ".capsule")));
  } finally {
    process.chdir(before);
  }
});
