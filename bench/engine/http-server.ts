/** Answers every request with a short JSON text, in a process of its own. Says a line when it listens. */
import { createServer } from "node:http";

const BODY = JSON.stringify({ hello: "world", filler: "x".repeat(200) });

createServer((_request, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": BODY.length });
  response.end(BODY);
}).listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
