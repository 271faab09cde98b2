/** What is kept of files of mounts: how much, and for how long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileHost, statOf } from "../testing/file-host.ts";
import { ALL, AT, CREAT, EXCL, programOf, READ, TestGuest, TRUNC } from "../testing/guest.ts";

const MIB = 1024 * 1024;
const program = programOf({ "/app/main.py": "x" });

/** A guest, and a host whose files are of 1 MiB and come whole, each with a handle and an identity of its own by its name. */
function guestWith({ size = MIB, whole = true, names = 0 } = {}) {
  const list = Buffer.from(
    JSON.stringify(Array.from({ length: names }, (_, i) => [`${i}`.padStart(255, "n"), "file", "1"])),
  );
  const files = fileHost((name, head) => {
    const path = String(head.path ?? "");
    const stat = statOf(size, names > 0 ? "directory" : "file", /\d+$/.exec(path)?.[0] ?? "0");
    if (name === "file.open")
      return [{ handle: files.asked.length, stat, whole }, new Uint8Array(whole ? size : 0)];
    if (name === "file.list") return [{ count: names }, list];
    if (name === "file.read")
      return [{}, new Uint8Array(Math.max(0, Math.min(Number(head.length), size - Number(head.at))))];
    return name === "file.stat" ? [stat] : [{}];
  });
  const guest = new TestGuest({ program, files, mounts: ["/app/data"] });
  const open = async (path: string, oflags = 0, rights = READ): Promise<number> => {
    const answer = await guest.wait("path_open", 3, 1, ...guest.path(path), oflags, rights, ALL, 0, AT.out);
    assert.equal(answer, "SUCCESS", path);
    return guest.view.getUint32(AT.out, true);
  };
  /** Whether a read of the first bytes, or of those at `at`, asked the host. */
  const asks = async (fd: number, at = 0n): Promise<boolean> => {
    const before = files.asked.length;
    assert.equal(await guest.wait("fd_pread", fd, ...guest.buffers([AT.data, 10]), at, AT.out), "SUCCESS");
    return files.asked.length > before;
  };
  return { guest, files, open, asks };
}

test("contents are kept up to 16 MiB, the newest, and are given back by closing", async () => {
  const { guest, open, asks } = guestWith();
  const fds: number[] = [];
  for (let i = 0; i < 20; i++) fds.push(await open(`app/data/${i}`));
  const asked: boolean[] = [];
  for (const fd of fds.toReversed()) asked.unshift(await asks(fd));
  assert.deepEqual(asked, [...Array(4).fill(true), ...Array(16).fill(false)]);
  for (const fd of fds) assert.equal(guest.call("fd_close", fd), "SUCCESS");
  for (let i = 0; i < 16; i++) fds[i] = await open(`app/data/${i}`);
  for (const fd of fds.slice(0, 16)) assert.equal(await asks(fd), false);
});

test("listings are kept up to 64 MiB, and are given back by closing", async () => {
  const { guest, open } = guestWith({ names: 100_000 });
  const list = (fd: number): Promise<string> => guest.wait("fd_readdir", fd, AT.data, 1000, 0n, AT.out);
  const fds = [await open("app/data/1"), await open("app/data/2"), await open("app/data/3")] as const;
  assert.deepEqual(
    [await list(fds[0]), await list(fds[1]), await list(fds[2])],
    ["SUCCESS", "SUCCESS", "NOMEM"],
  );
  // Listing once more takes no more room.
  assert.equal(await list(fds[0]), "SUCCESS");
  assert.equal(guest.call("fd_close", fds[1]), "SUCCESS");
  assert.equal(await list(fds[2]), "SUCCESS");
});

test("what is known is known no longer when it may have changed", async () => {
  const { guest, open, asks } = guestWith();
  const changes: Record<string, () => unknown> = {
    "a lock that is a new file": () => open("app/data/2", CREAT | EXCL, ALL),
    "a lock that is a folder": () => guest.wait("path_create_directory", 3, ...guest.path("app/data/2")),
    "cutting it by another name": () => open("app/data/1", TRUNC, ALL),
    "waiting for something else": () => guest.wasi.waited(),
  };
  for (const [what, change] of Object.entries(changes)) {
    const fd = await open("app/data/1");
    assert.equal(await asks(fd), false, what);
    await change();
    assert.equal(await asks(fd), true, what);
  }
});

test("of a file that may be written to nothing is read ahead, and whoever waits at the end of one sees it grow", async () => {
  const { guest, files, open, asks } = guestWith({ size: 1000, whole: false });
  const shared = await open("app/data/1", 0, ALL);
  for (let i = 0; i < 3; i++) assert.equal(await asks(shared), true);
  const fd = await open("app/data/1");
  assert.deepEqual([await asks(fd), await asks(fd, 500n)], [true, false]);
  const ends: boolean[] = [];
  for (let i = 0; i < 6; i++) ends.push(await asks(fd, 1000n));
  assert.ok(ends.includes(true), "however often it looks there");
  assert.deepEqual([guest.doomed, files.closed], [[], []]);
});

test("an attempt with other mounts sees those", async () => {
  const { guest, files, open } = guestWith();
  await open("app/data/1");
  guest.wasi.reset(program, ["/app/other"]);
  files.asked.length = 0;
  assert.equal(
    await guest.wait("path_open", 3, 1, ...guest.path("app/data/1"), 0, READ, ALL, 0, AT.out),
    "NOENT",
  );
  await open("app/other/1");
  guest.wasi.reset(program);
  assert.equal(
    await guest.wait("path_open", 3, 1, ...guest.path("app/other/1"), 0, READ, ALL, 0, AT.out),
    "NOENT",
  );
  assert.deepEqual(files.asked, [["file.open", "/app/other/1"]]);
});
