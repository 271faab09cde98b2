import { task } from "@capsule-run/sdk";

/** Sends `count` requests, `atOnce` of them at a time, and gives the number of characters that came back. */
export const main = task(
  { name: "main", compute: "HIGH", allowedHosts: ["127.0.0.1:18790"] },
  async (url: string, count: number, atOnce: number): Promise<number> => {
    let characters = 0;
    for (let i = 0; i < count; i += atOnce) {
      const texts = Array.from({ length: atOnce }, async () => (await fetch(url)).text());
      for (const text of await Promise.all(texts)) characters += text.length;
    }
    return characters;
  },
);
