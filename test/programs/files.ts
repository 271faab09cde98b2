import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { type TaskOptions, type TaskResult, task } from "@capsule-run/sdk";
import { look } from "./files-cases.ts";

const options = {
  compute: "HIGH",
  allowedFiles: ["./work", { path: "./fixed", mode: "read-only" }],
} satisfies Omit<TaskOptions, "name">;

const attempt = (run: () => unknown): unknown => {
  try {
    return run() ?? "done";
  } catch (error) {
    return (error as Error).message;
  }
};

export const same = task({ name: "same", ...options }, (root: string): Promise<unknown> => look(root));

/** Reading works, changing does not. */
export const fixed = task({ name: "fixed", ...options }, (): unknown[] => [
  attempt(() => fs.readFileSync("fixed/a.txt", "utf8")),
  attempt(() => fs.writeFileSync("fixed/a.txt", "x")),
  attempt(() => fs.writeFileSync("fixed/new.txt", "x")),
  attempt(() => fs.unlinkSync("fixed/a.txt")),
  attempt(() => fs.mkdirSync("fixed/d")),
  attempt(() => fs.renameSync("fixed/a.txt", "fixed/b.txt")),
  attempt(() => fs.truncateSync("fixed/a.txt")),
  attempt(() => fs.utimesSync("fixed/a.txt", 1, 1)),
  attempt(() => fs.accessSync("fixed/a.txt", fs.constants.W_OK)),
  attempt(() => fs.chmodSync("work", 0o777)),
  attempt(() => fs.symlinkSync("work", "work/link")),
  attempt(() => fs.linkSync("fixed/a.txt", "work/link")),
  attempt(() => fs.watch("work")),
]);

/** What there is outside of its folders. */
export const outside = task({ name: "outside", ...options }, (): unknown[] => [
  attempt(() => fs.readdirSync("/")),
  attempt(() => fs.readdirSync("/app")),
  attempt(() => fs.readdirSync(".")),
  attempt(() => fs.readFileSync("capsule.toml")),
  attempt(() => fs.readFileSync("../etc/passwd")),
  attempt(() => fs.readFileSync("/etc/passwd")),
  attempt(() => fs.readFileSync("work/../../etc/passwd")),
  attempt(() => fs.readFileSync("work/out")),
  attempt(() => fs.readFileSync("/proc/self/environ")),
  attempt(() => fs.readFileSync("/tmp/../etc/passwd")),
  attempt(() => fs.renameSync("work", "moved")),
  attempt(() => fs.readFileSync("main.ts")),
]);

const temporary = task({ name: "temporary" }, (name: string): unknown => {
  const before = fs.readdirSync(tmpdir());
  fs.writeFileSync(`/tmp/${name}`, name);
  const large = attempt(() => {
    for (let i = 0; ; i++) fs.writeFileSync(`/tmp/large${i}`, new Uint8Array(8 * 1024 * 1024));
  });
  return [
    before,
    fs.readFileSync(`/tmp/${name}`, "utf8"),
    large,
    attempt(() => fs.renameSync(`/tmp/${name}`, "work/x")),
  ];
});

export const many = task({ name: "many", ...options }, (count: number): unknown => {
  const names = fs.readdirSync("work/many");
  return [names.length === count, names[0], names.at(-1)];
});

/** Reads and writes in a file that is larger than the sandbox's memory. */
export const large = task({ name: "large", ...options, ram: "64MB" }, (): unknown => {
  const fd = fs.openSync("work/large", "w+");
  const size = 3_000_000_000;
  fs.ftruncateSync(fd, size);
  fs.writeSync(fd, "end", size - 3);
  const bytes = Buffer.alloc(10);
  const count = fs.readSync(fd, bytes, 0, 10, size - 5);
  const stat = fs.fstatSync(fd, { bigint: true });
  fs.closeSync(fd);
  const whole = attempt(() => fs.readFileSync("work/large"));
  fs.unlinkSync("work/large");
  return [count, bytes.subarray(0, count).toString("latin1"), String(stat.size), whole];
});

/** What a run of everything comes to. */
export const main = task({ name: "main" }, (): unknown => {
  const values = (...results: readonly TaskResult<unknown>[]): unknown[] =>
    results.map(({ result, error }) => error ?? result);
  return values(fixed(), outside(), temporary("a"), temporary("b"), many(100_000), large());
});
