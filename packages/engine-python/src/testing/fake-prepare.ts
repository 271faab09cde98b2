/** The process that makes engines, with a workshop that takes no time. `CAPSULE_FAKE` makes it misbehave. */
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { servePreparation } from "../prepare.ts";

const [scene = "", file = ""] = (process.env.CAPSULE_FAKE ?? "").split("=");

const section = (id: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([id, content.length]), content]);

servePreparation({
  // A module of one section that is kept and one of data.
  rewrite: (wasm, variant) =>
    Buffer.concat([
      Buffer.from(wasm).subarray(0, 8),
      section(0, Buffer.from(`\0${variant}`)),
      section(11, Buffer.from("data")),
    ]),
  async boot({ wasm, variant, stdlib }) {
    if (scene === "count") appendFileSync(file, "boot\n");
    if (scene === "slow") await delay(60_000);
    if (scene === "full") throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    if (scene === "throw") throw new Error("it does not start");
    if (scene === "crash") process.abort();
    if (scene === "count") await delay(200);
    return {
      image: Buffer.from(`image of ${wasm.length} bytes over ${readFileSync(stdlib)}`),
      info: { variant, floor: 1 },
    };
  },
});
