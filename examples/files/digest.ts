/**
 * Reads a folder of notes in one task and writes a digest into another folder in a second one.
 *
 *     npx capsule run examples/files/digest.ts
 *
 * Each task reaches the folders it names, and nothing else of the disk: the reader can't write, the writer can't read
 * the notes. `capsule.toml` beside this file is the most that any task of this project can get.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { task } from "@capsule-run/sdk";

interface Note {
  readonly name: string;
  readonly title: string;
  readonly words: number;
}

const readNotes = task(
  { name: "read_notes", allowedFiles: [{ path: "./notes", mode: "read-only" }] },
  async (): Promise<Note[]> => {
    const names = (await readdir("notes")).sort();
    return Promise.all(
      names.map(async (name) => {
        const text = await readFile(`notes/${name}`, "utf8");
        const title = text.split("\n", 1)[0]?.replace(/^# /, "") ?? name;
        return { name, title, words: text.split(/\s+/).filter(Boolean).length };
      }),
    );
  },
);

const writeDigest = task(
  { name: "write_digest", allowedFiles: ["./out"] },
  async (notes: Note[]): Promise<string> => {
    const lines = notes.map(({ title, words }) => `- ${title}: ${words} words`);
    await writeFile("out/digest.md", `${lines.join("\n")}\n`);
    const stolen = await readFile("notes/monday.md", "utf8").catch((error: Error) => error.message);
    return `${lines.length} notes in out/digest.md; reading them from here: ${stolen}`;
  },
);

export const main = task({ name: "main" }, async (): Promise<string> => {
  const notes = await readNotes();
  if (!notes.success) throw new Error(notes.error.message);
  const digest = await writeDigest(notes.result);
  if (!digest.success) throw new Error(digest.error.message);
  return digest.result;
});
