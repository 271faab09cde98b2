/**
 * Uses a key that it never has. The service has to run: `SERVICE_KEY=correct-horse-battery node
 * examples/secrets/server.ts`.
 *
 *     SERVICE_KEY=correct-horse-battery npx capsule run examples/secrets/whoami.ts
 *
 * What the program sees is a placeholder; the host puts the key in its place on the way to the one service it is for,
 * and takes it out again of whatever comes back.
 */
import { task } from "@capsule-run/sdk";

export const main = task(
  { name: "main", allowedHosts: ["localhost:18788"], envVariables: ["SERVICE_KEY"] },
  async (): Promise<object> => {
    const key = process.env.SERVICE_KEY;
    const response = await fetch("http://localhost:18788/", { headers: { authorization: `Bearer ${key}` } });
    const { user, youSent } = (await response.json()) as { user: string | null; youSent: string };
    return { user, iHold: key, theServiceGotWhatISee: youSent === `Bearer ${key}` };
  },
);
