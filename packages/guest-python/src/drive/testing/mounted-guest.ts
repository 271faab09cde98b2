/** A guest with folders, for tests: `/app/data`, and `/app/fixed` that is read-only, new for each test. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach } from "node:test";
import { FolderHost } from "./folder-host.ts";
import { AMPLE, EXECUTOR, messageOf, resultOf, TestGuest } from "./guest.ts";

const root = fs.mkdtempSync(join(tmpdir(), "capsule-files-"));
after(() => fs.rmSync(root, { recursive: true, force: true }));

export const guest = new TestGuest();
export const program = await guest.load(EXECUTOR, { "notes.txt": "packed" });

let folders = 0;
/** What a test works with. */
export const at = { folder: "", host: new FolderHost({}) };

beforeEach(() => {
  const folder = join(root, String(folders++));
  fs.mkdirSync(join(folder, "data"), { recursive: true });
  fs.mkdirSync(join(folder, "fixed"));
  fs.writeFileSync(join(folder, "fixed", "a.txt"), "fixed");
  const mounts = [
    { path: "/app/data", writable: true },
    { path: "/app/fixed", writable: false },
  ];
  const host = new FolderHost(
    Object.fromEntries(
      mounts.map(({ path, writable }) => [
        path,
        { host: join(folder, path.slice("/app/".length)), writable },
      ]),
    ),
  );
  Object.assign(at, { folder, host });
  guest.onEffect = host.answer;
  guest.onAnswer = () => true;
  guest.surroundings = { environment: {}, mounts };
  guest.reset(program, AMPLE);
});

/** Makes a file in `/app/data`. */
export const put = (name: string, content: string | Uint8Array): void =>
  fs.writeFileSync(join(at.folder, "data", name), content);

/** What is in one. */
export const got = (name: string): string => fs.readFileSync(join(at.folder, "data", name), "utf8");

/** What code leaves in `result`. */
export async function run(code: string): Promise<unknown> {
  const end = await guest.run("run", code);
  assert.equal(end.state, "result", messageOf(end));
  return resultOf(end);
}

/** What the guest waited for, without `file.`. */
export const asked = (): string[] =>
  guest.effects.map(({ name }) => name.slice("file.".length)).filter((name) => name !== "close");
