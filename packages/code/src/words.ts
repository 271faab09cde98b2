import { grouped, LIMITS } from "@capsule-run/protocol";
import type { SessionMemory } from "@capsule-run/runtime";

/** The sentences of executions. */

/** An envelope's message is of the task `main` and its policy; who runs code knows of neither. */
export const ofCode = (message: string): string =>
  message
    .replaceAll('"main"', "the code")
    .replace(
      /that is what `max_(compute|ram|timeout)` of the policy leaves of it; raise that/,
      "raise `limits.$1`",
    )
    .replace(
      /its `ram` of ([0-9,]+ bytes)(, which is what `max_ram` of the policy leaves of it)?/,
      "its `limits.ram` of $1",
    )
    .replace(/raise `(compute|ram|timeout)`/, "raise `limits.$1`");

export const BROKEN = "the code broke what runs it: its answer can't be read";

export const outputCut = (): string =>
  `What was printed is cut after ${grouped(LIMITS.attemptOutputBytes)} bytes.`;

export const valueCut = (): string =>
  `The value's text is cut to ${grouped(LIMITS.valueCharacters)} characters.`;

export const outputsDropped = (count: number): string =>
  `${grouped(count)} rich ${count === 1 ? "output was" : "outputs were"} left out: a call may have ${LIMITS.richOutputs} of ${grouped(LIMITS.richOutputBytes)} bytes together, and images and PDF are base64.`;

export const filesCut = (): string =>
  `workspace/ holds more than ${grouped(LIMITS.workspaceFiles)} files; not all that were written are listed.`;

const STAYS = "Files in workspace/, and what the call did outside of its sandbox, stay as they are.";

export const MEMORY: Readonly<Record<SessionMemory, string | null>> = {
  kept: null,
  rolled_back: `The session's memory is as it was before this call. ${STAYS}`,
  lost: `The session's memory is lost: the next call begins with a fresh one. ${STAYS}`,
};

/** What a runtime says of the policy that it was given is of an option that somebody else knows by another name. */
export const ofOptions = (text: string): string =>
  text.replace(/^max_ram is/, "limits.ram is").replace(/(an empty sandbox) of \S+/, "$1");
