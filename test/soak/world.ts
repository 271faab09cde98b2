/** What the programs of a soak reach: a file of their project, and a server on this machine. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export const FILE = "data/text";
export const TEXT = "of the file";
export const GREETING = "of the server";

export interface World extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
}

/** Writes the file into a folder and starts the server, which never answers what is asked at `/silent`. */
export async function openWorld(folder: string): Promise<World> {
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, FILE), TEXT);
  const server = createServer(({ url }, response) => {
    if (url !== "/silent") response.end(GREETING);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
