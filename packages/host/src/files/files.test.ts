/** Every operation, on every ground. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { EffectError, LIMITS } from "@capsule-run/protocol";
import { code, descriptors, folder, GROUNDS, Guest, namesOf } from "./testing.ts";

for (const [name, ground] of GROUNDS)
  describe(name, () => {
    const guestOf = (mounts: Readonly<Record<string, string>>) => new Guest(ground, mounts);
    const inFolder = (): { guest: Guest; host: string } => {
      const host = folder();
      return { guest: guestOf({ "/app/data": `rw:${host}` }), host };
    };

    test("a file is written, read, added to, cut and removed", async () => {
      const { guest, host } = inFolder();
      await guest.put("/app/data/a.txt", "hello");
      assert.equal(readFileSync(join(host, "a.txt"), "utf8"), "hello");
      assert.equal(await guest.text("/app/data/a.txt"), "hello");
      await guest.put("/app/data/a.txt", " world", "a");
      const { handle, stat, whole } = await guest.open("/app/data/a.txt", "r+");
      assert.deepEqual([stat.kind, stat.size, stat.writable, whole], ["file", 11, true, false]);
      assert.equal(await guest.read(handle, 6, 100), "world");
      assert.equal(await guest.read(handle, 11, 100), "");
      assert.equal(await guest.read(handle, 2 ** 40, 100), "");
      assert.partialDeepStrictEqual(await guest.write(handle, 0, "J"), { at: 0, written: 1, size: 11 });
      assert.partialDeepStrictEqual(await guest.write(handle, 20, "far"), { at: 20, written: 3, size: 23 });
      assert.equal(await guest.read(handle, 9, 12), `ld${"\0".repeat(9)}f`);
      await guest.ask("truncate", { handle, size: 5 });
      assert.equal((await guest.ask("stat", { handle })).size, 5);
      await guest.ask("sync", { handle });
      await guest.close(handle);
      assert.equal(await guest.text("/app/data/a.txt"), "Jello");
      await guest.ask("truncate", { path: "/app/data/a.txt", size: 2 });
      assert.equal(await guest.text("/app/data/a.txt"), "Je");
      await guest.ask("unlink", { path: "/app/data/a.txt" });
      assert.equal(await code(guest.stat("/app/data/a.txt")), "ENOENT");
      assert.deepEqual(await guest.list("/app/data"), []);
      await guest.files.close();
    });

    test("the working directory is there, empty and read-only, also where nothing is mounted", async () => {
      for (const guest of [guestOf({}), guestOf({ "/elsewhere": `rw:${folder()}` })]) {
        assert.deepEqual(await guest.list("/app"), []);
        const { kind, writable } = await guest.stat("/app");
        assert.deepEqual([kind, writable], ["directory", false]);
        assert.equal(await code(guest.put("/app/new.txt", "x")), "EROFS");
        assert.equal(await code(guest.ask("rmdir", { path: "/app" })), "EBUSY");
        await guest.files.close();
      }
    });

    test("locks that were made of folders go with who made them", async () => {
      const { guest, host } = inFolder();
      for (const file of ["a.db", "b.db", "c.db"]) writeFileSync(join(host, file), "");
      mkdirSync(join(host, "b.db.lock"));
      assert.equal(await code(guest.ask("mkdir", { path: "/app/data/b.db.lock" })), "EEXIST");
      for (const path of ["a.db.lock", "c.db.lock", "d.db.lock", "folder"])
        await guest.ask("mkdir", { path: `/app/data/${path}` });
      await guest.ask("rmdir", { path: "/app/data/c.db.lock" });
      mkdirSync(join(host, "c.db.lock"));
      await guest.files.close();
      const names = ["a.db", "b.db", "b.db.lock", "c.db", "c.db.lock", "d.db.lock", "folder"];
      assert.deepEqual(readdirSync(host).toSorted(), names);
    });

    test("appending goes to the end whatever position is named", async () => {
      const { guest, host } = inFolder();
      const { handle } = await guest.open("/app/data/log", "a");
      assert.partialDeepStrictEqual(await guest.write(handle, 0, "one"), { at: 0, size: 3 });
      writeFileSync(join(host, "log"), "-other-", { flag: "a" });
      assert.partialDeepStrictEqual(await guest.write(handle, 0, "two"), { at: 10, size: 13 });
      assert.equal(await code(guest.read(handle, 0, 1)), "EBADF");
      assert.equal(await guest.text("/app/data/log"), "one-other-two");
      await guest.files.close();
    });

    test("folders are made, listed, moved and removed", async () => {
      const { guest } = inFolder();
      await guest.ask("mkdir", { path: "/app/data/one" });
      await guest.ask("mkdir", { path: "/app/data/one/two/" });
      await guest.put("/app/data/one/größe 🎈.txt", "x");
      assert.deepEqual(await guest.list("/app/data/one"), ["größe 🎈.txt", "two"]);
      assert.equal(await code(guest.ask("mkdir", { path: "/app/data/one" })), "EEXIST");
      assert.equal(await code(guest.ask("mkdir", { path: "/app/data/no/x" })), "ENOENT");
      assert.equal(await code(guest.ask("rmdir", { path: "/app/data/one" })), "ENOTEMPTY");
      assert.equal(await code(guest.ask("unlink", { path: "/app/data/one" })), "EISDIR");
      assert.equal(await code(guest.ask("rmdir", { path: "/app/data/one/größe 🎈.txt" })), "ENOTDIR");
      assert.equal(await code(guest.list("/app/data/one/größe 🎈.txt")), "ENOTDIR");
      assert.equal(
        await code(guest.ask("rename", { from: "/app/data/one", to: "/app/data/one/two/x" })),
        "EINVAL",
      );
      await guest.ask("rename", { from: "/app/data/one", to: "/app/data/1" });
      await guest.ask("rename", { from: "/app/data/1/größe 🎈.txt", to: "/app/data/b" });
      await guest.ask("rmdir", { path: "/app/data/1/two" });
      await guest.ask("rmdir", { path: "/app/data/1" });
      assert.deepEqual(await guest.list("/app/data/"), ["b"]);
      const { handle, stat } = await guest.open("/app/data", "d");
      assert.equal(stat.kind, "directory");
      assert.deepEqual(namesOf(await guest.ask("list", { handle })), ["b"]);
      await guest.ask("sync", { handle });
      assert.equal(await code(guest.read(handle, 0, 1)), "EISDIR");
      assert.equal(await code(guest.ask("truncate", { handle, size: 0 })), "EINVAL");
      await guest.files.close();
    });

    test("ways to open", async () => {
      const { guest } = inFolder();
      const path = "/app/data/f";
      assert.equal(await code(guest.open(path, "r")), "ENOENT");
      assert.equal(await code(guest.open(path, "r+")), "ENOENT");
      await guest.put(path, "x", "wx");
      assert.equal(await code(guest.open(path, "wx")), "EEXIST");
      assert.equal(await code(guest.open(path, "d")), "ENOTDIR");
      assert.equal(await code(guest.open(`${path}/`, "r")), "ENOTDIR");
      assert.equal(await code(guest.open(`${path}/x`, "r")), "ENOTDIR");
      assert.equal(await code(guest.open("/app/data/new/", "w")), "EISDIR");
      assert.equal(await code(guest.open("/app/data", "w")), "EISDIR");
      assert.equal(await code(guest.open("/app/data", "wx")), "EEXIST");
      assert.equal(await code(guest.open(path, "r", { truncate: true })), "EINVAL");
      const { handle } = await guest.open(path, "r");
      assert.equal(await code(guest.write(handle, 0, "y")), "EBADF");
      assert.equal(await code(guest.ask("truncate", { handle, size: 0 })), "EINVAL");
      await guest.close(handle);
      assert.equal(await code(guest.close(handle)), "EBADF");
      assert.equal(await code(guest.read(handle, 0, 1)), "EBADF");
      await guest.files.close();
      assert.equal(await code(guest.open(path, "r")), "ECANCELED");
    });

    test("times", async () => {
      const { guest, host } = inFolder();
      const path = "/app/data/f";
      await guest.put(path, "x");
      const before = await guest.stat(path);
      await guest.ask("times", { path, follow: true, accessed: "1234567890123456789", modified: null });
      const one = await guest.stat(path);
      assert.ok(Math.abs(Number(BigInt(one.accessed) - 1234567890123456789n)) < 1000, one.accessed);
      assert.equal(one.modified, before.modified);
      const { handle } = await guest.open(path, "r+");
      await guest.ask("times", { handle, accessed: null, modified: "-1500000000" });
      const two = (await guest.ask("stat", { handle })) as { accessed: string; modified: string };
      assert.deepEqual([two.accessed, two.modified], [one.accessed, "-1500000000"]);
      await guest.ask("times", { path: "/app/data", follow: false, accessed: "0", modified: "5000000000" });
      assert.equal(statSync(host).mtimeMs, 5000);
      symlinkSync("f", join(host, "link"));
      await guest.ask("times", {
        path: "/app/data/link",
        follow: false,
        accessed: "0",
        modified: "7000000000",
      });
      assert.equal((await guest.stat("/app/data/link", false)).modified, "7000000000");
      assert.equal((await guest.stat(path)).modified, "-1500000000");
      await guest.ask("times", {
        path: "/app/data/link",
        follow: true,
        accessed: "0",
        modified: "8000000000",
      });
      assert.equal((await guest.stat(path)).modified, "8000000000");
      for (const wrong of ["1.5", "", "9223372036854775808", 5, undefined, "1".repeat(5000)])
        assert.equal(
          await code(guest.ask("times", { path, follow: true, accessed: wrong, modified: null })),
          "EINVAL",
        );
      await guest.files.close();
    });

    test("mounts in one another, and the folders above them", async () => {
      const outer = folder();
      const inner = folder();
      const deep = folder();
      mkdirSync(join(outer, "sub"));
      writeFileSync(join(outer, "sub", "real"), "");
      writeFileSync(join(outer, "top"), "");
      writeFileSync(join(inner, "in"), "inner");
      const guest = guestOf({
        "/app": `ro:${outer}`,
        "/app/data": `rw:${inner}`,
        "/app/sub/way/deep": `rw:${deep}`,
        "/app/sub/gone": `ro:${outer}/nowhere`,
      });
      assert.deepEqual(await guest.list("/"), ["app"]);
      assert.deepEqual(await guest.list("/app"), ["data", "sub", "top"]);
      assert.deepEqual(await guest.list("/app/sub"), ["real", "way"]);
      assert.deepEqual(await guest.list("/app/sub/way"), ["deep"]);
      assert.equal(await code(guest.stat("/app/sub/gone")), "ENOENT");
      assert.equal(await code(guest.put("/app/sub/gone/x", "")), "ENOENT");
      for (const path of ["/", "/app", "/app/sub/way"])
        assert.deepEqual(
          [(await guest.stat(path)).kind, (await guest.stat(path)).writable],
          ["directory", false],
        );
      assert.equal((await guest.stat("/app/data")).writable, true);
      assert.equal(await guest.text("/app/data/in"), "inner");
      assert.equal(await guest.text("/app/sub/../data/./in"), "inner");
      assert.equal(await guest.text("/../app//data/../data/in"), "inner");
      await guest.put("/app/sub/way/deep/f", "deep");
      assert.equal(readFileSync(join(deep, "f"), "utf8"), "deep");
      for (const path of ["/etc/passwd", "/etc", "/app/nope", "/proc/self/environ", "/app/sub/way/x"])
        assert.equal(await code(guest.open(path, "r")), "ENOENT", path);
      for (const path of ["/app/new", "/new", "/app/sub/way/new"])
        assert.equal(await code(guest.open(path, "w")), "EROFS", path);
      const { handle, stat } = await guest.open("/app/sub/way", "d");
      assert.equal(stat.device, "0");
      assert.deepEqual(namesOf(await guest.ask("list", { handle })), ["deep"]);
      assert.deepEqual((await guest.ask("stat", { handle })).inode, stat.inode);
      await guest.ask("sync", { handle });
      assert.equal(await code(guest.ask("times", { handle, accessed: null, modified: null })), "EROFS");
      for (const path of ["/app/data", "/app/sub/way", "/app"]) {
        assert.equal(await code(guest.ask("rmdir", { path })), "EBUSY", path);
        assert.equal(await code(guest.ask("unlink", { path })), "EISDIR", path);
        assert.equal(await code(guest.ask("mkdir", { path })), "EEXIST", path);
        assert.equal(await code(guest.ask("rename", { from: path, to: "/app/data/x" })), "EBUSY", path);
        assert.equal(await code(guest.ask("rename", { from: "/app/data/in", to: path })), "EBUSY", path);
      }
      await guest.files.close();
    });

    test("a read-only mount", async () => {
      const host = folder();
      writeFileSync(join(host, "f"), "x");
      mkdirSync(join(host, "d"));
      const rw = folder();
      writeFileSync(join(rw, "g"), "y");
      const guest = guestOf({ "/app/ro": `ro:${host}`, "/app/rw": `rw:${rw}`, "/app/rw2": `rw:${folder()}` });
      assert.equal((await guest.stat("/app/ro/f")).writable, false);
      const path = "/app/ro/f";
      const times = { accessed: null, modified: "0" };
      const { handle } = await guest.open(path, "r");
      const folderHandle = (await guest.open("/app/ro/d", "d")).handle;
      for (const attempt of [
        () => guest.open(path, "w"),
        () => guest.open(path, "r+"),
        () => guest.open(path, "a"),
        () => guest.open("/app/ro/new", "wx"),
        () => guest.open("/app/ro/new", "r", { create: true }),
        () => guest.ask("mkdir", { path: "/app/ro/new" }),
        () => guest.ask("unlink", { path }),
        () => guest.ask("rmdir", { path: "/app/ro/d" }),
        () => guest.ask("truncate", { path, size: 0 }),
        () => guest.ask("times", { path, follow: true, ...times }),
        () => guest.ask("times", { path: "/app/ro", follow: true, ...times }),
        () => guest.ask("times", { handle, ...times }),
        () => guest.ask("times", { handle: folderHandle, ...times }),
        () => guest.ask("rename", { from: path, to: "/app/ro/g" }),
        () => guest.ask("rename", { from: path, to: "/app/rw/f" }),
        () => guest.ask("rename", { from: "/app/rw/g", to: path }),
      ])
        assert.equal(await code(attempt()), "EROFS", String(attempt));
      assert.equal(await code(guest.open(path, "wx")), "EEXIST");
      await guest.close((await guest.open(path, "r", { create: true })).handle);
      assert.equal(await code(guest.ask("rename", { from: "/app/rw/g", to: "/app/rw2/g" })), "EXDEV");
      assert.equal(readFileSync(join(host, "f"), "utf8"), "x");
      await guest.files.close();
    });

    test("symlinks inside of a mount are followed, and never made", async () => {
      const { guest, host } = inFolder();
      mkdirSync(join(host, "a/b"), { recursive: true });
      writeFileSync(join(host, "a/b/f"), "here");
      symlinkSync("a/b", join(host, "dir"));
      symlinkSync("../b/./f", join(host, "a/b/up"));
      symlinkSync("dir/up", join(host, "chain"));
      symlinkSync("made", join(host, "dangling"));
      assert.equal(await guest.text("/app/data/chain"), "here");
      assert.equal(await guest.text("/app/data/dir/f"), "here");
      assert.deepEqual(await guest.list("/app/data/dir"), ["f", "up"]);
      assert.deepEqual(await guest.list("/app/data/dir/.."), ["b"]);
      assert.equal((await guest.stat("/app/data/dir", false)).kind, "symlink");
      assert.equal((await guest.stat("/app/data/dir/", false)).kind, "directory");
      assert.equal((await guest.ask("readlink", { path: "/app/data/chain" })).target, "dir/up");
      assert.equal(await code(guest.ask("readlink", { path: "/app/data/a" })), "EINVAL");
      assert.equal(await code(guest.ask("readlink", { path: "/app/data/a/b/f" })), "EINVAL");
      assert.equal(await code(guest.open("/app/data/chain", "r", { follow: false })), "ELOOP");
      assert.equal(await code(guest.open("/app/data/dangling", "r")), "ENOENT");
      assert.equal(await code(guest.open("/app/data/dangling", "wx")), "EEXIST");
      assert.equal(await code(guest.ask("mkdir", { path: "/app/data/dangling" })), "EEXIST");
      assert.equal(await code(guest.ask("rmdir", { path: "/app/data/dir/" })), "ENOTDIR");
      await guest.put("/app/data/dangling", "new");
      assert.equal(readFileSync(join(host, "made"), "utf8"), "new");
      await guest.ask("rename", { from: "/app/data/chain", to: "/app/data/moved" });
      await guest.ask("unlink", { path: "/app/data/moved" });
      assert.equal(await guest.text("/app/data/dir/f"), "here");
      for (const effect of ["link", "symlink", "chmod", "constructor", "__proto__"])
        assert.equal(await code(guest.ask(effect, { path: "/app/data/x", to: "y" })), "ENOSYS");
      await guest.files.close();
    });

    test("messages are those of Node, with the guest's path", async () => {
      const { guest } = inFolder();
      const messages: [() => Promise<unknown>, string][] = [
        [() => guest.open("/app/data/x", "r"), "ENOENT: no such file or directory, open '/app/data/x'"],
        [() => guest.stat("/app/data/x", false), "ENOENT: no such file or directory, lstat '/app/data/x'"],
        [
          () => guest.ask("rename", { from: "/app/data/x", to: "/y" }),
          "ENOENT: no such file or directory, rename '/app/data/x' -> '/y'",
        ],
        [() => guest.read(7, 0, 1), "EBADF: bad file descriptor, read"],
        [
          () => guest.stat(`/${"y".repeat(5000)}`),
          `ENAMETOOLONG: name too long, stat '/${"y".repeat(4094)}…'`,
        ],
      ];
      for (const [failing, message] of messages)
        await assert.rejects(failing(), (error) => error instanceof EffectError && error.message === message);
      await guest.files.close();
    });

    test("wrong heads are refused", async () => {
      const { guest } = inFolder();
      await guest.put("/app/data/f", "x");
      const { handle } = await guest.open("/app/data/f", "r+");
      const wrong: [string, object][] = [
        ...[undefined, null, 1, {}, ["/app"]].map((path): [string, object] => ["mkdir", { path }]),
        ["open", { path: "/app/data/f", read: true }],
        ["open", { path: "/app/data/f", read: "yes" }],
        ["stat", { path: "/app/data/f" }],
        ["stat", {}],
        ["read", { handle, at: -1, length: 1 }],
        ["read", { handle, at: 0.5, length: 1 }],
        ["read", { handle, at: 0, length: 2 ** 60 }],
        ["read", { handle, at: 0, length: LIMITS.effectBytes + 1 }],
        ["read", { handle: "1", at: 0, length: 1 }],
        ["write", { handle }],
        ["truncate", { handle, size: -1 }],
        ["truncate", { path: "/app/data/f" }],
        ["rename", { from: "/app/data/f" }],
      ];
      for (const [effect, head] of wrong)
        assert.equal(await code(guest.ask(effect, head)), "EINVAL", `${effect} ${JSON.stringify(head)}`);
      for (const unknown of [0, 3, 99999]) assert.equal(await code(guest.read(unknown, 0, 1)), "EBADF");
      await guest.files.close();
    });

    test("wrong paths are refused as Linux does", async () => {
      const { guest } = inFolder();
      const cases: [string, string][] = [
        ["", "ENOENT"],
        ["app/data", "EINVAL"],
        ["/app/data/a\0b", "EINVAL"],
        ["/app/data/\ud800", "EINVAL"],
        [`/app/data/${"n".repeat(256)}`, "ENAMETOOLONG"],
        [`/app/data/${"ö".repeat(128)}`, "ENAMETOOLONG"],
        [`/app/data/${"x/".repeat(2050)}`, "ENAMETOOLONG"],
        [`/app/data/${"n".repeat(200_000)}`, "ENAMETOOLONG"],
      ];
      for (const [path, expected] of cases) {
        assert.equal(await code(guest.stat(path)), expected, path.slice(0, 40));
        assert.equal(await code(guest.open(path, "w")), expected, path.slice(0, 40));
        assert.equal(await code(guest.ask("mkdir", { path })), expected, path.slice(0, 40));
        assert.equal(await code(guest.ask("rename", { from: path, to: path })), expected);
      }
      assert.equal(await code(guest.put(`/app/data/${"n".repeat(255)}`, "")), "it works");
      const dots: [string, string, string][] = [
        ["rmdir", "/app/data/.", "EINVAL"],
        ["rmdir", "/app/data/..", "ENOTEMPTY"],
        ["unlink", "/app/data/.", "EISDIR"],
        ["mkdir", "/app/data/.", "EEXIST"],
        ["mkdir", "/app/data/..", "EEXIST"],
      ];
      for (const [effect, path, expected] of dots)
        assert.equal(await code(guest.ask(effect, { path })), expected, `${effect} ${path}`);
      await guest.files.close();
    });

    test("nothing stays open", async () => {
      const before = descriptors();
      const { guest } = inFolder();
      await guest.ask("mkdir", { path: "/app/data/d" });
      const handles = await Promise.all(
        Array.from({ length: 50 }, async (_, i) => (await guest.open(`/app/data/d/${i}`, "w+")).handle),
      );
      await guest.open("/app/data/d", "d");
      await guest.list("/app/data/d");
      await code(guest.stat("/app/data/d/no/no"));
      await Promise.all(handles.slice(0, 25).map(guest.close));
      const late = guest.write(handles.at(-1) as number, 0, "late").catch(() => undefined);
      await guest.files.close();
      await guest.files.close();
      await late;
      assert.equal(descriptors(), before);
    });
  });
