/** What an honest libc never does, to files of mounts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileHost } from "../index.ts";
import { BIG, KNOWN, NAMES, picker } from "../testing/calls.ts";
import { type Answer, fileHost, statOf } from "../testing/file-host.ts";
import { ALL, AT, bytesOf, programOf, READ, TestGuest } from "../testing/guest.ts";

/** A host that has whatever it is asked for: folders whose names end in "d", and files of 100,000 bytes. */
function generousHost(): ReturnType<typeof fileHost> {
  const stat = (path: string) =>
    statOf(100_000, path.replace(/\/+$/, "").endsWith("d") ? "directory" : "file");
  const list = Buffer.from(
    JSON.stringify([
      ["näme", "file", "0"],
      ["other", "symlink", "12"],
    ]),
  );
  const host = fileHost((name, head, payload) => {
    const path = String(head.path ?? "");
    const answers: Record<string, Answer> = {
      "file.open": [{ handle: host.asked.length, stat: stat(path), whole: false }],
      "file.read": [
        {},
        new Uint8Array(Math.min(Number(head.length), Math.max(0, 100_000 - Number(head.at)))),
      ],
      "file.write": [{ at: head.at ?? 100_000, written: payload.length, size: 100_000 }],
      "file.stat": [stat(path)],
      "file.list": [{ count: 2 }, list],
      "file.readlink": [{ target: "x".repeat(5000) }],
    };
    return answers[name] ?? [{}];
  });
  return host;
}

test("no arguments make an import throw, or answer what is no error number", async () => {
  const numbers = [
    0,
    1,
    3,
    4,
    5,
    6,
    7,
    20,
    AT.path,
    AT.buffers,
    AT.data,
    AT.size - 8,
    AT.size - 1,
    AT.size,
    -1,
  ];
  const bigs = [0n, 1n, 3n, -1n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, ALL, READ];
  const paths = [
    "app/data/x",
    "app/data/d",
    "app/data/../main.py",
    "app/data/d/../../..",
    "app/data",
    "app/data//./x/",
  ];
  const pick = picker(4321);
  for (let round = 0; round < 20; round++) {
    const files = generousHost();
    const program = programOf({ "/app/main.py": "x" });
    const guest = new TestGuest({ program, files, mounts: ["/app/data"] });
    for (let i = 0; i < 1000; i++) {
      const name = pick(NAMES);
      const path = bytesOf(pick(paths));
      guest.bytes.set(path, AT.path);
      const args = Array.from({ length: 9 }, (_, at) =>
        BIG[name]?.includes(at) ? pick(bigs) : pick(numbers),
      );
      // Mostly what an honest libc would pass, so that it gets somewhere.
      if (name.startsWith("path_") && i % 4 !== 0) {
        const at = [
          "path_create_directory",
          "path_unlink_file",
          "path_remove_directory",
          "path_rename",
          "path_readlink",
        ].includes(name)
          ? 1
          : 2;
        args.splice(0, at + 2, ...[3, 1].slice(0, at), AT.path, path.length);
        if (name === "path_open") args.splice(4, 5, pick([0, 1, 2, 8]), pick([READ, ALL]), ALL, 0, AT.out);
      }
      const answer = await guest.wait(name, ...args);
      assert.ok(KNOWN.has(answer), `${name}(${args}) = ${answer}`);
      guest.view.setUint32(AT.buffers, pick([AT.data, AT.size - 4, 0, -1]) >>> 0, true);
      guest.view.setUint32(AT.buffers + 4, pick([0, 1, 4, 1000, 300_000, -1]) >>> 0, true);
    }
    assert.deepEqual(guest.doomed, []);
    assert.ok(files.asked.length > 30, `${files.asked.length} questions`);
    assert.equal(new Set(files.closed).size, files.closed.length, "no handle is closed twice");
  }
});

test("a call that names memory over and over moves a bounded amount", async () => {
  const files = generousHost();
  const guest = new TestGuest({ program: programOf({ "/app/main.py": "x" }), files, mounts: ["/app/data"] });
  guest.bytes.set(bytesOf("app/data/x"), AT.path);
  assert.equal(await guest.wait("path_open", 3, 1, AT.path, 10, 0, ALL, ALL, 0, AT.out), "SUCCESS");
  const fd = guest.view.getUint32(AT.out, true);
  const spans = Array.from({ length: 1000 }, () => [0, AT.size] as const);
  assert.equal(await guest.wait("fd_write", fd, ...guest.buffers(...spans), AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), 64 * 1024 * 1024);
  assert.ok(guest.charged > 64 * 1024 * 1024);
});

test("what was asked for an attempt that is over has no effect on the next", async () => {
  let answer = (): void => {};
  const files = generousHost();
  const slow: FileHost = {
    ...files,
    ask: (name, request) =>
      new Promise((resolve) => {
        answer = () => void files.ask(name, request).then(resolve);
      }),
  };
  const program = programOf({ "/app/main.py": "x" });
  const guest = new TestGuest({ program, files: slow, mounts: ["/app/data"] });
  guest.bytes.set(bytesOf("app/data/x"), AT.path);
  const opening = guest.wait("path_open", 3, 1, AT.path, 10, 0, READ, ALL, 0, AT.out);
  guest.wasi.reset(program, ["/app/data"]);
  const before = guest.bytes.slice();
  const { charged } = guest;
  answer();
  assert.equal(await opening, "CANCELED");
  assert.deepEqual(guest.bytes, before);
  assert.equal(guest.charged, charged);
  assert.equal(guest.call("fd_tell", 4, AT.out), "BADF");
  assert.deepEqual([files.closed, guest.doomed], [[], []]);
});
