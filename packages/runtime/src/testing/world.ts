import { allowance, NO_CEILING, policiesFor } from "@capsule-run/config";
import { UNDECLARED } from "@capsule-run/protocol";
import { openWorld, type RunWorld } from "../world.ts";

/** A world in which there is nothing. */
export const bareWorld = (): Promise<RunWorld> =>
  openWorld({
    ...{ run: "r", root: "/", tasks: [], secrets: [], seed: () => "" },
    policies: policiesFor(UNDECLARED, allowance({}, { ceiling: NO_CEILING })),
    environment: { get: () => undefined, names: () => [] },
    warn: () => {},
    signal: new AbortController().signal,
    transport: () => Promise.reject(new Error("there is no network")),
  });
