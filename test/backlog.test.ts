/** Answers that a program asks for and does not take: they wait where they are, and no cell ends for them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, program, runFile } from "./support/capsule.ts";

test("2 GB of reads that nobody takes while another task spins: both end as they should", async () => {
  const cwd = folder({
    "main.ts": program(`
      import { open } from "node:fs/promises";
      const spin = task({ name: "spin", compute: "9000000000000000", timeout: "3s" }, () => { for (;;); });
      export const main = task({ name: "main", compute: "HIGH", allowedFiles: [{ path: "data", mode: "ro" }] }, async () => {
        const file = await open("data/big");
        const room = Buffer.alloc(8_388_608);
        const reads = Array.from({ length: 250 }, () => file.read(room, 0, room.length, 0));
        const closed = file.close();
        const { error } = spin();
        const [first] = await Promise.all(reads.slice(0, 4));
        await closed;
        return [error.error_type, first.bytesRead];
      });`),
    "data/.keep": "",
  });
  writeFileSync(join(cwd, "data/big"), Buffer.alloc(8_388_608));
  const { envelope, stderr } = await runFile(cwd, "main.ts");
  assert.equal(envelope.error, null, stderr);
  assert.deepEqual(envelope.result, ["timeout", 8_388_608]);
});
