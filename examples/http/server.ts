/**
 * A small weather service for the examples beside it.
 *
 *     node examples/http/server.ts
 */
import { createServer } from "node:http";

const DEGREES: Readonly<Record<string, number>> = { Oslo: 4, Lagos: 31, Lima: 19, Kyoto: 12 };

createServer(({ url = "/" }, response) => {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const city = searchParams.get("city") ?? "";
  const found = pathname === "/weather" && Object.hasOwn(DEGREES, city);
  response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
  response.end(
    JSON.stringify(found ? { city, degrees: DEGREES[city] } : { error: `no weather for ${city}` }),
  );
}).listen(18787, "localhost", () => console.log("http://localhost:18787/weather?city=Oslo"));
