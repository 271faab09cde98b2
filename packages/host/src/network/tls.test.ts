import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { SecretsOnTheWay } from "../capability.ts";
import { ask, failing, listening, network, serve, serveRaw, type TestServer } from "./testing.ts";
import { createTransport, type Transport } from "./transport.ts";

const hasOpenssl = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("TLS", { skip: !hasOpenssl && "there is no openssl" }, () => {
  let folder = "";
  let ca = "";
  let server: TestServer;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "capsule-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const names = "subjectAltName=DNS:secure.localhost,DNS:api.test,IP:127.0.0.1";
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const rest = ["-days", "2", "-subj", "/CN=capsule test", "-addext", names, "-keyout", key, "-out", cert];
    execFileSync("openssl", [...request, ...rest], { stdio: "ignore" });
    ca = readFileSync(cert, "utf8");
    server = await listening(
      createServer({ key: readFileSync(key), cert: ca }, (request, response) =>
        response.end(
          `${request.headers.host} ${(request.socket as TLSSocket & { servername?: string }).servername}`,
        ),
      ),
      "https",
    );
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("verifies, by name and by address, and pins all the same", async () => {
    const transport = createTransport({ ca });
    const named = [`api.test:${server.port}`, `secure.localhost:${server.port}`];
    await using net = network([server.host, ...named], { transport, resolve: async () => ["127.0.0.1"] });
    assert.equal((await ask(net, server.url)).payload.toString(), `${server.host} false`);
    for (const name of named)
      assert.equal((await ask(net, `https://${name}/`)).payload.toString(), `${name} ${name.split(":")[0]}`);
    await net.close();
    await transport.close();
    assert.equal(transport.sockets, 0);
  });

  test("refuses what is for another host, or that nobody vouches for", async () => {
    const transport = createTransport({ ca });
    await using net = network([`other.localhost:${server.port}`, server.host], { transport });
    await assert.rejects(
      ask(net, `https://other.localhost:${server.port}/`),
      failing("ETLS", /another host/),
    );
    await using plain = network([server.host]);
    await assert.rejects(
      ask(plain, server.url),
      failing("ETLS", /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/),
    );
    await assert.rejects(ask(net, server.url.replace("https", "http")), failing("ECONNRESET"));
    await transport.close();
  });

  test("refuses a server that has none", async () => {
    await using http = await serve((_, response) => response.end());
    await using net = network([http.host]);
    await assert.rejects(ask(net, http.url.replace("http", "https")), failing("ETLS"));
  });

  test("is given up in the middle of a handshake that never ends", async () => {
    await using silent = await serveRaw((socket) => socket.resume());
    const transport = createTransport();
    await using net = network([silent.host], { transport });
    const stop = new AbortController();
    const waiting = ask(net, silent.url.replace("http", "https"), { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await assert.rejects(waiting, failing("EABORTED"));
    await sleep(50);
    assert.deepEqual([transport.sockets, silent.sockets.size], [0, 0]);
    await transport.close();
  });

  test("makes a request secure, as loopback does, and plain HTTP to elsewhere does not", async () => {
    const seen: boolean[] = [];
    const secrets: SecretsOnTheWay = {
      substitute: (request, secure) => {
        seen.push(secure);
        return request;
      },
      scrubText: (text) => text,
      scrubber: () => null,
      redact: (text) => text,
    };
    const nowhere: Transport = {
      send: () => Promise.reject(new Error("not sent")),
      leave: () => {},
      close: async () => {},
      sockets: 0,
    };
    const hosts = ["127.0.0.1", "far.test"];
    await using net = network(hosts, { transport: nowhere, secrets, resolve: async () => ["93.184.216.34"] });
    for (const url of ["http://127.0.0.1", "http://far.test", "https://far.test"])
      await assert.rejects(ask(net, url), failing("ECONNRESET"));
    assert.deepEqual(seen, [true, false, true]);
  });
});
