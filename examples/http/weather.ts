/**
 * Asks a service for several cities at once. The service has to run: `node examples/http/server.ts`.
 *
 *     npx capsule run examples/http/weather.ts
 *
 * The task may talk to the host it names and to no other.
 */
import { task } from "@capsule-run/sdk";

const SERVICE = "http://localhost:18787";

const ask = async (url: string): Promise<string> => {
  try {
    const response = await fetch(url);
    const answer = (await response.json()) as { city: string; degrees: number; error?: string };
    return response.ok ? `${answer.city}: ${answer.degrees} °C` : `${response.status}: ${answer.error}`;
  } catch (error) {
    const { cause, message } = error as Error;
    return `refused: ${cause instanceof Error ? cause.message : message}`;
  }
};

export const main = task(
  { name: "main", timeout: "10s", allowedHosts: ["localhost:18787"] },
  async (): Promise<string> => {
    const cities = ["Oslo", "Lagos", "Lima", "Atlantis"];
    const answers = await Promise.all(cities.map((city) => ask(`${SERVICE}/weather?city=${city}`)));
    return [...answers, await ask("http://169.254.169.254/latest/meta-data/")].join("\n");
  },
);
