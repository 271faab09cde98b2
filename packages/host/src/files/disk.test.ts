/** What a run may add to the disk: by whatever way it does, it is never more than its budget, and what is gone comes back. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { LIMITS } from "@capsule-run/protocol";
import { DiskBudget } from "./disk.ts";
import { code, folder, GROUNDS, Guest } from "./testing.ts";

const ENTRY = LIMITS.entryBytes;
const KB = 1024;

for (const [name, ground] of GROUNDS)
  describe(name, () => {
    const start = (bytes: number) => {
      const host = folder();
      const disk = new DiskBudget(bytes);
      const guests = [0, 1].map(() => new Guest(ground, { "/app": `rw:${host}` }, disk)) as [Guest, Guest];
      const end = () => Promise.all(guests.map(({ files }) => files.close()));
      return { host, disk, guest: guests[0], other: guests[1], end };
    };
    const fill = (guest: Guest, path: string, bytes: number, mode: "w" | "a" | "r+" = "w") =>
      code(guest.put(path, "x".repeat(bytes), mode));

    test("what files grow by is taken, what is removed comes back", async () => {
      const { host, disk, guest, end } = start(100 * KB + ENTRY);
      await guest.put("/app/a", "x".repeat(60 * KB));
      assert.equal(disk.used, 60 * KB + ENTRY);
      // Overwriting takes nothing; opening anew gives back and takes again.
      await guest.put("/app/a", "y".repeat(60 * KB), "r+");
      await guest.put("/app/a", "z".repeat(60 * KB));
      assert.equal(disk.used, 60 * KB + ENTRY);
      // A write is cut to what fits, as on a full disk; the next one fails.
      const { handle } = await guest.open("/app/a", "a");
      assert.equal((await guest.write(handle, null, "x".repeat(50 * KB))).size, 100 * KB);
      await assert.rejects(guest.write(handle, null, "x"), {
        code: "ENOSPC",
        message:
          /^ENOSPC: no space left on device \(the 106,496 bytes that may be added are used up\), write/,
      });
      assert.equal(await code(guest.ask("mkdir", { path: "/app/d" })), "ENOSPC");
      assert.equal(await fill(guest, "/app/b", 0), "ENOSPC");
      assert.deepEqual(readdirSync(host), ["a"]);
      await guest.ask("truncate", { handle, size: 10 });
      assert.equal(disk.used, 10 + ENTRY);
      await guest.ask("truncate", { path: "/app/a", size: 100 * KB });
      assert.equal(await code(guest.ask("truncate", { path: "/app/a", size: 100 * KB + 1 })), "ENOSPC");
      assert.equal(await code(guest.ask("truncate", { handle, size: 2 ** 50 })), "ENOSPC");
      await guest.close(handle);
      await guest.ask("unlink", { path: "/app/a" });
      assert.equal(disk.used, 0);
      await end();
    });

    test("holes are paid for when they are made, and filled for nothing", async () => {
      const { host, disk, guest, end } = start(1024 * KB + ENTRY);
      const { handle } = await guest.open("/app/a", "w+");
      assert.equal(await code(guest.write(handle, 1024 * KB, "x")), "ENOSPC");
      assert.equal(await code(guest.write(handle, 2 ** 52, "x")), "ENOSPC");
      assert.equal(statSync(join(host, "a")).size, 0);
      await guest.write(handle, 1024 * KB - 1, "x");
      assert.equal(disk.used, disk.most);
      for (let at = 0; at < 1024 * KB; at += 64 * KB) await guest.write(handle, at, "y".repeat(64 * KB));
      assert.equal(disk.used, disk.most);
      assert.equal(statSync(join(host, "a")).size, 1024 * KB);
      await end();
    });

    test("holes that were there before are paid for when they are filled", {
      skip: process.platform !== "linux",
    }, async () => {
      const { host, disk, guest, end } = start(100 * KB);
      writeFileSync(join(host, "a"), "x");
      truncateSync(join(host, "a"), 1024 * KB);
      const { handle } = await guest.open("/app/a", "r+");
      let written = 0;
      for (; written < 64; written++)
        if ((await code(guest.write(handle, written * 16 * KB, "y".repeat(16 * KB)))) === "ENOSPC") break;
      assert.equal(written, 6);
      // What is there is written over for nothing, and removing the file gives nothing.
      const { used } = disk;
      await guest.write(handle, 0, "z".repeat(4 * KB));
      await guest.close(handle);
      await guest.ask("unlink", { path: "/app/a" });
      assert.equal(disk.used, used);
      await end();
    });

    test("a file that was there before gives nothing back but what was added to it", async () => {
      const { host, disk, guest, end } = start(100 * KB);
      writeFileSync(join(host, "a"), "x".repeat(500 * KB));
      writeFileSync(join(host, "b"), "x".repeat(500 * KB));
      await guest.put("/app/a", "y".repeat(10 * KB), "a");
      assert.equal(disk.used, 10 * KB);
      await guest.ask("truncate", { path: "/app/a", size: 505 * KB });
      assert.equal(disk.used, 5 * KB);
      await guest.ask("truncate", { path: "/app/a", size: 0 });
      await guest.ask("unlink", { path: "/app/b" });
      assert.equal(disk.used, 0);
      assert.equal(await fill(guest, "/app/a", 101 * KB), "it works");
      assert.equal(statSync(join(host, "a")).size, 100 * KB);
      // What the host removes is noticed when the file is used again.
      truncateSync(join(host, "a"), 0);
      assert.equal(await fill(guest, "/app/a", 100 * KB), "it works");
      await end();
    });

    test("a removed file that is open keeps what it has until its last handle is closed", async () => {
      const { disk, guest, other, end } = start(100 * KB + 2 * ENTRY);
      await guest.put("/app/a", "x".repeat(60 * KB));
      await guest.put("/app/b", "x".repeat(30 * KB));
      const handles = [await guest.open("/app/a", "r"), await other.open("/app/a", "r+")] as const;
      await guest.ask("unlink", { path: "/app/a" });
      const { handle } = await other.open("/app/b", "r");
      await guest.ask("rename", { from: "/app/b", to: "/app/c" });
      await guest.put("/app/d", "");
      await guest.ask("rename", { from: "/app/d", to: "/app/c" });
      assert.equal(disk.used, 90 * KB + ENTRY);
      await other.write(handles[1].handle, 60 * KB, "x".repeat(10 * KB));
      assert.equal(await code(guest.ask("truncate", { path: "/app/c", size: 5 * KB })), "ENOSPC");
      await other.close(handles[1].handle);
      assert.equal(disk.used, 100 * KB + ENTRY);
      await other.close(handle);
      await guest.close(handles[0].handle);
      assert.equal(disk.used, ENTRY);
      await end();
    });

    test("closing is not waited for, and what it gives back is", async () => {
      const { disk, guest, end } = start(100 * KB + ENTRY);
      for (let i = 0; i < 20; i++) {
        const { handle } = await guest.open("/app/a", "w");
        await guest.write(handle, 0, "x".repeat(100 * KB));
        void guest.close(handle);
        await guest.ask("unlink", { path: "/app/a" });
      }
      assert.equal(disk.used, 0);
      await end();
    });

    test("empty files and folders count, and moving them changes nothing", async () => {
      const { host, disk, guest, end } = start(50 * ENTRY);
      const made = await Promise.all(
        Array.from({ length: 80 }, (_, i) =>
          i % 2 ? fill(guest, `/app/f${i}`, 0) : code(guest.ask("mkdir", { path: `/app/d${i}` })),
        ),
      );
      assert.equal(made.filter((each) => each === "it works").length, 50);
      assert.equal(made.filter((each) => each === "ENOSPC").length, 30);
      const [file, folder] = ["f", "d"].map((kind) =>
        readdirSync(host).find((each) => each.startsWith(kind)),
      );
      // What fails takes nothing.
      assert.equal(await code(guest.ask("mkdir", { path: `/app/${folder}` })), "EEXIST");
      assert.equal(await code(guest.open(`/app/${file}`, "wx")), "EEXIST");
      assert.equal(await code(guest.ask("rmdir", { path: "/app/none" })), "ENOENT");
      await guest.ask("rename", { from: `/app/${file}`, to: `/app/${file}` });
      await guest.ask("rename", { from: `/app/${file}`, to: `/app/${folder}/x` });
      assert.equal(disk.used, disk.most);
      await guest.ask("unlink", { path: `/app/${folder}/x` });
      await guest.ask("rmdir", { path: `/app/${folder}` });
      assert.equal(disk.used, disk.most - 2 * ENTRY);
      for (const each of readdirSync(host))
        await guest.ask(each.startsWith("f") ? "unlink" : "rmdir", { path: `/app/${each}` });
      assert.equal(disk.used, 0);
      // Never below nothing.
      writeFileSync(join(host, "own"), "x".repeat(10_000));
      await guest.ask("unlink", { path: "/app/own" });
      assert.equal(disk.used, 0);
      await end();
    });

    test("attempts side by side, through many handles, never have more than the budget", async () => {
      const { host, disk, guest, other, end } = start(300 * KB);
      const size = (): number =>
        readdirSync(host).reduce((sum, each) => sum + ENTRY + statSync(join(host, each)).size, 0);
      const jobs = Array.from({ length: 200 }, async (_, i) => {
        const who = i % 2 ? guest : other;
        const path = `/app/${i % 5}`;
        try {
          const { handle } = await who.open(path, i % 3 ? "a" : "r+");
          await who.write(handle, i % 7 ? null : 30 * KB, "x".repeat(8 * KB));
          if (i % 11 === 0) await who.ask("truncate", { handle, size: 20 * KB });
          await who.close(handle);
          if (i % 13 === 0) await who.ask("unlink", { path });
          if (i % 17 === 0) await who.ask("rename", { from: path, to: `/app/${(i + 1) % 5}` });
        } catch {
          // Full, or moved away.
        }
        assert.ok(disk.used <= disk.most && disk.used >= 0, `${disk.used}`);
      });
      await Promise.all(jobs);
      assert.ok(size() <= disk.used, `${size()} bytes on the disk, ${disk.used} paid for`);
      await end();
      rmSync(host, { recursive: true });
    });
  });
