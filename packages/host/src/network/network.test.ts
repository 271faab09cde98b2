import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NETWORK_LIMITS } from "./limits.ts";
import { ask, bodyOf, echo, echoed, failing, network, PATIENT, perform, serve, serveRaw } from "./testing.ts";
import { createTransport } from "./transport.ts";

const doneOf = ({ head }: { head: object }): boolean => (head as { done: boolean }).done;

describe("requests", () => {
  test("a small one takes one round trip", async () => {
    await using server = await serve(echo);
    await using net = network([server.host], PATIENT);
    const got = await ask(net, `${server.url}/a?b=c#d`, { headers: [["X-Name", "Välue"]] });
    assert.equal(got.head.status, 200);
    assert.equal(got.head.statusText, "OK");
    assert.equal(got.head.handle, null);
    assert.equal(got.head.url, `${server.url}/a?b=c`);
    assert.equal(got.head.redirected, false);
    const names = got.head.headers.map(([name]) => name.toLowerCase());
    assert.ok(names.includes("content-type") && names.includes("content-length"));
    assert.ok(!names.includes("connection") && !names.includes("keep-alive"));
    const { method, url, rawHeaders } = JSON.parse(got.payload.toString());
    assert.deepEqual([method, url], ["GET", "/a?b=c"]);
    assert.deepEqual(rawHeaders, ["host", server.host, "connection", "keep-alive", "X-Name", "Välue"]);
  });

  test("with bodies, and without", async () => {
    await using server = await serve(echo);
    await using net = network([server.host], PATIENT);
    const posted = await echoed(net, server.url, {
      method: "POST",
      body: "a=b",
      headers: [["Content-Length", "3"]],
    });
    assert.equal(posted.body, "a=b");
    assert.ok(posted.rawHeaders.includes("content-length"));
    assert.equal((await echoed(net, server.url, { method: "POST", body: "" })).body, "");
    assert.equal((await echoed(net, server.url, { method: "POST" })).body, "");
    assert.equal((await echoed(net, server.url, { method: "PURGE" })).method, "PURGE");
    const head = await ask(net, server.url, { method: "HEAD" });
    assert.equal(head.head.handle, null);
    assert.equal(head.payload.length, 0);
  });

  test("answers without a body", async () => {
    await using server = await serve((request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { "content-encoding": "gzip" }).end();
    });
    await using net = network([server.host], PATIENT);
    for (const status of [200, 204, 304, 404, 500]) {
      const got = await ask(net, `${server.url}/${status}`);
      assert.deepEqual([got.head.status, got.head.handle, got.payload.length], [status, null, 0]);
    }
  });

  test("localhost is loopback, whatever a resolver says", async () => {
    await using server = await serve(echo);
    await using net = network([`localhost:${server.port}`, `a.localhost:${server.port}`], {
      resolve: async () => ["10.0.0.1"],
    });
    assert.equal((await ask(net, `http://localhost:${server.port}/`)).head.status, 200);
    assert.equal((await ask(net, `http://a.localhost.:${server.port}/`)).head.status, 200);
  });

  test("many run in parallel, over connections that are used again", async () => {
    let most = 0;
    let now = 0;
    await using server = await serve((_, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        response.end("x");
      }, 100);
    });
    const transport = createTransport();
    await using net = network([server.host], { transport, limits: { parallel: 25 } });
    const started = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => ask(net, server.url)));
    const took = performance.now() - started;
    assert.ok(took < 2500, `${took} ms`);
    assert.equal(most, 25);
    assert.ok(transport.sockets <= 25, `${transport.sockets} sockets`);
    await net.close();
    await transport.close();
    assert.equal(transport.sockets, 0);
  });

  test("connections are not shared between runs", async () => {
    const ports = new Set<number | undefined>();
    await using server = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    const transport = createTransport();
    for (const scope of ["a", "a", "b"]) {
      await using net = network([server.host], { transport, scope });
      await ask(net, server.url);
      await sleep(5);
      await ask(net, server.url);
      await sleep(5);
    }
    assert.equal(ports.size, 2);
    await transport.close();
  });

  test("a run that is over takes its connections with it, and nobody else's", async () => {
    await using server = await serve(echo);
    const transport = createTransport();
    for (const scope of ["a", "b"]) {
      await using net = network([server.host], { transport, scope });
      await ask(net, server.url);
    }
    assert.equal(transport.sockets, 2);
    transport.leave("a");
    await sleep(100);
    assert.equal(transport.sockets, 1);
    await transport.close();
  });

  test("a transport closes connections nobody uses", async () => {
    await using server = await serve(echo);
    const transport = createTransport({ keepAliveMs: 50 });
    await using net = network([server.host], { transport });
    await ask(net, server.url);
    assert.equal(transport.sockets, 1);
    await sleep(300);
    assert.equal(transport.sockets, 0);
    await transport.close();
    await assert.rejects(ask(net, server.url), failing("ECONNRESET"));
  });
});

describe("bodies in pieces", () => {
  test("a large response comes in pieces, and no faster than it is read", async () => {
    const size = 8 * 1024 * 1024;
    let isSent = false;
    await using server = await serve((_, response) => {
      response.end(Buffer.alloc(size, "x"), () => {
        isSent = true;
      });
    });
    await using net = network([server.host]);
    const got = await ask(net, server.url);
    assert.ok(got.head.handle !== null && got.payload.length <= NETWORK_LIMITS.pieceBytes);
    let total = got.payload.length;
    for (let done = false; !done; ) {
      const next = await perform(net, "read", { handle: got.head.handle });
      assert.ok(next.payload.length <= NETWORK_LIMITS.pieceBytes);
      done = doneOf(next);
      assert.ok(done || next.payload.length > 0);
      total += next.payload.length;
    }
    assert.equal(total, size);
    assert.ok(isSent);
    await assert.rejects(perform(net, "read", { handle: got.head.handle }), failing("EABORTED"));
  });

  test("an endless response is not read ahead", async () => {
    let written = 0;
    await using server = await serve((_, response) => {
      const piece = Buffer.alloc(64 * 1024);
      const more = (): void => {
        do written += piece.length;
        while (response.write(piece));
      };
      response.on("drain", more);
      more();
    });
    await using net = network([server.host]);
    const { head } = await ask(net, server.url);
    await sleep(200);
    const before = written;
    await sleep(100);
    assert.equal(written, before);
    // What the sockets of both sides hold, the system's buffers included.
    assert.ok(before < 24 * 1024 * 1024, `${before} bytes`);
    await perform(net, "cancel", { handle: head.handle });
    await assert.rejects(perform(net, "read", { handle: head.handle }), failing("EABORTED"));
  });

  test("events arrive one by one", async () => {
    await using server = await serve(async (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      for (let i = 0; i < 3; i++) {
        await sleep(30);
        response.write(`data: ${i}\n\n`);
      }
      response.end();
    });
    await using net = network([server.host]);
    const { head, payload } = await ask(net, server.url);
    assert.equal(payload.length, 0);
    for (let i = 0; i < 3; i++) {
      const event = await perform(net, "read", { handle: head.handle });
      assert.equal(event.payload.toString(), `data: ${i}\n\n`);
    }
    assert.ok(doneOf(await perform(net, "read", { handle: head.handle })));
  });

  test("a streamed upload, both ways at once", async () => {
    await using server = await serve((request, response) => {
      response.flushHeaders();
      request.pipe(response);
    });
    await using net = network([server.host]);
    const { handle } = (await ask(net, server.url, { method: "POST", stream: true })).head;
    assert.ok(handle);
    await perform(net, "write", { handle }, "one");
    const { head, payload } = await perform(net, "response", { handle });
    assert.deepEqual([head.status, head.handle], [200, handle]);
    let seen = payload.toString();
    while (seen !== "one") seen += (await perform(net, "read", { handle })).payload.toString();
    await perform(net, "write", { handle }, "two");
    assert.equal((await perform(net, "read", { handle })).payload.toString(), "two");
    await perform(net, "end", { handle });
    assert.ok(doneOf(await perform(net, "read", { handle })));
    // Over: nobody minds.
    await perform(net, "write", { handle }, "three");
    await perform(net, "end", { handle });
    assert.equal(net.requests[0]?.request_bytes, 6);
    assert.equal(net.requests[0]?.response_bytes, 6);
  });

  test("an upload waits for who reads it", async () => {
    let resume: (() => void) | undefined;
    await using server = await serve((request, response) => {
      request.pause();
      resume = () => request.resume();
      request.on("end", () => response.end("thanks"));
    });
    await using net = network([server.host], PATIENT);
    const { handle } = (await ask(net, server.url, { method: "POST", stream: true })).head;
    let accepted = 0;
    const size = 256 * 1024;
    const writing = (async () => {
      for (let i = 0; i < 100; i++) {
        await perform(net, "write", { handle }, Buffer.alloc(size));
        accepted += size;
      }
      await perform(net, "end", { handle });
    })();
    await sleep(200);
    assert.ok(accepted < 20 * 1024 * 1024, `${accepted} bytes`);
    resume?.();
    await writing;
    const { head, payload } = await perform(net, "response", { handle });
    assert.deepEqual([head.status, payload.toString(), head.handle], [200, "thanks", null]);
  });

  test("a server that answers before it has read all ends the upload, not the exchange", async () => {
    await using server = await serve((_, response) =>
      response.writeHead(413, { connection: "close" }).end("too much"),
    );
    await using net = network([server.host]);
    const { handle } = (await ask(net, server.url, { method: "POST", stream: true })).head;
    for (let i = 0; i < 40; i++)
      await perform(net, "write", { handle }, Buffer.alloc(64 * 1024)).catch(() => {});
    const got = await perform(net, "response", { handle });
    assert.deepEqual([got.head.status, (await bodyOf(net, got)).toString()], [413, "too much"]);
  });

  test("a streamed body is as long as it says", async () => {
    await using server = await serve(echo);
    await using net = network([server.host]);
    const start = async (length: number): Promise<number | null> =>
      (
        await ask(net, server.url, {
          method: "PUT",
          stream: true,
          headers: [["content-length", `${length}`]],
        })
      ).head.handle;
    const right = await start(5);
    await perform(net, "write", { handle: right }, "hello");
    await perform(net, "end", { handle: right });
    const { body, rawHeaders } = JSON.parse(
      (await perform(net, "response", { handle: right })).payload.toString(),
    );
    assert.equal(body, "hello");
    assert.ok(rawHeaders.includes("content-length") && !rawHeaders.includes("transfer-encoding"));
    for (const [length, sent] of [
      [3, "hello"],
      [9, "hello"],
    ] as const) {
      const handle = await start(length);
      await perform(net, "write", { handle }, sent).catch(() => {});
      await perform(net, "end", { handle }).catch(() => {});
      await assert.rejects(perform(net, "response", { handle }), failing("EINVAL", /Content-Length/));
    }
  });
});

describe("handles", () => {
  test("that are none, or used wrongly", async () => {
    await using server = await serve((_, response) => {
      response.write("x");
    });
    await using net = network([server.host]);
    for (const handle of [0, 1, -1, 1.5, "1", null, undefined, {}])
      for (const name of ["read", "write", "end", "response", "cancel"])
        await assert.rejects(perform(net, name, { handle }), failing("EINVAL"), `${name} ${handle}`);
    await assert.rejects(perform(net, "toString", {}), failing("EINVAL"));
    const { handle } = (await ask(net, server.url)).head;
    await assert.rejects(perform(net, "write", { handle }, "x"), failing("EINVAL", /not a stream/));
    await assert.rejects(perform(net, "response", { handle }), failing("EINVAL", /already/));
    const first = perform(net, "read", { handle });
    await assert.rejects(perform(net, "read", { handle }), failing("EINVAL", /one place/));
    await perform(net, "cancel", { handle });
    await assert.rejects(first, failing("EABORTED"));
    const upload = (await ask(net, server.url, { method: "POST", stream: true })).head.handle;
    await assert.rejects(perform(net, "read", { handle: upload }), failing("EINVAL"));
  });

  test("are limited, and free again when the response was read", async () => {
    await using server = await serve((_, response) => response.end(Buffer.alloc(300_000)));
    await using net = network([server.host], { limits: { open: 2 } });
    const first = await ask(net, server.url);
    await ask(net, server.url);
    await assert.rejects(ask(net, server.url), failing("ELIMIT", /\(open\)/));
    await assert.rejects(
      ask(net, server.url, { method: "POST", stream: true }),
      failing("ELIMIT", /\(open\)/),
    );
    assert.equal((await bodyOf(net, first)).length, 300_000);
    await ask(net, server.url);
  });
});

describe("ends", () => {
  test("by signal, cancel and close, at once, and leave no socket", async () => {
    await using server = await serveRaw((socket) => socket.resume());
    const transport = createTransport();
    await using net = network([server.host], { transport });
    const stop = new AbortController();
    const signalled = ask(net, server.url, { signal: stop.signal });
    const { handle } = (await ask(net, server.url, { method: "POST", stream: true })).head;
    const cancelled = perform(net, "response", { handle });
    const closed = ask(net, server.url);
    const all = Promise.all([
      assert.rejects(signalled, failing("EABORTED")),
      assert.rejects(cancelled, failing("EABORTED")),
      assert.rejects(closed, failing("EABORTED")),
    ]);
    await sleep(50);
    assert.equal(server.sockets.size, 3);
    const started = performance.now();
    stop.abort();
    await perform(net, "cancel", { handle });
    await net.close();
    await all;
    assert.ok(performance.now() - started < 500);
    await sleep(50);
    assert.deepEqual([transport.sockets, server.sockets.size], [0, 0]);
    await assert.rejects(ask(net, server.url), failing("EABORTED"));
    await assert.rejects(ask(net, server.url, { signal: stop.signal }), failing("EABORTED"));
    assert.ok(net.requests.every(({ error }) => error === "EABORTED: the request was aborted"));
    await transport.close();
  });

  test("by time: of the head, between pieces, of an upload", async () => {
    await using silent = await serveRaw(() => {});
    await using slow = await serveRaw((socket) => {
      // A head that never ends.
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x: y\r\n"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    await using stuck = await serve((_, response) => {
      response.write("begin");
    });
    await using net = network([silent.host, slow.host, stuck.host], { limits: { headMs: 150, idleMs: 150 } });
    const started = performance.now();
    const late = failing("ETIMEDOUT");
    const upload = (await ask(net, silent.url, { method: "POST", stream: true })).head.handle;
    await Promise.all([
      assert.rejects(ask(net, silent.url), late),
      assert.rejects(ask(net, silent.url, { timeoutMs: 60 }), failing("ETIMEDOUT", /within 60 ms/)),
      assert.rejects(ask(net, slow.url), late),
      ask(net, stuck.url).then(({ head }) =>
        assert.rejects(perform(net, "read", { handle: head.handle }), late),
      ),
      assert.rejects(async () => {
        for (;;) await perform(net, "write", { handle: upload }, Buffer.alloc(1024 * 1024));
      }, late),
    ]);
    assert.ok(performance.now() - started < 2000);
    await assert.rejects(perform(net, "response", { handle: upload }), late);
  });
});

test("the numbers of docs/limits.md", () => {
  const text = readFileSync(new URL("../../../../docs/limits.md", import.meta.url), "utf8");
  for (const [name, value] of Object.entries(NETWORK_LIMITS)) {
    const line = text.split("\n").find((each) => each.startsWith("| ") && each.includes(`(\`${name}\`)`));
    const forms = [value.toLocaleString("en-US"), `${value / 1024} KiB`, `${value / 1024 ** 2} MiB`];
    forms.push(`${value / 1024 ** 3} GiB`, `${(value / 1000).toLocaleString("en-US")} s`, `${value} ms`);
    assert.ok(
      line && forms.some((form) => ` ${line} `.includes(` ${form} `)),
      `${name} is ${value}: ${line}`,
    );
  }
});
