/** A forged memory is a sandbox like any other: no more fuel, no more memory, no way out, and no trace of it afterwards. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { SECTIONS } from "../packages/artifact/src/exported/sections.ts";
import { contentOf, forge, readManifest, withManifest } from "./support/artifacts.ts";
import { folder, program } from "./support/capsule.ts";

const FUEL = 20_000_000;
const MB = 1024 ** 2;
const PAGE = 4096;

interface Language {
  readonly file: string;
  readonly ram: number;
  readonly spins: string;
  readonly eats: string;
  readonly honest: string;
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  TypeScript: {
    file: "main.ts",
    ram: 8 * MB,
    spins: program(
      `export const main = task({ name: "main", compute: ${FUEL}, ram: "8MB" }, () => { while (true) {} });`,
    ),
    eats: program(
      `export const main = task({ name: "main", ram: "8MB" }, () => { const a = []; while (true) a.push(new Uint8Array(1 << 20)); });`,
    ),
    honest: program(
      `let n = 0;\nexport const main = task({ name: "main" }, () => ++n + JSON.stringify([1, "two", { three: [4] }]));`,
    ),
  },
  Python: {
    file: "main.py",
    ram: 64 * MB,
    spins: `from capsule import task\n@task(name="main", compute=${FUEL}, ram="64MB")\ndef main():\n    while True: pass\n`,
    eats: `from capsule import task\n@task(name="main", ram="64MB")\ndef main():\n    a = []\n    while True: a.append(bytearray(1 << 20))\n`,
    honest: `import json\nfrom capsule import task\nn = 0\n@task(name="main")\ndef main():\n    global n\n    n += 1\n    return str(n) + json.dumps([1, "two", {"three": [4]}])\n`,
  },
};

/** A small generator, so that what fails can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Memories that no program has left: nothing in them, noise, pages in the places of others. */
function memories(snapshot: Buffer): readonly Buffer[] {
  const next = random(3);
  const length = snapshot.readUInt32LE(0);
  const count = snapshot.readUInt32LE(4);
  const contents = 8 + count * 4;
  const empty = Buffer.alloc(8);
  empty.writeUInt32LE(length, 0);
  const noisy = (share: number): Buffer => {
    const bytes = Buffer.from(snapshot);
    for (let page = 0; page < count; page++)
      if (next(1000) < share)
        for (let at = 0; at < PAGE; at += 4) bytes.writeUInt32LE(next(2 ** 32), contents + page * PAGE + at);
    return bytes;
  };
  const ones = Buffer.from(snapshot).fill(0xff, contents);
  const turned = Buffer.concat([
    snapshot.subarray(0, contents),
    snapshot.subarray(contents + PAGE),
    snapshot.subarray(contents, contents + PAGE),
  ]);
  return [empty, noisy(1000), noisy(200), noisy(20), noisy(5), ones, turned];
}

async function exported(
  runtime: Runtime,
  { file }: Language,
  source: string,
): Promise<{ path: string; bytes: Buffer }> {
  const path = join(folder({ [file]: source }), file);
  const artifact = (await runtime.export(path)).exported.file;
  return { path: artifact, bytes: readFileSync(artifact) };
}

for (const [name, language] of Object.entries(LANGUAGES))
  describe(`a forged artifact of ${name}`, () => {
    test("whatever its globals say, has its fuel and its memory, and leaves nothing behind", async () => {
      await using runtime = await createRuntime({ cells: 1 });
      const honest = await exported(runtime, language, language.honest);
      const before = (await runtime.run({ file: honest.path })).envelope;
      assert.ok(before.success);
      for (const [kind, source] of [
        ["fuel", language.spins],
        ["ram", language.eats],
      ] as const) {
        const { path, bytes } = await exported(runtime, language, source);
        const { globals } = readManifest(bytes);
        assert.ok(globals.length > 0);
        for (let index = 0; index < globals.length; index++)
          for (const value of [0, 1, -1, 0x7fff_ffff, -0x8000_0000]) {
            writeFileSync(
              path,
              withManifest(bytes, (manifest) => {
                manifest.globals[index] = value;
              }),
            );
            const { envelope } = await runtime.run({ file: path });
            const said = `global ${index} is ${value}`;
            assert.ok(!envelope.success, said);
            assert.ok(envelope.execution.ram_used <= language.ram, said);
            if (kind === "fuel") assert.ok(envelope.execution.fuel_consumed < FUEL + 200_000, said);
          }
      }
      const { envelope } = await runtime.run({ file: honest.path });
      assert.deepEqual(envelope.success && envelope.resultJson, before.resultJson);
    });

    test("whatever its memory holds, fails or does what a program may, in its limits, and leaves nothing behind", async () => {
      await using runtime = await createRuntime({ cells: 1 });
      const honest = await exported(runtime, language, language.honest);
      const before = (await runtime.run({ file: honest.path })).envelope;
      assert.ok(before.success);
      const { path, bytes } = await exported(runtime, language, language.spins);
      for (const [i, memory] of memories(contentOf(bytes, SECTIONS.snapshot) as Buffer).entries()) {
        writeFileSync(path, forge(bytes, { [SECTIONS.snapshot]: memory }));
        const { envelope } = await runtime.run({ file: path, signal: AbortSignal.timeout(20_000) });
        assert.ok(!envelope.success, `memory ${i}`);
        assert.notEqual(envelope.error.error_type, "cancelled", `memory ${i} hangs`);
        assert.ok(envelope.execution.ram_used <= language.ram, `memory ${i}`);
        const after = (await runtime.run({ file: honest.path })).envelope;
        assert.deepEqual(after.success && after.resultJson, before.resultJson, `after memory ${i}`);
      }
    });

    test("that names itself as another program's source gets nothing of that program, nor the other way round", async () => {
      await using runtime = await createRuntime({ cells: 1 });
      const honest = await exported(runtime, language, language.honest);
      const { path, bytes } = await exported(runtime, language, language.spins);
      const { source } = readManifest(honest.bytes).program;
      writeFileSync(
        path,
        withManifest(bytes, ({ program }) => {
          program.source = source;
        }),
      );
      const forged = (await runtime.run({ file: path })).envelope;
      assert.equal(forged.success || forged.error.error_type, "out_of_fuel");
      const own = (await runtime.run({ file: honest.path.replace(/wasm$/, language.file.slice(5)) }))
        .envelope;
      assert.ok(own.success);
      const { envelope } = await runtime.run({ file: honest.path });
      assert.ok(envelope.success);
      assert.equal(envelope.resultJson, own.resultJson);
    });
  });

describe("a forged artifact of Python", () => {
  test("with a program that can't be taken apart is refused, as is one for an engine it is not made with", async () => {
    await using runtime = await createRuntime({ cells: 1 });
    const python = LANGUAGES.Python as Language;
    const { path, bytes } = await exported(runtime, python, python.honest);
    for (const content of [
      "",
      "x",
      Buffer.alloc(1000, 255),
      contentOf(bytes, SECTIONS.program)?.subarray(1),
    ]) {
      writeFileSync(path, forge(bytes, { [SECTIONS.program]: content ?? "" }));
      await assert.rejects(runtime.load(path), /is forged: its (program|manifest and its sections)/);
    }
    writeFileSync(
      path,
      withManifest(bytes, (manifest) => {
        manifest.variant = "full";
      }),
    );
    await assert.rejects(runtime.load(path), /was made with another engine, python full /);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100_000));
    await assert.rejects(runtime.load(path), /is truncated/);
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(20_000_000) ^ 1, 20_000_000);
    writeFileSync(path, damaged);
    await assert.rejects(runtime.load(path), /is damaged/);
  });
});
