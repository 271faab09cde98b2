/** Whatever is not exactly an artifact of this Capsule is refused: exit 2, and one clear message that says why. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { customHeader, SECTIONS } from "../packages/artifact/src/exported/sections.ts";
import {
  contentOf,
  forge,
  type ManifestJson,
  putTogether,
  takeApart,
  withManifest,
} from "./support/artifacts.ts";
import { capsule, folder, program } from "./support/capsule.ts";
import { onLinux } from "./support/processes.ts";

const SOURCE = program(`
  export const child = task({ name: "child" }, () => 1);
  export const main = task({ name: "main", compute: 50_000_000, timeout: "2s", ram: "16MB" }, () => child().result);`);

let cwd = "";
let good = Buffer.alloc(0);
before(async () => {
  cwd = folder({ "main.ts": SOURCE });
  const ended = await capsule(["build", "--export", "main.ts"], { cwd });
  assert.equal(ended.code, 0, ended.stderr);
  good = readFileSync(join(cwd, "main.wasm"));
});

const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4);
  return bytes;
};
const snapshotOf = (): Buffer => contentOf(good, SECTIONS.snapshot) as Buffer;
const manifest = (change: (manifest: ManifestJson) => void): Buffer => withManifest(good, change);
const task = (change: Readonly<Record<string, unknown>>): Buffer =>
  manifest(({ program }) => Object.assign(program.tasks[0]?.policy as object, change));
const section = (name: string, content: Buffer): Buffer =>
  Buffer.concat([customHeader(name, content.length), content]);

/** An engine without a meter: any other module. */
const UNMETERED = Buffer.from("\0asm\x01\0\0\0", "latin1");

interface Row {
  readonly bytes: () => Buffer;
  readonly says: RegExp;
}

const FILES: Readonly<Record<string, Row>> = {
  "an empty file": { bytes: () => Buffer.alloc(0), says: /is no WebAssembly module/ },
  text: { bytes: () => Buffer.from("hello"), says: /is no WebAssembly module/ },
  "a foreign module": { bytes: () => takeApart(good).engine, says: /but not an artifact of Capsule's/ },
  "an empty module": { bytes: () => UNMETERED, says: /but not an artifact of Capsule's/ },
  "half of an artifact": { bytes: () => good.subarray(0, good.length >> 1), says: /is truncated/ },
  "all but its last byte": { bytes: () => good.subarray(0, -1), says: /is truncated/ },
  "an artifact without its digest": {
    bytes: () => Buffer.concat([takeApart(good).engine, section(SECTIONS.manifest, Buffer.from("{}"))]),
    says: /is truncated/,
  },
  "a flipped bit in the engine": { bytes: () => flipped(1000), says: /is damaged/ },
  "a flipped bit in the snapshot": { bytes: () => flipped(good.length >> 1), says: /is damaged/ },
  "a flipped bit in the digest": { bytes: () => flipped(good.length - 5), says: /is damaged/ },
  "something behind its end": {
    bytes: () => Buffer.concat([good, section("more", UNMETERED)]),
    says: /is damaged/,
  },
  "an artifact of another version": {
    bytes: () =>
      manifest((m) => {
        m.capsule = "9.8.7";
      }),
    says: /was made by Capsule 9\.8\.7, this is Capsule 0\.1\.0: run it with the version that made it, or export it again/,
  },
  // As this version made them before tasks could reach anything.
  "an artifact of another format": {
    bytes: () =>
      manifest((m) => {
        m.format = 1;
        for (const task of m.program.tasks)
          task.policy = { fuel: 2_000_000_000, ram: null, timeoutMs: null, maxRetries: 0 };
      }),
    says: /was made by Capsule 0\.1\.0 in another format/,
  },
  "an artifact of another engine": {
    bytes: () =>
      manifest((m) => {
        m.engine = "ab".repeat(32);
      }),
    says: /was made with another engine, javascript abababababab; this Capsule 0\.1\.0 has javascript /,
  },
  "an unmetered engine with our manifest": {
    bytes: () => putTogether({ ...takeApart(good), engine: UNMETERED }),
    says: /is forged: the code in it is not the engine that its manifest names/,
  },
  "an engine of which one byte is another": {
    bytes: () => {
      const engine = Buffer.from(takeApart(good).engine);
      engine.writeUInt8((engine.at(-1) as number) ^ 1, engine.length - 1);
      return putTogether({ ...takeApart(good), engine });
    },
    says: /is forged: the code in it/,
  },
  "a section twice": {
    bytes: () => {
      const { engine, sections } = takeApart(good);
      return putTogether({ engine, sections: [...sections.slice(0, 1), ...sections] });
    },
    says: /is forged: its sections are not those/,
  },
  "sections in another order": {
    bytes: () => {
      const { engine, sections } = takeApart(good);
      return putTogether({ engine, sections: [1, 0, 2, 3].map((i) => sections[i] as (typeof sections)[0]) });
    },
    says: /is forged: its sections are not those/,
  },
  "a foreign section between ours": {
    bytes: () => {
      const { engine, sections } = takeApart(good);
      return putTogether({
        engine,
        sections: [...sections.slice(0, 2), { name: "x", content: UNMETERED }, ...sections.slice(2)],
      });
    },
    says: /is forged: its sections are not those/,
  },
  "an artifact without its licences": {
    bytes: () => forge(good, { [SECTIONS.licences]: null }),
    says: /is forged: its sections are not those/,
  },
  "a manifest that is no JSON": {
    bytes: () => forge(good, { [SECTIONS.manifest]: "{" }),
    says: /is forged: its manifest is no JSON/,
  },
  ...Object.fromEntries(
    Object.entries<() => Buffer>({
      "no fuel": () => task({ fuel: 0 }),
      "a folder outside of the project": () => task({ files: [{ path: "../..", mode: "read-write" }] }),
      "an absolute folder": () => task({ files: [{ path: "/etc", mode: "read-only" }] }),
      "a folder in an odd mode": () => task({ files: [{ path: ".", mode: "rwx" }] }),
      "a folder not written plainly": () => task({ files: [{ path: "./data/", mode: "read-only" }] }),
      "a host that is a URL": () => task({ hosts: ["http://a.com"] }),
      "a host in capitals": () => task({ hosts: ["A.com"] }),
      "a variable that can be none": () => task({ environment: ["A=B"] }),
      "fuel beyond counting": () => task({ fuel: 1e300 }),
      "negative memory": () => task({ ram: -1 }),
      "a timeout of text": () => task({ timeoutMs: "1" }),
      "half a retry": () => task({ maxRetries: 0.5 }),
      "a policy of more fields": () => task({ allowedHosts: ["*"] }),
      "an unknown field": () =>
        manifest((m) => {
          m.more = 1;
        }),
      "no tasks": () =>
        manifest(({ program }) => {
          program.tasks = [];
        }),
      "one task twice": () =>
        manifest(({ program }) => {
          program.tasks.push(program.tasks[0] as never);
        }),
      "more tasks than allowed": () =>
        manifest(({ program }) => {
          program.tasks = Array.from({ length: 10_001 }, (_, i) => ({
            ...(program.tasks[0] as never as object),
            name: `t${i}`,
          })) as never;
        }),
      "an entry that is no task": () =>
        manifest(({ program }) => {
          program.entry = "other";
        }),
      "a name that moves the cursor": () =>
        manifest(({ program }) => {
          program.entry = "\u001b[2J";
        }),
      "too much output": () =>
        manifest(({ program }) => {
          program.output = [{ stream: 1, text: "x".repeat(100_000) }];
        }),
      "an engine of no language": () =>
        manifest((m) => {
          m.language = "ruby";
        }),
      "a variant that does not exist": () =>
        manifest((m) => {
          m.variant = "core";
        }),
      "too few globals": () =>
        manifest((m) => {
          m.globals = [];
        }),
      "a global of more than 32 bits": () =>
        manifest((m) => {
          m.globals[0] = 2 ** 40;
        }),
    }).map(([name, bytes]): [string, Row] => [
      `a manifest with ${name}`,
      { bytes, says: /is forged: its manifest has a wrong / },
    ]),
  ),
  "less memory than a sandbox takes": {
    bytes: () => task({ ram: 1024 }),
    says: /ram is 1024 bytes; an empty sandbox of this program takes/,
  },
  "a program that its manifest knows nothing of": {
    bytes: () => {
      const { engine, sections } = takeApart(good);
      const program = { name: SECTIONS.program, content: Buffer.from("1") };
      return putTogether({ engine, sections: [...sections.slice(0, 2), program, ...sections.slice(2)] });
    },
    says: /is forged: its manifest and its sections contradict each other/,
  },
  ...Object.fromEntries(
    Object.entries<() => Buffer>({
      nothing: () => Buffer.alloc(0),
      "more pages than it has": () =>
        Buffer.concat([u32(snapshotOf().readUInt32LE(0), 0xffff_ffff), snapshotOf().subarray(8)]),
      "a memory that is no pages": () => Buffer.concat([u32(65_537, 0)]),
      "a memory of 4 GiB": () => u32(0xffff_0000, 0),
      "a memory of nothing": () => u32(0, 0),
      "less memory than the engine": () => u32(65_536, 0),
      "a page outside of memory": () => Buffer.concat([u32(2 ** 25, 1, 2 ** 25 / 4096), Buffer.alloc(4096)]),
      "a page at the end of 32 bits": () => Buffer.concat([u32(2 ** 25, 1, 0xffff_ffff), Buffer.alloc(4096)]),
      "a page twice": () => Buffer.concat([u32(2 ** 25, 2, 7, 7), Buffer.alloc(8192)]),
      "pages out of order": () => Buffer.concat([u32(2 ** 25, 2, 8, 7), Buffer.alloc(8192)]),
      "half a page": () => Buffer.concat([u32(2 ** 25, 1, 7), Buffer.alloc(2048)]),
    }).map(([name, bytes]): [string, Row] => [
      `a snapshot with ${name}`,
      { bytes: () => forge(good, { [SECTIONS.snapshot]: bytes() }), says: /is forged: its snapshot is none/ },
    ]),
  ),
};

function flipped(at: number): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeUInt8((bytes[at] as number) ^ 4, at);
  return bytes;
}

/** What `load` says of a file that it has to refuse. */
async function refusal(runtime: Runtime, bytes: Buffer): Promise<string> {
  const file = join(folder(), "x.wasm");
  writeFileSync(file, bytes);
  const error = await runtime.load(file).then(
    () => new Error("it was taken"),
    (thrown: Error & { slug?: string }) => thrown,
  );
  assert.equal(error.name, "UsageError", String(error.stack));
  assert.match(error.message, /\[(artifact|task-option)\]$/);
  return error.message;
}

describe("a file is refused:", () => {
  for (const [name, { bytes, says }] of Object.entries(FILES))
    test(name, async () => {
      await using runtime = await createRuntime({ cells: 1 });
      assert.match(await refusal(runtime, bytes()), says);
    });

  test("by the command line with exit 2, one line, and no stack", async () => {
    for (const name of [
      "half of an artifact",
      "a flipped bit in the snapshot",
      "a foreign module",
      "an unmetered engine with our manifest",
    ]) {
      const row = FILES[name] as Row;
      writeFileSync(join(cwd, "bad.wasm"), row.bytes());
      const { code, stdout, stderr } = await capsule(["exec", "bad.wasm"], { cwd });
      assert.deepEqual([code, stdout], [2, ""], name);
      assert.match(stderr, row.says);
      assert.match(stderr, /^error: bad\.wasm [^\n]*\n$/);
    }
  });

  test("sources by exec, artifacts by run and build, each with what to do instead", async () => {
    for (const [args, says] of [
      [["exec", "main.ts"], /to run it: capsule run main\.ts/],
      [["run", "main.wasm"], /is run by: capsule exec main\.wasm/],
      [["build", "main.wasm"], /is run by: capsule exec main\.wasm/],
      [["exec", "nothing.wasm"], /there is no file nothing\.wasm/],
      [["exec", "main.txt"], /those end in \.wasm/],
      [["exec"], /needs an artifact: capsule exec FILE\.wasm/],
    ] as const) {
      const { code, stderr } = await capsule(args as readonly string[], { cwd });
      assert.equal(code, 2);
      assert.match(stderr, says);
    }
  });

  test("folders, pipes, devices and huge files, without waiting for them or reading them", async () => {
    const at = folder();
    mkdirSync(join(at, "folder.wasm"));
    const huge = openSync(join(at, "huge.wasm"), "w");
    ftruncateSync(huge, 5 * 1024 ** 3);
    closeSync(huge);
    const rows: [string, RegExp][] = [
      ["folder.wasm", /is a folder/],
      ["huge.wasm", /has 5,368,709,120 bytes; an artifact has at most 536,870,912/],
    ];
    if (onLinux) {
      spawnSync("mkfifo", [join(at, "pipe.wasm")]);
      spawnSync("ln", ["-s", "/dev/zero", join(at, "zero.wasm")]);
      rows.push(["pipe.wasm", /is no regular file/], ["zero.wasm", /is no regular file/]);
    }
    for (const [name, says] of rows) {
      const { code, stderr } = await capsule(["exec", name], { cwd: at });
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    }
  });
});

/** A small generator, so that what fails can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("a file that was damaged anywhere", () => {
  test("is refused", async () => {
    await using runtime = await createRuntime({ cells: 1 });
    const next = random(7);
    for (let round = 0; round < 240; round++) {
      const at = next(good.length);
      const length = 1 + next(5000);
      const bytes = [
        () => flipped(at),
        () => good.subarray(0, at),
        () => Buffer.concat([good.subarray(0, at), good.subarray(at + length)]),
        () => Buffer.concat([good.subarray(0, at + length), good.subarray(at)]),
        () => Buffer.concat([good.subarray(0, at), Buffer.alloc(length), good.subarray(at)]),
        () => Buffer.concat([good, good.subarray(at)]),
      ][round % 6]?.() as Buffer;
      if (bytes.equals(good)) continue;
      const message = await refusal(runtime, bytes);
      assert.match(
        message,
        /is (truncated|damaged|forged|no WebAssembly module)|not an artifact of/,
        `round ${round}`,
      );
    }
  });

  test("and signed anew is refused, or fails, or does what it likes in its sandbox; the runtime goes on", async () => {
    await using runtime = await createRuntime({ cells: 1 });
    const next = random(11);
    const { engine, sections } = takeApart(good);
    const ends = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const which = round % 4 === 0 ? 0 : round % 4 === 3 ? 2 : 1;
      const changed = sections.map(({ name, content }, i) => {
        if (i !== which) return { name, content };
        const bytes = Buffer.from(content);
        for (let n = 1 + next(which === 1 ? 4000 : 3); n > 0; n--)
          bytes.writeUInt8(next(256), next(bytes.length));
        return { name, content: bytes };
      });
      const file = join(cwd, "fuzzed.wasm");
      writeFileSync(file, putTogether({ engine, sections: changed }));
      const end = await runtime.run({ file, signal: AbortSignal.timeout(10_000) }).then(
        ({ envelope }) => (envelope.success ? "success" : envelope.error.error_type),
        (error: Error) => error.name,
      );
      assert.notEqual(end, "cancelled", `round ${round} hangs`);
      assert.match(end, /^(success|UsageError|[a-z_]+)$/, `round ${round}`);
      ends.add(end);
    }
    assert.ok(ends.has("UsageError") && ends.size > 2, [...ends].join());
    const { envelope } = await runtime.run({ file: join(cwd, "main.wasm") });
    assert.ok(envelope.success);
  });
});
