import { openWorld, type RunWorld } from "../world.ts";

/** A world in which there is nothing. */
export const bareWorld = (): Promise<RunWorld> =>
  openWorld({
    ...{ run: "r", root: "/", tasks: [], secrets: [], seed: "" },
    environment: { get: () => undefined, names: () => [] },
    warn: () => {},
    transport: () => Promise.reject(new Error("there is no network")),
  });
