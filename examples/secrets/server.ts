/**
 * A service that wants a key, and that sends back what it was sent, for the examples beside it.
 *
 *     SERVICE_KEY=correct-horse-battery node examples/secrets/server.ts
 */
import { createServer } from "node:http";

const key = process.env.SERVICE_KEY ?? "";

createServer(({ headers }, response) => {
  const known = key !== "" && headers.authorization === `Bearer ${key}`;
  response.writeHead(known ? 200 : 401, { "content-type": "application/json" });
  response.end(JSON.stringify({ user: known ? "ada" : null, youSent: headers.authorization }));
}).listen(18788, "localhost", () => console.log("http://localhost:18788/"));
