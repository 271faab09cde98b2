/** Events and aborting. */
import type { Kit } from "../library.ts";
import { AbortController, AbortSignal, useTimers } from "./abort.ts";
import { CustomEvent, Event } from "./event.ts";
import { EventTarget, reportTo } from "./event-target.ts";

export function make({ fail, timers }: Kit): unknown {
  reportTo(fail);
  useTimers(timers);
  return { Event, EventTarget, CustomEvent, AbortController, AbortSignal };
}
