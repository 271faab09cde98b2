/** What `test/files.test.ts` runs in a sandbox and in Node. */
import * as fs from "node:fs";
import fsp from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

interface Failed extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  readonly dest?: string;
}

/** What many uses of `node:fs` below a folder come to: the same in a sandbox and in Node. */
export async function look(root: string): Promise<unknown[]> {
  const out: unknown[] = [];
  const p = (name: string) => join(root, name);
  const shown = (value: unknown): unknown =>
    typeof value === "string" ? value.replaceAll(`${root}/`, "R/") : value;
  const step = async (run: () => unknown) => {
    try {
      out.push(shown((await run()) ?? null));
    } catch (error) {
      const { name, code, errno, syscall, path, dest, message } = error as Failed;
      out.push([
        "failed",
        name,
        code,
        errno ?? null,
        syscall ?? null,
        shown(path ?? null),
        shown(dest ?? null),
        shown(message),
      ]);
    }
  };
  await step(() => fs.writeFileSync(p("a.txt"), "héllo\n"));
  await step(() => fs.readFileSync(p("a.txt"), "utf8"));
  await step(() => fs.readFileSync(p("a.txt")).toString("hex"));
  await step(() => fs.appendFileSync(p("a.txt"), Buffer.from("more")));
  await step(() => fsp.readFile(p("a.txt"), { encoding: "latin1" }));
  await step(async () => {
    async function* pieces() {
      yield "ü";
      yield Buffer.from("b");
    }
    await fsp.writeFile(p("pieces.txt"), pieces());
    await fsp.appendFile(p("pieces.txt"), ["c", new Uint8Array([100])]);
    await fsp.appendFile(p("pieces.txt"), new Blob(["e"]).stream());
    const file = await fsp.open(p("pieces.txt"), "r+");
    const before = await fsp.readFile(file, "utf8");
    await fsp.writeFile(file, ["f"]);
    await file.writeFile(fs.createReadStream(p("a.txt")));
    await file.close();
    return [before, fs.readFileSync(p("pieces.txt"), "utf8")];
  });
  await step(() => fsp.writeFile(p("nope/x"), ["a"]));
  await step(() => fs.rmSync(p("pieces.txt")));
  await step(() => fs.readFileSync(p("nope")));
  await step(() => fsp.readFile(p("nope/x")));
  await step(() => fs.readFileSync(p("a.txt/x")));
  await step(() => fs.readFileSync(root));
  await step(() => fs.writeFileSync(p("a.txt"), "x", { flag: "wx" }));
  await step(() => fs.openSync(p("a.txt"), "zz"));
  await step(() => fs.readFileSync("a\0b"));
  await step(() => fs.readFileSync({} as never));
  await step(() => {
    const fd = fs.openSync(p("a.txt"), "r+");
    const b = Buffer.alloc(4);
    const n = [
      fs.readSync(fd, b),
      fs.readSync(fd, b, 0, 2, 0),
      b.toString(),
      fs.writeSync(fd, "ZZ", 1),
      fs.fstatSync(fd).size,
    ];
    fs.ftruncateSync(fd, 3);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    return n;
  });
  await step(() => fs.readFileSync(p("a.txt"), "utf8"));
  await step(() => fs.closeSync(999));
  await step(() => fs.mkdirSync(p("d/e/f"), { recursive: true })?.replace(root, "R"));
  await step(() => fs.mkdirSync(p("d/e/f"), { recursive: true }));
  await step(() => fs.mkdirSync(p("d")));
  await step(() => fs.mkdirSync(p("q/w")));
  await step(() => fs.mkdirSync(p("a.txt/w"), { recursive: true }));
  for (const n of ["d/1", "d/e/2", "d/ü"]) await step(() => fsp.writeFile(p(n), n));
  await step(() => fs.readdirSync(p("d")));
  await step(() => fs.readdirSync(p("d"), { recursive: true }).sort());
  await step(async () =>
    (await fsp.readdir(p("d"), { withFileTypes: true })).map((e) => [
      e.name,
      e.isFile(),
      e.isDirectory(),
      e.parentPath.replace(root, "R"),
    ]),
  );
  await step(() => fs.readdirSync(p("a.txt")));
  await step(() => fs.rmdirSync(p("d")));
  await step(() => fs.rmSync(p("d")));
  await step(() => fs.unlinkSync(p("d")));
  await step(() => fs.rmSync(p("zip"), { force: true }));
  await step(() => fs.rmSync(p("zip")));
  await step(() => fs.renameSync(p("d/1"), p("d/one")));
  await step(() => fs.renameSync(p("d/1"), p("d/one")));
  await step(() => fs.copyFileSync(p("d/one"), p("two")));
  await step(() => fs.copyFileSync(p("d/one"), p("two"), fs.constants.COPYFILE_EXCL));
  await step(() => fs.copyFileSync(p("gone"), p("two")));
  await step(() => fs.writeFileSync(p("two"), "longer than what is copied over it"));
  await step(() => fs.copyFileSync(p("d/one"), p("two")));
  for (const itself of ["two", "d/../two"])
    await step(() => fs.copyFileSync(p("two"), join(root, "/") + itself));
  await step(() => {
    try {
      fs.cpSync(p("two"), p("two"));
    } catch (error) {
      return (error as Failed).code;
    }
  });
  await step(() => fs.readFileSync(p("two"), "utf8"));
  await step(() => fs.cpSync(p("d"), p("copy"), { recursive: true }));
  await step(() => fs.readdirSync(p("copy"), { recursive: true }).sort());
  await step(() => {
    const s = fs.statSync(p("two"));
    return [s.isFile(), s.size, typeof s.mtimeMs, s.mtime instanceof Date, s.isDirectory(), s.nlink];
  });
  await step(() => fs.statSync(p("gone"), { throwIfNoEntry: false }));
  await step(() => fs.statSync(p("gone")));
  await step(() => fs.lstatSync(p("gone")));
  await step(() => {
    fs.utimesSync(p("two"), 1000, new Date(2_000_500));
    const s = fs.statSync(p("two"), { bigint: true });
    return [String(s.atimeNs), String(s.mtimeNs), String(s.mtimeMs), s.mtime.toISOString()];
  });
  await step(() => [fs.existsSync(p("two")), fs.existsSync(p("no")), fs.existsSync({} as never)]);
  await step(() => fs.accessSync(p("two"), fs.constants.R_OK | fs.constants.W_OK));
  await step(() => fs.accessSync(p("no")));
  await step(() => fs.truncateSync(p("two"), 1));
  await step(() => fs.truncateSync(p("no"), 1));
  await step(() => fs.readFileSync(p("two"), "utf8"));
  await step(() => {
    const t = fs.mkdtempSync(p("tmp-"));
    const ok = /tmp-.{6}$/.test(t);
    fs.rmdirSync(t);
    return ok;
  });
  await step(() => fs.mkdtempSync(p("no/tmp-")));
  await step(() => promisify(fs.readFile)(p("two"), "utf8"));
  await step(() => new Promise((r) => fs.readFile(p("two"), (e, d) => r([e, d.length]))));
  await step(() => new Promise((r) => fs.readFile(p("no"), (e, d) => r([e?.code, d ?? null]))));
  await step(() => (fs.readFile as unknown as (path: string) => void)(p("no")));
  await step(async () => {
    await using h = await fsp.open(p("h"), "w+");
    await h.write("abc");
    await h.write(Buffer.from("def"), 0, 2, 6);
    const { bytesRead, buffer } = await h.read(Buffer.alloc(10), 0, 10, 0);
    return [bytesRead, buffer.subarray(0, bytesRead).toString("hex"), (await h.stat()).size];
  });
  await step(async () => {
    const h = await fsp.open(p("h"));
    await h.close();
    try {
      await h.read();
    } catch (e) {
      return [(e as Failed).code, (e as Failed).syscall];
    }
  });
  await step(async () => {
    await pipeline(fs.createReadStream(p("a.txt")), fs.createWriteStream(p("s")));
    return fs.readFileSync(p("s"), "utf8");
  });
  await step(async () => {
    fs.writeFileSync(p("big"), Buffer.alloc(200_000, "0123456789"));
    const sizes: number[] = [];
    let n = 0;
    for await (const c of fs.createReadStream(p("big"), { highWaterMark: 1000, start: 5, end: 100_004 })) {
      n += c.length;
      sizes.push(c.length);
    }
    return [n, Math.max(...sizes), sizes.length];
  });
  await step(async () => {
    let t = "";
    for await (const c of fs.createReadStream(p("s"), { encoding: "utf8", start: 1 })) t += c;
    return t;
  });
  await step(async () => {
    for await (const chunk of fs.createReadStream(p("no"))) return chunk;
  });
  await step(async () => {
    const w = fs.createWriteStream(p("w"), { flags: "a" });
    w.write("1");
    w.write("2");
    await new Promise((r) => w.end("3", r as never));
    return [fs.readFileSync(p("w"), "utf8"), w.bytesWritten];
  });
  await step(async () => {
    const events: string[] = [];
    const s = fs.createReadStream(p("w"));
    for (const e of ["open", "ready", "data", "end", "close"]) s.on(e, () => events.push(e));
    await new Promise((r) => s.on("close", r));
    return events;
  });
  await step(async () => {
    const names: string[] = [];
    for await (const e of await fsp.opendir(p("d"))) names.push(e.name);
    return names.sort();
  });
  await step(() => {
    fs.renameSync(p("d"), p("a.txt"));
  });
  await step(() => {
    fs.renameSync(p("a.txt"), p("d"));
  });
  await step(() => fs.writeFileSync(p("enc"), "68656c6c6f", "hex"));
  await step(() => [
    fs.readFileSync(p("enc"), "base64"),
    fs.readFileSync(Buffer.from(p("enc")), "utf8"),
    fs.readFileSync(new URL(`file://${p("enc")}`), "utf8"),
  ]);
  await step(() => {
    const fd = fs.openSync(p("enc"), "r");
    try {
      fs.writeSync(fd, "x");
    } finally {
      fs.closeSync(fd);
    }
  });
  await step(() => {
    const fd = fs.openSync(p("v"), "w+");
    const n = fs.writevSync(fd, [Buffer.from("ab"), Buffer.from("cd")]);
    const b = [Buffer.alloc(1), Buffer.alloc(9)];
    const r = fs.readvSync(fd, b, 0);
    fs.closeSync(fd);
    return [n, r, b.map((x) => x.toString("hex"))];
  });
  await step(async () => {
    const lines: string[] = [];
    fs.writeFileSync(p("lines"), "a\nb\r\nc");
    const h = await fsp.open(p("lines"));
    for await (const l of h.readLines()) lines.push(l);
    return lines;
  });
  await step(() => fs.realpathSync(p("d/../d/./e")).replace(root, "R"));
  await step(() => fs.readlinkSync(p("enc")));
  await step(() => {
    fs.rmSync(p("d"), { recursive: true });
    return fs.readdirSync(root).sort();
  });
  return out;
}
