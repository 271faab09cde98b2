/**
 * The prelude: evaluated once in a fresh engine, before any program. Its completion value is `entry`, the only
 * function the host calls. See `door.ts` for what crosses.
 */
import { type EntryOp, STATUS } from "../door.ts";
import { attempt, fail, failUnhandled, settle } from "./attempt.ts";
import { abandonCalls, completeCall, pendingCalls } from "./calls.ts";
import { installPerformance, startClock } from "./clock.ts";
import { installConsole } from "./console.ts";
import { installCrypto } from "./crypto.ts";
import { abandonEffects, answerEffect } from "./effects.ts";
import { surround } from "./environment.ts";
import { installStacks, reportJson } from "./errors.ts";
import { installGlobals } from "./globals.ts";
import { door } from "./host.ts";
import { installModules, loadPart } from "./library.ts";
import { chain, indexOf, SafePromise, slice, toText } from "./primordials.ts";
import { installRandom } from "./random.ts";
import { installRegistry, manifestJson, runTask } from "./registry.ts";
import { fireDue, installTimers, nextWake } from "./timers.ts";
import { scanBy } from "./values.ts";

/** A task that the host started while the program was still loading. */
let early: { readonly name: string; readonly args: string } | null = null;

/** Follows the evaluation of the program. */
function loading(evaluation: unknown, goal: unknown): void {
  if (goal !== "manifest") startClock();
  chain(
    new SafePromise((resolve) => resolve(evaluation)),
    () => {
      attempt.open = false;
      if (goal === "manifest") {
        surround("{}", false);
        settle(STATUS.result + manifestJson());
      } else if (early !== null) runTask(early.name, early.args);
    },
    fail,
  );
}

function preload(names: string): void {
  for (let from = 0; from < names.length; ) {
    const comma = indexOf(names, ",", from);
    const end = comma < 0 ? names.length : comma;
    loadPart(slice(names, from, end));
    from = end + 1;
  }
}

function start(name: string, args: string): void {
  startClock();
  if (attempt.open) {
    early = { name, args };
    return;
  }
  // What the snapshot was taken with: the list of tasks.
  attempt.outcome = null;
  runTask(name, args);
}

/** What the last task left is the next one's, but for what it waited for. */
function again(): string {
  if (attempt.open) return `${STATUS.typed}internal_error the program was not loaded`;
  abandonCalls();
  abandonEffects();
  return `${STATUS.idle},0`;
}

/** Where the attempt stands, in the form of `STATUS`. */
function status(): string {
  return attempt.outcome ?? `${STATUS.idle}${toText(nextWake() ?? "")},${pendingCalls()}`;
}

/** Fires at most one timer, unless the attempt has ended. */
function poll(): string {
  const fired = attempt.outcome === null && fireDue();
  return fired && attempt.outcome === null ? STATUS.timer : status();
}

function entry(op: EntryOp, a: unknown, b: unknown, c: unknown): string {
  try {
    switch (op) {
      case "report":
        return reportJson(a);
      case "poll":
        return poll();
      case "preload":
        preload(a as string);
        break;
      case "loading":
        loading(a, b);
        break;
      case "again":
        return again();
      case "start":
        start(a as string, b as string);
        break;
      case "complete":
        completeCall(a as string, b as string);
        break;
      case "reject":
        if (b === "job") fail(a);
        else failUnhandled(a);
        break;
      case "answer":
        answerEffect(a as string, b as string, c as Uint8Array<ArrayBuffer>);
        break;
      case "environment":
        surround(a as string, b === "loading");
    }
    return status();
  } catch (error) {
    fail(error);
    return attempt.outcome as string;
  }
}

scanBy((json) => door.suspect(json) === 1);
installStacks();
installRegistry();
installRandom();
installTimers();
installPerformance();
installCrypto();
installConsole();
installGlobals();
installModules();

export { entry };
