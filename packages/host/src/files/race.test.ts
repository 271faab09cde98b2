/** Folders, files and symlinks that are swapped while a guest uses them: thousands of times, never a way out. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { EffectError } from "@capsule-run/protocol";
import { DIRECT, POOLED } from "./calls.ts";
import { heldGround, namedGround } from "./ground.ts";
import { descriptors, folder, Guest } from "./testing.ts";

const SECRET = "of the host";
const SWAPS = 15_000;

/** Puts each in the place of the other and back, until told to stop: renaming only, as fast as the disk can. */
const SWAPPER = `
const { renameSync } = require("node:fs");
const { workerData: { pairs, shared, swaps } } = require("node:worker_threads");
for (let n = 0; Atomics.load(shared, 1) === 0 && n < swaps * 20; n++)
  for (const [real, fake] of pairs) {
    try { renameSync(real, real + ".kept"); renameSync(fake, real); } catch {}
    Atomics.add(shared, 0, 1);
    try { renameSync(real, fake); } catch {}
    try { renameSync(real + ".kept", real); } catch {}
  }
`;

function swapper(pairs: readonly (readonly [string, string])[]) {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(SWAPPER, { eval: true, workerData: { pairs, shared, swaps: SWAPS } });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  return {
    swaps: () => Atomics.load(shared, 0),
    async stop() {
      Atomics.store(shared, 1, 1);
      await ended;
    },
  };
}

const linux = { skip: process.platform === "linux" ? false : "only Linux can promise this" };

for (const [name, calls] of [
  ["at once", DIRECT],
  ["by the pool", POOLED],
] as const)
  test(`swaps never lead out (${name})`, linux, async () => {
    const before = descriptors();
    const host = folder();
    const inside = join(host, "in");
    const outside = join(host, "out");
    for (const path of [join(inside, "dir", "sub"), join(outside, "sub"), join(inside, "work")])
      mkdirSync(path, { recursive: true });
    for (const path of ["f", "sub/f", "victim"]) {
      writeFileSync(join(outside, path), SECRET);
      if (path !== "victim") writeFileSync(join(inside, "dir", path), "inside");
    }
    writeFileSync(join(inside, "file"), "inside");
    symlinkSync(outside, join(inside, "dir.absolute"));
    symlinkSync("../out/f", join(inside, "file.relative"));
    const snapshot = (): unknown => [
      readdirSync(outside, { recursive: true }).sort(),
      ["f", "sub/f", "victim"].map((each) => readFileSync(join(outside, each), "utf8")),
      ["f", "sub/f", "victim", "", "sub"].map((each) => statSync(join(outside, each)).mtimeMs),
    ];
    const untouched = snapshot();
    const pairs = [
      [join(inside, "dir"), join(inside, "dir.absolute")],
      [join(inside, "file"), join(inside, "file.relative")],
    ] as const;
    const racer = swapper(pairs);
    const guest = new Guest(heldGround(calls), {
      "/app/data": `rw:${inside}`,
      "/app/sub": `rw:${inside}/dir/sub`,
    });
    const other = new Guest(heldGround(calls), { "/app": `rw:${inside}` });
    const codes = new Map<string, number>();
    const attempt = async (job: () => Promise<unknown>): Promise<void> => {
      let outcome = "works";
      try {
        await job();
      } catch (error) {
        assert.ok(error instanceof EffectError, String(error));
        assert.ok(!error.message.includes(host), error.message);
        outcome = error.code;
      }
      codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
    };
    const readSafely = async (path: string): Promise<void> => {
      const { handle, bytes } = await guest.open(path, "r");
      await guest.close(handle);
      assert.ok(!String(bytes).includes(SECRET), "read from outside");
    };
    const d = "/app/data";
    const times = { follow: true, accessed: "0", modified: "0" };
    let n = 0;
    try {
      // Both sides of the swap have to be met, however the machine shares its cores.
      const met = (): boolean => ["works", "EACCES"].every((each) => (codes.get(each) ?? 0) > 50);
      while (racer.swaps() < SWAPS || (!met() && racer.swaps() < SWAPS * 10)) {
        n++;
        await Promise.all([
          attempt(() => readSafely(`${d}/dir/f`)),
          attempt(() => readSafely(`${d}/dir/sub/f`)),
          attempt(() => readSafely(`${d}/dir/../dir/sub/../f`)),
          attempt(() => readSafely(`${d}/file`)),
          attempt(() => guest.put(`${d}/file`, "inside", "r+")),
          attempt(() => guest.put(`${d}/file`, "inside", "a")),
          attempt(() => guest.put(`${d}/dir/f`, "inside")),
          attempt(() => guest.put(`${d}/dir/new-${n % 10}`, "new")),
          attempt(() => guest.ask("unlink", { path: `${d}/dir/new-${n % 10}` })),
          attempt(() => guest.ask("unlink", { path: `${d}/dir/victim` })),
          attempt(() => guest.ask("mkdir", { path: `${d}/dir/made` })),
          attempt(() => guest.ask("rmdir", { path: `${d}/dir/made` })),
          attempt(() => guest.ask("rename", { from: `${d}/dir/victim`, to: `${d}/work/victim` })),
          attempt(() => guest.ask("rename", { from: `${d}/dir/f`, to: `${d}/dir/f` })),
          attempt(() => guest.ask("truncate", { path: `${d}/dir/f`, size: 3 })),
          attempt(() => guest.ask("truncate", { path: `${d}/file`, size: 3 })),
          attempt(() => guest.ask("times", { path: `${d}/file`, ...times })),
          attempt(() => guest.ask("times", { path: `${d}/dir`, ...times })),
          attempt(async () => {
            assert.ok(!(await guest.list(`${d}/dir`)).includes("victim"), "listed what is outside");
          }),
          attempt(() => guest.list("/app/sub")),
          // Another sandbox moves folders about, too.
          attempt(() => other.ask("rename", { from: "/app/work", to: "/app/dir/work" })),
          attempt(() => other.ask("rename", { from: "/app/dir/work", to: "/app/work" })),
        ]);
      }
    } finally {
      await racer.stop();
      await guest.files.close();
      await other.files.close();
    }
    assert.deepEqual(snapshot(), untouched);
    assert.ok((codes.get("works") ?? 0) > 50 && (codes.get("EACCES") ?? 0) > 50, JSON.stringify([...codes]));
    assert.equal(descriptors(), before);
  });

test("sandboxes that move symlinks of the host's do not lead each other out, where folders can't be held", async () => {
  const host = folder();
  const inside = join(host, "in");
  for (const path of [join(inside, "dir"), join(host, "out")]) mkdirSync(path, { recursive: true });
  writeFileSync(join(host, "out", "f"), SECRET);
  writeFileSync(join(inside, "dir", "f"), "inside");
  symlinkSync("../out", join(inside, "link"));
  // The moment between look and use, made long.
  const lstat = async (path: string) => {
    if (path.endsWith("f")) await setTimeout(10);
    return POOLED.lstat(path);
  };
  const ground = namedGround({ ...POOLED, lstat }, process.platform === "win32");
  const [reader, mover] = [0, 1].map(() => new Guest(ground, { "/app": `rw:${inside}` })) as [Guest, Guest];
  const move = (from: string, to: string) => mover.ask("rename", { from: `/app/${from}`, to: `/app/${to}` });
  for (let n = 0; n < 10; n++) {
    const reading = reader.open("/app/dir/f", "r").then(
      ({ bytes }) => String(bytes),
      (error: EffectError) => error.code,
    );
    await setTimeout(n % 5);
    await move("dir", "kept");
    await move("link", "dir");
    assert.match(await reading, /^(?:inside|EACCES|ENOENT)$/);
    await move("dir", "link");
    await move("kept", "dir");
  }
  await reader.files.close();
  await mover.files.close();
});
