/** Ways out of a mount, and around a read-only one, that are there before the guest comes: on every ground. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { forGuest } from "./failure.ts";
import { refuseOnWindows } from "./ground.ts";
import { KEPT_NAMES } from "./kept.ts";
import { checkMount } from "./mount.ts";
import { code, descriptors, folder, GROUNDS, Guest } from "./testing.ts";

const SECRET = "of the host";

/** A folder with a mount `in` and, beside it, what must stay out of reach. */
function hostFolder(): { host: string; inside: string; outside: string } {
  const host = folder();
  const inside = join(host, "in");
  const outside = join(host, "out");
  mkdirSync(join(inside, "sub"), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), SECRET);
  writeFileSync(join(inside, "f"), "inside");
  return { host, inside, outside };
}

test("the names that are kept from sandboxes", () => {
  const environment = [".env", ".env.local", ".env.development", ".env.production"];
  assert.deepEqual(KEPT_NAMES, [".capsule", "capsule.toml", ...environment]);
});

for (const [name, ground] of GROUNDS)
  describe(name, () => {
    test("what Capsule reads of a project is neither seen nor made, in whatever folder", async () => {
      const { inside } = hostFolder();
      for (const at of [inside, join(inside, "sub")]) {
        mkdirSync(join(at, ".capsule"));
        for (const file of KEPT_NAMES.slice(1)) writeFileSync(join(at, file), SECRET);
      }
      symlinkSync(".env", join(inside, "link"));
      symlinkSync("sub/.capsule", join(inside, "cache"));
      const guest = new Guest(ground, { "/app": `rw:${inside}` });
      assert.deepEqual(await guest.list("/app"), ["cache", "f", "link", "sub"]);
      assert.deepEqual(await guest.list("/app/sub"), []);
      const { handle } = await guest.open("/app/sub", "d");
      assert.equal((await guest.ask("list", { handle })).count, 0);
      const names = [
        ...KEPT_NAMES,
        "Capsule.toml",
        ".ENV",
        // For disks that make no difference of case, or leave such characters out.
        "cap\u017fule.toml",
        ".\uff45nv",
        ".e\u200cnv",
        ".capsule/cache",
        "sub/../.env",
        "./.env",
        "link",
        "cache/x",
      ];
      for (const kept of names.flatMap((each) => [`/app/${each}`, `/app/sub/../${each}`])) {
        assert.equal(await code(guest.text(kept)), "EACCES", kept);
        assert.equal(await code(guest.put(kept, "x")), "EACCES", kept);
        assert.equal(await code(guest.stat(kept, true)), "EACCES", kept);
        if (kept.includes("link") || kept.includes("cache")) continue;
        assert.equal(await code(guest.ask("mkdir", { path: kept })), "EACCES", kept);
        assert.equal(await code(guest.ask("unlink", { path: kept })), "EACCES", kept);
        assert.equal(await code(guest.ask("rename", { from: "/app/f", to: kept })), "EACCES", kept);
        assert.equal(await code(guest.ask("rename", { from: kept, to: "/app/g" })), "EACCES", kept);
      }
      for (const path of [".capsule", "sub/.capsule", ".env", "cache"])
        assert.throws(() => checkMount(inside, path), /kept from sandboxes/);
      await guest.files.close();
    });

    test("a symlink that leads out is not followed, wherever it is", async () => {
      const before = descriptors();
      const { inside, outside } = hostFolder();
      const links: Readonly<Record<string, string>> = {
        absolute: outside,
        root: "/",
        relative: "../out",
        winding: "sub/../sub/../../out",
        above: "..",
        chain: "relative",
        home: inside,
        proc: "/proc/self",
        fds: "/proc/self/fd",
        "sub/up": "../../out",
        "sub/back": "../../in",
      };
      for (const [link, target] of Object.entries(links)) symlinkSync(target, join(inside, link));
      symlinkSync(join(outside, "secret"), join(inside, "file"));
      symlinkSync("../out/secret", join(inside, "nearfile"));
      symlinkSync("../out/new", join(inside, "dangling"));
      symlinkSync("/proc/self/environ", join(inside, "environ"));
      const guest = new Guest(ground, { "/app/data": `rw:${inside}` });
      for (const link of Object.keys(links).map((each) => `/app/data/${each}`)) {
        for (const path of [
          link,
          `${link}/`,
          `${link}/.`,
          `${link}/secret`,
          `${link}/../in/f`,
          `${link}/new`,
        ]) {
          assert.equal(await code(guest.open(path, "r")), "EACCES", path);
          assert.equal(await code(guest.open(path, "w")), "EACCES", path);
          assert.equal(await code(guest.stat(path)), "EACCES", path);
          assert.equal(await code(guest.list(path)), "EACCES", path);
          assert.equal(await code(guest.ask("truncate", { path, size: 0 })), "EACCES", path);
          const times = { accessed: "0", modified: "0" };
          assert.equal(await code(guest.ask("times", { path, follow: true, ...times })), "EACCES", path);
        }
        for (const path of [`${link}/secret`, `${link}/new`]) {
          for (const effect of ["unlink", "rmdir", "mkdir", "readlink"])
            assert.equal(await code(guest.ask(effect, { path })), "EACCES", `${effect} ${path}`);
          assert.equal(await code(guest.ask("rename", { from: path, to: "/app/data/got" })), "EACCES", path);
          assert.equal(await code(guest.ask("rename", { from: "/app/data/f", to: path })), "EACCES", path);
        }
        assert.equal((await guest.stat(link, false)).kind, "symlink");
      }
      for (const link of ["file", "nearfile", "dangling", "environ"].map((each) => `/app/data/${each}`)) {
        assert.equal(await code(guest.open(link, "r")), "EACCES", link);
        assert.equal(await code(guest.open(link, "w")), "EACCES", link);
        assert.equal(await code(guest.open(link, "a")), "EACCES", link);
        assert.equal(await code(guest.open(link, "wx")), "EEXIST", link);
        assert.equal(await code(guest.open(link, "r+", { follow: false })), "ELOOP", link);
      }
      // The host's paths are not shown; a relative target says no more than the names in it.
      assert.equal(await code(guest.ask("readlink", { path: "/app/data/absolute" })), "EACCES");
      assert.equal((await guest.ask("readlink", { path: "/app/data/relative" })).target, "../out");
      // What is done to the link itself stays inside.
      await guest.ask("rename", { from: "/app/data/file", to: "/app/data/renamed" });
      await guest.ask("unlink", { path: "/app/data/renamed" });
      await guest.ask("unlink", { path: "/app/data/absolute" });
      await guest.ask("rename", { from: "/app/data/f", to: "/app/data/relative" });
      assert.equal(await guest.text("/app/data/relative"), "inside");
      assert.deepEqual(readdirSync(outside), ["secret"]);
      assert.equal(readFileSync(join(outside, "secret"), "utf8"), SECRET);
      await guest.files.close();
      assert.equal(descriptors(), before);
    });

    test("loops and long chains of symlinks end", async () => {
      const { inside } = hostFolder();
      symlinkSync("loop", join(inside, "loop"));
      symlinkSync("pong", join(inside, "ping"));
      symlinkSync("ping/x", join(inside, "pong"));
      symlinkSync("f", join(inside, "1"));
      for (let i = 2; i <= 41; i++) symlinkSync(String(i - 1), join(inside, String(i)));
      const guest = new Guest(ground, { "/app/data": `rw:${inside}` });
      for (const path of ["loop", "loop/x", "ping", "ping/", "41"])
        assert.equal(await code(guest.open(`/app/data/${path}`, "r")), "ELOOP", path);
      assert.equal(await guest.text("/app/data/40"), "inside");
      await guest.files.close();
    });

    test("`..` stays in what the guest sees", async () => {
      const { inside } = hostFolder();
      symlinkSync("..", join(inside, "sub", "up"));
      const guest = new Guest(ground, { "/app/data": `rw:${inside}` });
      for (const path of [
        "/app/data/../../../../etc/passwd",
        "/app/data/sub/../../../etc/passwd",
        "/app/data/../out/secret",
        "/app/data/sub/up/../out/secret",
        "/../out/secret",
        "/app/data/sub/../../out/secret",
      ])
        assert.equal(await code(guest.open(path, "r")), "ENOENT", path);
      assert.equal(await guest.text("/app/data/sub/up/../data/sub/../f"), "inside");
      await guest.files.close();
    });

    test("symlinks and mounts in one another", async () => {
      const { inside, outside } = hostFolder();
      symlinkSync("data/secret", join(inside, "link"));
      symlinkSync("data/../f", join(inside, "round"));
      symlinkSync("../f", join(outside, "up"));
      const guest = new Guest(ground, { "/app": `ro:${inside}`, "/app/data": `rw:${outside}` });
      // The link's names mean in the guest what they would mean there without it.
      assert.equal(await guest.text("/app/link"), SECRET);
      assert.equal(await guest.text("/app/round"), "inside");
      assert.equal(await code(guest.open("/app/data/up", "r")), "EACCES");
      await guest.files.close();
    });

    test("only files and folders are opened, and nothing blocks", {
      skip: process.platform === "win32",
    }, async () => {
      const { inside } = hostFolder();
      assert.equal(spawnSync("mkfifo", [join(inside, "fifo")]).status, 0);
      const server = createServer().listen(join(inside, "socket"));
      await new Promise((resolve) => server.once("listening", resolve));
      const special = ["fifo", "socket"];
      if (spawnSync("mknod", [join(inside, "device"), "c", "1", "3"]).status === 0) special.push("device");
      const guest = new Guest(ground, { "/app/data": `rw:${inside}` });
      for (const path of special.map((each) => `/app/data/${each}`)) {
        for (const mode of ["r", "w", "r+", "a"] as const)
          assert.equal(await code(guest.open(path, mode)), "EACCES", path);
        assert.equal(await code(guest.open(path, "d")), "ENOTDIR");
        assert.equal(await code(guest.ask("truncate", { path, size: 0 })), "EACCES");
        assert.equal((await guest.stat(path)).kind, "other");
        await guest.ask("unlink", { path });
      }
      server.close();
      await guest.files.close();
    });

    test("a hard link that the host made is a file like any other", async () => {
      const { inside, outside } = hostFolder();
      linkSync(join(outside, "secret"), join(inside, "hard"));
      const guest = new Guest(ground, { "/app/data": `ro:${inside}` });
      assert.equal(await guest.text("/app/data/hard"), SECRET);
      assert.equal((await guest.stat("/app/data/hard")).links, 2);
      await guest.files.close();
    });

    test("a read-only folder stays so through a writable one around it", async () => {
      const host = folder();
      const fixed = join(host, "data", "fixed");
      mkdirSync(join(fixed, "deep", "own"), { recursive: true });
      mkdirSync(join(host, "data", "other"));
      mkdirSync(join(host, "empty"));
      writeFileSync(join(fixed, "f"), "fixed");
      symlinkSync("data/fixed", join(host, "short"));
      symlinkSync("data/fixed/f", join(host, "shortfile"));
      const guest = new Guest(ground, {
        "/app/all": `rw:${host}`,
        "/app/fixed": `ro:${fixed}`,
        "/app/empty": `ro:${join(host, "empty")}`,
        "/app/own": `rw:${join(fixed, "deep", "own")}`,
      });
      const times = { follow: true, accessed: "0", modified: "0" };
      for (const folder of [
        "/app/all/data/fixed",
        "/app/all/short",
        "/app/all/data/other/../fixed",
        "/app/fixed",
      ])
        for (const attempt of [
          () => guest.open(`${folder}/f`, "w"),
          () => guest.open(`${folder}/f`, "r+"),
          () => guest.open(`${folder}/new`, "wx"),
          () => guest.open(`${folder}/deep/new`, "wx"),
          () => guest.ask("mkdir", { path: `${folder}/new` }),
          () => guest.ask("unlink", { path: `${folder}/f` }),
          () => guest.ask("rmdir", { path: `${folder}/deep` }),
          () => guest.ask("truncate", { path: `${folder}/f`, size: 0 }),
          () => guest.ask("times", { path: `${folder}/f`, ...times }),
          () => guest.ask("times", { path: folder, ...times }),
          () => guest.ask("rename", { from: `${folder}/f`, to: "/app/all/got" }),
          () => guest.ask("rename", { from: `${folder}/deep`, to: "/app/all/got" }),
          () => guest.ask("rename", { from: "/app/all/data/other", to: `${folder}/other` }),
        ])
          assert.equal(await code(attempt()), "EROFS", `${folder} ${attempt}`);
      const handle = (await guest.open("/app/all/data/fixed", "d")).handle;
      for (const attempt of [
        () => guest.open("/app/all/shortfile", "w"),
        () => guest.ask("rename", { from: "/app/all/data/fixed", to: "/app/all/moved" }),
        () => guest.ask("rename", { from: "/app/all/data", to: "/app/all/moved" }),
        () => guest.ask("rename", { from: "/app/all/empty", to: "/app/all/moved" }),
        () => guest.ask("rename", { from: "/app/all/data/other", to: "/app/all/empty" }),
        () => guest.ask("rmdir", { path: "/app/all/empty" }),
        () => guest.ask("times", { handle, accessed: "0", modified: "0" }),
      ])
        assert.equal(await code(attempt()), "EROFS", String(attempt));
      assert.equal((await guest.stat("/app/all/data/fixed")).writable, false);
      assert.equal((await guest.stat("/app/all/data/fixed/f")).writable, false);
      assert.equal((await guest.stat("/app/all/data")).writable, true);
      assert.equal(await guest.text("/app/all/short/f"), "fixed");
      // Around it all is writable, and so is what was given for writing further inside.
      await guest.ask("rename", { from: "/app/all/data/other", to: "/app/all/data/else" });
      await guest.put("/app/all/data/else/f", "x");
      await guest.put("/app/own/f", "own");
      assert.equal(await guest.text("/app/fixed/deep/own/f"), "own");
      assert.ok(existsSync(join(fixed, "f")));
      await guest.files.close();

      const both = new Guest(ground, { "/app/a": `rw:${fixed}`, "/app/b": `ro:${fixed}` });
      assert.equal(await code(both.put("/app/a/new", "")), "EROFS");
      await both.files.close();
    });

    test("a mount whose folder is a symlink by now is not there", async () => {
      const { host, inside, outside } = hostFolder();
      renameSync(inside, join(host, "away"));
      symlinkSync(outside, inside);
      const guest = new Guest(ground, { "/app/data": `rw:${inside}`, "/app/sub": `rw:${inside}/sub` });
      assert.equal(await code(guest.open("/app/data/secret", "r")), "EACCES");
      assert.notEqual(await code(guest.list("/app/sub")), "it works");
      await guest.files.close();
    });
  });

test("mounts are checked against the project root", () => {
  const { host, inside } = hostFolder();
  symlinkSync("../out", join(inside, "away"));
  symlinkSync("sub", join(inside, "near"));
  assert.equal(checkMount(inside, "./sub"), join(inside, "sub"));
  assert.equal(checkMount(inside, "."), inside);
  assert.equal(checkMount(inside, "near"), join(inside, "sub"));
  const cases: [string, RegExp][] = [
    ["..", /outside of the project: `\.\.` leads above.*\[outside-project\]$/],
    ["sub/../../out", /leads above/],
    [join(host, "out"), /it has to be relative/],
    ["away", /"away" is outside of the project: a symlink leads out/],
    [
      ".capsule",
      /^the folder "\.capsule" can't be a task's: "\.capsule" is kept from sandboxes \[outside-project\]$/,
    ],
    ["f", /there is no folder "f" in the project root \[file-not-found\]$/],
    ["nope", /there is no folder "nope"/],
  ];
  for (const [path, message] of cases) assert.throws(() => checkMount(inside, path), { message });
});

test("unexpected errors say nothing of the host", () => {
  const host = Object.assign(new Error("ERR: /home/me"), { code: "ERR_SOMETHING", path: "/home/me" });
  for (const error of [host, new TypeError("/home/me"), "/home/me", null]) {
    const { code, message, cause } = forGuest(error, { call: "open", path: "/app/x" });
    assert.deepEqual([code, message, cause], ["EIO", "EIO: i/o error, open '/app/x'", undefined]);
  }
});

test("names that mean something else on Windows are refused there", () => {
  for (const name of [
    "a\\..\\b",
    "c:",
    "f:stream",
    "CON",
    "nul.txt",
    "com1",
    "LPT³.x",
    "a.",
    "a ",
    "a?",
    "\u0001",
    // Short for `.capsule`, `capsule.toml` and `.env`.
    "CAPSUL~1",
    "capsul~2.tom",
    "ENV~1",
    "CA1B2C~1.TOM",
  ])
    assert.throws(() => refuseOnWindows(name), { name: "Refused" }, name);
  for (const name of ["a", ".env", "console", "com", "größe 🎈.txt", "a b"]) refuseOnWindows(name);
});
