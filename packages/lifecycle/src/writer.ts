import { parentPort, workerData } from "node:worker_threads";
import type { FromWriter, ToWriter } from "./messages.ts";
import { Projects } from "./projects.ts";
import { BUSY_MS, KEPT, type Kept } from "./records.ts";

/** The thread that writes: the only one of a runtime that waits for the disk while runs are under way. */

const BEAT_MS = 1000;

const post = (message: FromWriter): void => parentPort?.postMessage(message);

const projects = new Projects({
  kept: { ...KEPT, ...(workerData as Partial<Kept> | null) },
  busyMs: BUSY_MS,
  stopped: (root, problem) => post({ type: "stopped", root, problem }),
});
const beating = setInterval(() => projects.beat(), BEAT_MS);

parentPort?.on("message", (message: ToWriter) => {
  if (message.type === "batch") {
    projects.write(message);
    post({ type: "done" });
    return;
  }
  clearInterval(beating);
  projects.close();
  post({ type: "closed" });
  parentPort?.close();
});
