import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { task } from "@capsule-run/sdk";

/** Reads the `count` files of a folder, one after the other or 100 at once, and gives the number of their characters. */
export const main = task(
  { name: "main", compute: "HIGH", allowedFiles: [{ path: "data", mode: "read-only" }] },
  async (folder: string, count: number, way: "sync" | "parallel"): Promise<number> => {
    const names = Array.from({ length: count }, (_, i) => `${folder}/${i}.txt`);
    let characters = 0;
    if (way === "sync") for (const name of names) characters += readFileSync(name, "utf8").length;
    else
      for (let i = 0; i < names.length; i += 100) {
        const texts = await Promise.all(names.slice(i, i + 100).map((name) => readFile(name, "utf8")));
        for (const text of texts) characters += text.length;
      }
    return characters;
  },
);
