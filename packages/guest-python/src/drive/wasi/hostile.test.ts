/** What an honest libc never does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostCall } from "./index.ts";
import { BIG, KNOWN, NAMES, picker } from "./testing/calls.ts";
import { ALL, AT, bytesOf, CREAT, DIRECTORY, programOf, READ, TestGuest } from "./testing/guest.ts";

test("no arguments make an import throw, or answer what is no error number", async () => {
  const numbers = [
    0,
    1,
    3,
    4,
    7,
    8,
    100,
    AT.path,
    AT.buffers,
    AT.data,
    AT.size - 8,
    AT.size - 1,
    AT.size,
    -1,
    -8,
  ];
  const bigs = [0n, 1n, 3n, 100n, -1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), ALL];
  const pick = picker(12_345);
  for (let round = 0; round < 20; round++) {
    const guest = new TestGuest({
      program: programOf({ "/app/main.py": "x" }),
      scratch: { bytes: 100_000, nodes: 50 },
    });
    guest.bytes.set(bytesOf("tmp/full/x\0tmp/../app"), AT.path);
    guest.put("tmp/open", "text");
    guest.mustOpen("tmp/open", 0, ALL);
    guest.mustOpen("tmp", DIRECTORY);
    for (let i = 0; i < 1000; i++) {
      const name = pick(NAMES);
      const args = Array.from({ length: 9 }, (_, at) =>
        BIG[name]?.includes(at) ? pick(bigs) : pick(numbers),
      );
      const answer = await guest.wait(name, ...args);
      assert.ok(KNOWN.has(answer), `${name}(${args}) = ${answer}`);
      // What memory says of buffers, for the next call.
      guest.view.setUint32(AT.buffers, pick(numbers) >>> 0, true);
      guest.view.setUint32(AT.buffers + 4, pick(numbers) >>> 0, true);
    }
    assert.deepEqual(guest.doomed, []);
  }
});

test("nothing outside memory is read or written, wherever it would begin or end", () => {
  const guest = new TestGuest();
  guest.put("tmp/a", "text");
  const fd = guest.mustOpen("tmp/a", 0, ALL);
  const before = guest.bytes.slice();
  const { size } = AT;
  const rows: readonly (readonly [call: string, ...args: (number | bigint)[]])[] = [
    ["fd_read", fd, AT.buffers, 1, size - 3],
    ["fd_read", fd, size - 7, 1, AT.out],
    ["fd_read", fd, -8, 1, AT.out],
    ["fd_read", fd, size, 1, AT.out],
    ["fd_write", fd, size - 7, 1, AT.out],
    ["fd_pread", fd, -1, 1, 0n, AT.out],
    ["fd_seek", fd, 0n, 0, size - 7],
    ["fd_tell", fd, -1],
    ["fd_filestat_get", fd, size - 63],
    ["fd_fdstat_get", fd, size - 23],
    ["fd_prestat_get", 3, size - 7],
    ["fd_prestat_dir_name", 3, size, 1],
    ["fd_readdir", 3, size - 10, 11, 0n, AT.out],
    ["fd_readdir", 3, 0, -1, 0n, AT.out],
    ["path_open", 3, 1, size - 2, 5, 0, 0n, 0n, 0, AT.out],
    ["path_open", 3, 1, 0, 1, 0, 0n, 0n, 0, size - 3],
    ["path_filestat_get", 3, 1, AT.path, 5, size - 63],
    ["random_get", size - 1, 2],
    ["random_get", -1, 1],
    ["clock_time_get", 0, 0n, size - 7],
    ["clock_res_get", 0, size - 7],
    ["args_sizes_get", size - 3, 0],
    ["environ_get", size - 3, 0],
    ["args_get", 0, size - 6],
  ];
  guest.bytes.set(bytesOf("tmp/a"), AT.path);
  for (const [call, ...args] of rows) assert.equal(guest.call(call, ...args), "FAULT", `${call}(${args})`);
  for (const span of [
    [size - 1, 2],
    [size, 1],
    [0, size + 1],
    [0xffff_ffff, 1],
    [1, 0xffff_ffff],
  ] as const)
    for (const call of ["fd_read", "fd_write"])
      assert.equal(guest.call(call, fd, ...guest.buffers([AT.data, 1], span), AT.out), "FAULT");
  assert.equal(guest.call("fd_read", fd, AT.buffers, 1025, AT.out), "INVAL");
  assert.equal(guest.call("fd_read", fd, AT.buffers, -1, AT.out), "INVAL");
  assert.equal(before.length, guest.bytes.length);
  assert.deepEqual(guest.doomed, []);
});

test("/tmp holds so many files and no more, and each can go again", () => {
  const guest = new TestGuest();
  for (let i = 0; i < 10_000; i++) guest.put(`tmp/${i}`);
  assert.equal(guest.open("tmp/10000", CREAT, ALL), "NOSPC");
  assert.equal(guest.call("path_create_directory", 3, ...guest.path("tmp/x")), "NOSPC");
  assert.equal(guest.list("tmp", 100_000).length, 10_002);
  for (let i = 0; i < 10_000; i++)
    assert.equal(guest.call("path_unlink_file", 3, ...guest.path(`tmp/${i}`)), "SUCCESS");
  assert.notEqual(typeof guest.open("tmp/10000", CREAT, ALL), "string");
});

test("directories can be as deep as there is room, and no deeper", () => {
  const guest = new TestGuest({ scratch: { bytes: 0, nodes: 3000 } });
  let at = guest.mustOpen("tmp", DIRECTORY);
  for (let i = 0; i < 3000; i++) {
    assert.equal(guest.call("path_create_directory", at, ...guest.path("d")), "SUCCESS");
    const next = guest.mustOpen("d", DIRECTORY, READ, 0, at);
    guest.call("fd_close", at);
    at = next;
  }
  assert.equal(guest.call("path_create_directory", at, ...guest.path("d")), "NOSPC");
  const whole = guest.call(
    "path_rename",
    3,
    ...guest.path("tmp/d"),
    3,
    ...guest.path(`tmp/${"d/".repeat(1500)}e`),
  );
  assert.equal(whole, "INVAL");
});

test("directories that were removed from within hold no room", () => {
  const guest = new TestGuest({ scratch: { bytes: 0, nodes: 2 } });
  for (let round = 0; round < 500; round++) {
    guest.call("path_create_directory", 3, ...guest.path("tmp/a"));
    assert.equal(guest.call("path_create_directory", 3, ...guest.path("tmp/a/b")), "SUCCESS");
    const fd = guest.mustOpen("tmp/a/b", DIRECTORY);
    guest.call("path_remove_directory", 3, ...guest.path("tmp/a/b"));
    assert.equal(guest.call("path_remove_directory", 3, ...guest.path("tmp/a")), "SUCCESS");
    assert.equal(guest.open("..", 0, 0n, 0, fd), "NOENT");
    guest.call("fd_close", fd);
  }
});

test("every call is charged once, and more for more", () => {
  const guest = new TestGuest();
  const cost = (name: string, ...args: (number | bigint)[]): number => {
    const { charged, charges } = guest;
    guest.call(name, ...args);
    assert.equal(guest.charges, charges + 1, name);
    return guest.charged - charged;
  };
  const least = cost("sched_yield");
  assert.ok(least > 0);
  for (const name of NAMES)
    if (name !== "poll_oneoff") assert.ok(cost(name, 99, 99, 99, 99, 99, 99, 99, 99, 99) >= least, name);
  assert.ok(cost("random_get", AT.data, 1_000_000) > least + 1_000_000);
  const fd = guest.mustOpen("tmp/a", CREAT, ALL);
  assert.ok(cost("fd_filestat_set_size", fd, 10_000_000n) > 10_000_000);
  assert.ok(cost("fd_filestat_set_size", fd, 10n) > 9_000_000);
  assert.ok(cost("fd_pwrite", fd, ...guest.buffers([AT.data, 5]), 1_000_000n, AT.out) > 900_000);
  assert.ok(cost("fd_read", fd, ...guest.buffers([AT.data, 1_000_000]), AT.out) > 900_000);
  assert.ok(cost("fd_write", 1, ...guest.buffers([AT.data, 100_000]), AT.out) > 100_000);
  for (let i = 0; i < 100; i++) guest.put(`tmp/${i}`);
  assert.ok(
    cost("path_filestat_get", 3, 1, ...guest.path("./".repeat(2000)), AT.out) >
      cost("path_filestat_get", 3, 1, ...guest.path("."), AT.out) + 1_000_000,
  );
});

test("a failure of ours dooms the guest and does not reach it", () => {
  const guest = new TestGuest({
    library: {
      size: 10,
      read() {
        throw new Error("the disk");
      },
    },
  });
  const fd = guest.mustOpen("usr/local/lib/python315.zip");
  assert.equal(guest.read(fd), "IO");
  assert.match(String(guest.doomed[0]), /the disk/);
  const short = new TestGuest({ library: { size: 10, read: () => 0 } });
  assert.equal(short.read(short.mustOpen("usr/local/lib/python315.zip")), "IO");
  assert.equal(short.doomed.length, 1);
});

test("every write to memory is told of", () => {
  const guest = new TestGuest();
  guest.put("tmp/a", "some text");
  const fd = guest.mustOpen("tmp/a");
  guest.buffers([AT.data, 9]);
  guest.bytes.set(bytesOf("tmp"), AT.path);
  const calls: readonly (readonly [string, ...(number | bigint)[]])[] = [
    ["fd_read", fd, AT.buffers, 1, AT.out],
    ["fd_readdir", 3, AT.data, 100, 0n, AT.out],
    ["fd_filestat_get", fd, AT.data],
    ["fd_fdstat_get", fd, AT.data],
    ["fd_prestat_get", 3, AT.data],
    ["fd_prestat_dir_name", 3, AT.data, 1],
    ["fd_seek", fd, 0n, 0, AT.out],
    ["fd_tell", fd, AT.out],
    ["path_filestat_get", 3, 1, AT.path, 3, AT.data],
    ["path_open", 3, 1, AT.path, 3, 0, 0n, 0n, 0, AT.out],
    ["random_get", AT.data, 100],
    ["clock_time_get", 0, 0n, AT.out],
    ["environ_get", AT.out, AT.data],
    ["environ_sizes_get", AT.out, AT.data],
  ];
  for (const [name, ...args] of calls) {
    const before = guest.bytes.slice();
    guest.wrote.length = 0;
    assert.equal(guest.call(name, ...args), "SUCCESS", name);
    const told = (at: number): boolean =>
      guest.wrote.some(([from, length]) => at >= from && at < from + length);
    for (const [at, byte] of guest.bytes.entries())
      if (byte !== before[at]) assert.ok(told(at), `${name} wrote to ${at}`);
    assert.ok(guest.wrote.length > 0, name);
  }
});

test("the door takes bytes and gives bytes, and refuses what is malformed", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const doomed: unknown[] = [];
  let charged = 0;
  let room = 1000;
  let answer: (request: string) => Uint8Array | null | Promise<Uint8Array | null> = (text) =>
    bytesOf(`<${text}>`);
  const door = hostCall({
    memory: () => memory,
    longest: 50,
    allocate: () => room,
    call: (request) => answer(Buffer.from(request).toString()),
    charge: (units) => {
      charged += units;
    },
    doom: (cause) => doomed.push(cause),
  });
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  bytes.set(bytesOf("hi"), 100);
  const given = (): string =>
    Buffer.from(
      bytes.subarray(view.getUint32(8, true), view.getUint32(8, true) + view.getUint32(12, true)),
    ).toString();
  assert.equal(door(100, 2, 8, 12), 0);
  assert.equal(given(), "<hi>");
  assert.ok(charged > 0);
  answer = async (text) => bytesOf(`late ${text}`);
  assert.equal(await door(100, 2, 8, 12), 0);
  assert.equal(given(), "late hi");
  for (const args of [
    [100, 51, 8, 12],
    [65_535, 2, 8, 12],
    [-1, 2, 8, 12],
    [100, -1, 8, 12],
    [100, 2, 65_533, 12],
    [100, 2, 8, -1],
  ])
    assert.equal(door(...args), -2, String(args));
  answer = () => null;
  assert.equal(door(100, 2, 8, 12), -2);
  answer = () => bytesOf("x");
  for (const bad of [0, 65_536, -1]) {
    room = bad;
    assert.equal(door(100, 2, 8, 12), -2);
  }
  assert.deepEqual(doomed, []);
  answer = () => {
    throw new Error("ours");
  };
  assert.equal(door(100, 2, 8, 12), -2);
  answer = () => Promise.reject(new Error("ours too"));
  assert.equal(await door(100, 2, 8, 12), -2);
  assert.equal(doomed.length, 2);
});
