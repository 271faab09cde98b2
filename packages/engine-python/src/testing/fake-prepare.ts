/** The process that makes engines, with a workshop that takes no time. `CAPSULE_FAKE` makes it misbehave. */
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { servePreparation } from "../prepare.ts";

const [scene = "", file = ""] = (process.env.CAPSULE_FAKE ?? "").split("=");

servePreparation({
  rewrite: (wasm, variant, { data }) =>
    Buffer.from(`${Buffer.from(wasm)} ${variant} ${data ? "with data" : ""}`),
  async boot({ wasm, variant, stdlib }) {
    if (scene === "count") appendFileSync(file, "boot\n");
    if (scene === "slow") await delay(60_000);
    if (scene === "full") throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    if (scene === "throw") throw new Error("it does not start");
    if (scene === "crash") process.abort();
    if (scene === "count") await delay(200);
    return {
      image: Buffer.from(`image of ${Buffer.from(wasm)} over ${readFileSync(stdlib)}`),
      info: { variant, floor: 1 },
    };
  },
});
