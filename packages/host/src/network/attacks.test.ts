/** What a program, a server or a resolver may try; nothing here leaves this machine. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createGzip } from "node:zlib";
import type { OutgoingRequest, SecretsOnTheWay } from "../capability.ts";
import { createSecrets } from "../secrets/index.ts";
import { ask, bodyOf, echo, echoed, failing, network, perform, serve, serveRaw } from "./testing.ts";
import { createTransport } from "./transport.ts";

const forbidden = failing("EFORBIDDEN");

/** A name that is not this machine, whose address may be this one's: for the connection, not for the rules. */
const PUBLIC = "93.184.216.34";

describe("addresses", () => {
  test("loopback in every notation is refused unless the allowlist has it", async () => {
    let asked = 0;
    await using server = await serve((_, response) => {
      asked++;
      response.end();
    });
    await using net = network(["*", `*:${server.port}`]);
    const hosts = [
      "127.0.0.1",
      "127.1",
      "127.0.1",
      "2130706433",
      "0x7f000001",
      "0x7f.0.0.1",
      "017700000001",
      "0177.1",
    ];
    const six = [
      "[::1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "[::127.0.0.1]",
      "[64:ff9b::7f00:1]",
      "[::]",
    ];
    const names = [
      "localhost",
      "LOCALHOST.",
      "a.localhost",
      "①②⑦.0.0.1",
      "127。0。0。1",
      "%31%32%37.0.0.1",
      "0",
      "0.0.0.0",
    ];
    for (const host of [...hosts, ...six, ...names])
      await assert.rejects(ask(net, `http://${host}:${server.port}/`), forbidden, host);
    assert.equal(asked, 0);
    assert.equal(net.requests.length, hosts.length + six.length + names.length);
  });

  test("a listed name that resolves to a private address, among public ones too", async () => {
    for (const address of [
      "10.0.0.1",
      "127.0.0.1",
      "169.254.169.254",
      "::1",
      "::ffff:10.0.0.1",
      "fd00:ec2::254",
    ])
      for (const addresses of [[address], [PUBLIC, address], [address, PUBLIC]]) {
        await using net = network(["api.example.com", "*"], { resolve: async () => addresses });
        await assert.rejects(ask(net, "http://api.example.com/"), failing("EFORBIDDEN", /resolves to/));
        const [record] = net.requests;
        assert.deepEqual([record?.status, record?.response_bytes], [null, 0]);
        assert.ok(!record?.error?.includes(address));
      }
  });

  test("the address that was checked is the one that is connected to, though the name has another by then", async () => {
    await using good = await serve((request, response) => response.end(request.headers.host));
    let asked = 0;
    const answers = [["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]];
    const resolve = async (): Promise<readonly string[]> => answers[Math.min(asked++, 2)] ?? [];
    await using net = network([`rebind.test:${good.port}`, good.host], { resolve });
    const url = `http://rebind.test:${good.port}/`;
    const first = await ask(net, url);
    // By its name, though by the address that was checked.
    assert.equal(first.payload.toString(), `rebind.test:${good.port}`);
    assert.equal(asked, 1);
    // The connection is still there, but it is not for this answer.
    await assert.rejects(ask(net, url), forbidden);
    await assert.rejects(ask(net, url), forbidden);
    assert.equal(asked, 3);
  });

  test("a name that is not listed is not even looked up", async () => {
    const asked: string[] = [];
    const resolve = async (host: string): Promise<readonly string[]> => {
      asked.push(host);
      return [];
    };
    await using net = network(["a.test", "*.b.test"], { resolve });
    for (const url of [
      "http://stolen-data.evil.test/",
      "http://a.test:81/",
      "http://a.test.evil.test",
      "http://b.test",
    ])
      await assert.rejects(ask(net, url), forbidden);
    assert.deepEqual(asked, []);
  });

  test("resolvers that fail, or answer nonsense", async () => {
    const resolvers = [
      async () => Promise.reject(new Error("getaddrinfo in /host/path")),
      () => {
        throw new Error("/host/path");
      },
      async () => [],
      async () => ["nonsense"],
      async () => [PUBLIC, "fe80::1%eth0"],
    ];
    for (const resolve of resolvers) {
      await using net = network(["a.test"], { resolve });
      await assert.rejects(ask(net, "http://a.test/"), failing("EDNS", /^there is no address for "a.test"$/));
    }
    await using net = network(["a.test"], { resolve: () => new Promise(() => {}), limits: { headMs: 50 } });
    await assert.rejects(ask(net, "http://a.test/"), failing("ETIMEDOUT"));
  });
});

describe("redirects", () => {
  test("each hop is checked again", async () => {
    let reached = 0;
    await using other = await serve((_, response) => {
      reached++;
      response.end("reached");
    });
    await using server = await serve((request, response) => {
      const location = decodeURIComponent((request.url ?? "").slice(1));
      response.writeHead(302, { location }).end();
    });
    await using net = network([server.host, "listed.test"], { resolve: async () => ["10.0.0.1"] });
    const targets = [
      ...[
        other.url,
        `http://localhost:${server.port}/`,
        "http://169.254.169.254/latest/meta-data",
        "//evil.test/",
      ],
      ...[`http://[::ffff:127.0.0.1]:${server.port}/`, `http://[::1]:${server.port}/`, "http://listed.test/"],
      ...[
        `https://${server.host}@evil.test/`,
        `http://evil.test\\@${server.host}/`,
        `http://evil.test#@${server.host}/`,
      ],
      ...["http://metadata.google.internal/", "http://0x7f.1/"],
    ];
    for (const target of targets)
      await assert.rejects(ask(net, `${server.url}/${encodeURIComponent(target)}`), forbidden, target);
    assert.equal(reached, 0);
    for (const target of ["file:///etc/passwd", "gopher://x/", "http://", "javascript:1"])
      await assert.rejects(
        ask(net, `${server.url}/${encodeURIComponent(target)}`),
        failing("EINVAL"),
        target,
      );
    const record = net.requests.at(1);
    assert.deepEqual([record?.url, record?.status], [`${other.url}/`, null]);
    assert.match(record?.error ?? "", /^EFORBIDDEN: /);
  });

  test("that go on and on", async () => {
    await using server = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end("there");
      else response.writeHead(302, { location: `/${left > 90 ? left : left - 1}` }).end("going on");
    });
    await using net = network([server.host]);
    const got = await ask(net, `${server.url}/20`);
    assert.deepEqual([got.head.status, got.head.redirected, got.head.url], [200, true, `${server.url}/0`]);
    assert.equal(net.requests.length, 21);
    await assert.rejects(ask(net, `${server.url}/21`), failing("EREDIRECT", /20 redirects/));
    await assert.rejects(ask(net, `${server.url}/99`), failing("EREDIRECT", /20 redirects/));
    const manual = await ask(net, `${server.url}/5`, { redirect: "manual" });
    assert.equal(manual.head.status, 302);
    assert.equal(new Map(manual.head.headers).get("location"), "/4");
    await assert.rejects(ask(net, `${server.url}/5`, { redirect: "error" }), failing("EREDIRECT"));
  });

  test("do not take credentials to another origin, nor back", async () => {
    await using last = await serve(echo);
    await using first = await serve((request, response) => {
      if (request.url === "/back") echo(request, response);
      else response.writeHead(307, { location: request.url === "/away" ? last.url : "/back" }).end();
    });
    await using net = network([first.host, last.host]);
    const headers = [
      ["Authorization", "Bearer x"],
      ["Cookie", "a=b"],
      ["X-Mine", "c"],
    ] as const;
    const names = async (path: string): Promise<readonly string[]> =>
      (await echoed(net, first.url + path, { method: "POST", body: "abc", headers })).rawHeaders;
    const away = await names("/away");
    assert.ok(!away.includes("Authorization") && !away.includes("Cookie") && away.includes("X-Mine"));
    assert.ok((await names("/here")).includes("Authorization"));
    assert.equal((await echoed(net, `${first.url}/away`, { method: "POST", body: "abc" })).body, "abc");
  });

  test("a streamed body is not sent twice", async () => {
    await using server = await serve((request, response) => {
      if (request.url === "/there") echo(request, response);
      else response.writeHead(Number(request.url?.slice(1)), { location: "/there" }).end();
    });
    await using net = network([server.host]);
    const upload = async (status: number) => {
      const { handle } = (await ask(net, `${server.url}/${status}`, { method: "POST", stream: true })).head;
      await perform(net, "write", { handle }, "piece");
      return perform(net, "response", { handle });
    };
    await assert.rejects(upload(307), failing("EREDIRECT", /streamed/));
    await assert.rejects(upload(302), failing("EREDIRECT", /streamed/));
    assert.equal(JSON.parse((await upload(303)).payload.toString()).method, "GET");
  });

  test("an endless body of one is not waited for", async () => {
    await using server = await serve((request, response) => {
      if (request.url === "/there") return response.end("there");
      response.writeHead(302, { location: "/there" });
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      return more();
    });
    await using net = network([server.host]);
    assert.equal((await ask(net, server.url)).payload.toString(), "there");
  });
});

describe("servers", () => {
  const answering = (text: string | Buffer, end = true) =>
    serveRaw((socket) => {
      socket.once("data", () => (end ? socket.end(text) : socket.write(text)));
    });

  test("with heads that are too large, too many, or none", async () => {
    const table: Readonly<Record<string, readonly [string, string]>> = {
      large: [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, "ELIMIT"],
      many: [`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(300)}content-length: 0\r\n\r\n`, "ELIMIT"],
      none: ["", "ECONNRESET"],
      nonsense: ["SSH-2.0-OpenSSH\r\n", "ECONNRESET"],
      smuggled: [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "ECONNRESET",
      ],
      lengths: ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "ECONNRESET"],
      upgraded: [
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        "ECONNRESET",
      ],
    };
    for (const [name, [text, code]] of Object.entries(table)) {
      await using server = await answering(text);
      await using net = network([server.host]);
      await assert.rejects(ask(net, server.url), failing(code), name);
      await net.close();
      assert.equal(net.requests.length, 1);
    }
  });

  test("with bodies that end too early, or chunks that are none", async () => {
    for (const text of ["content-length: 9\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz"]) {
      await using server = await answering(`HTTP/1.1 200 OK\r\n${text}`);
      await using net = network([server.host]);
      await assert.rejects(
        ask(net, server.url).then((got) => bodyOf(net, got)),
        failing("ECONNRESET"),
      );
      assert.match(net.requests[0]?.error ?? "", /^ECONNRESET/);
    }
  });

  test("a second answer on a connection is nobody's", async () => {
    const ok = (text: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    let connections = 0;
    await using server = await serveRaw((socket) => {
      connections++;
      socket.on("data", () => socket.write(connections === 1 ? ok("mine") + ok("poison") : ok("yours")));
    });
    await using net = network([server.host]);
    assert.equal((await ask(net, server.url)).payload.toString(), "mine");
    assert.equal((await ask(net, server.url)).payload.toString(), "yours");
  });

  test("that answer anything at all", async () => {
    const whole =
      "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nx: y\r\n\r\n";
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const mangled = (): Buffer => {
      const bytes = Buffer.from(whole);
      for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256);
      const from = random(bytes.length);
      return random(3) > 0
        ? bytes
        : Buffer.concat([bytes.subarray(0, from), bytes.subarray(random(from + 1))]);
    };
    await using server = await serveRaw((socket) => socket.once("data", () => socket.end(mangled())));
    await using net = network([server.host]);
    const codes = new Set<string>();
    const one = async (): Promise<void> => {
      try {
        await bodyOf(net, await ask(net, server.url));
        codes.add("fine");
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    };
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 50 }, one));
    assert.deepEqual([...codes].sort(), ["ECONNRESET", "fine"]);
    assert.equal(net.requests.filter(({ status, error }) => status === null && error === null).length, 0);
  });

  test("that are not there", async () => {
    const server = await serve(() => {});
    await server[Symbol.asyncDispose]();
    await using net = network([server.host]);
    await assert.rejects(
      ask(net, server.url),
      failing("ECONNREFUSED", /^"127.0.0.1:\d+" refused the connection$/),
    );
    await using named = network([`localhost:${server.port}`]);
    await assert.rejects(ask(named, `http://localhost:${server.port}`), failing("ECONNREFUSED"));
  });
});

test("what a program puts into a URL stays in its request", async () => {
  await using server = await serve(echo);
  await using net = network([server.host]);
  const { url, rawHeaders } = await echoed(net, `${server.url}/a b%0d%0aX: y?q=\u{1f600} HTTP/1.1`);
  assert.equal(url, "/a%20b%0d%0aX:%20y?q=%F0%9F%98%80%20HTTP/1.1");
  assert.deepEqual(rawHeaders, ["host", server.host, "connection", "keep-alive"]);
});

test("records: every request, credentials taken out, at most so many and so long", async () => {
  await using server = await serve(echo);
  await using net = network([server.host], { limits: { records: 6 } });
  const withUser = server.url.replace("://", "://user:pass@");
  const sent = await echoed(net, `${withUser}/x#fragment`);
  assert.ok(sent.rawHeaders.includes(`Basic ${Buffer.from("user:pass").toString("base64")}`));
  await ask(net, `${server.url}/${"y".repeat(3000)}`, { method: "POST", body: "12345" });
  await assert.rejects(ask(net, "https://user:pass@evil.test/?a=b"), forbidden);
  await assert.rejects(ask(net, "https://user:pass@evil test/\0"), failing("EINVAL"));
  await assert.rejects(ask(net, "//user:pass@evil.test/"), failing("EINVAL"));
  await assert.rejects(ask(net, "ht\ntp://user:pass@evil.test/", { method: "\n" }), failing("EINVAL"));
  for (let i = 0; i < 3; i++) await ask(net, server.url);
  const [plain, long, evil, malformed, relative, broken] = net.requests;
  assert.equal(net.requests.length, 6);
  assert.deepEqual([plain?.url, plain?.status, plain?.error], [`${server.url}/x`, 200, null]);
  assert.ok((plain?.response_bytes ?? 0) > 100 && Number.isSafeInteger(plain?.duration_ms));
  assert.deepEqual([long?.method, long?.url.length, long?.request_bytes], ["POST", 1024, 5]);
  assert.deepEqual([evil?.url, evil?.status], ["https://evil.test/?a=b", null]);
  assert.match(evil?.error ?? "", /^EFORBIDDEN: "evil.test" is not among the hosts that this task may reach/);
  assert.equal(malformed?.url, "https://evil test/");
  assert.equal(relative?.url, "//evil.test/");
  assert.equal(broken?.url, "http://evil.test/");
  assert.ok(!JSON.stringify(net.requests).includes("pass"));
});

describe("secrets", () => {
  const [PLACEHOLDER, VALUE] = ["placeholder-0000", "real-value-12345"];
  /** Goes to `only`, and hides what comes back: enough to see where it is used. */
  function secretsFor(only: string, seen: string[] = []): SecretsOnTheWay {
    const put = (text: string): string => text.replaceAll(PLACEHOLDER, VALUE);
    const hide = (text: string): string => text.replaceAll(VALUE, PLACEHOLDER);
    let held = "";
    return {
      substitute(request: OutgoingRequest, secure: boolean): OutgoingRequest {
        seen.push(`${request.url.host} ${secure}`);
        if (request.url.host !== only || !secure) return request;
        return {
          ...request,
          url: new URL(put(request.url.href)),
          headers: request.headers.map(([name, value]) => [name, put(value)] as const),
          body: request.body && Buffer.from(put(Buffer.from(request.body).toString())),
        };
      },
      scrubText: hide,
      scrubber: () => ({
        // Keeps all back to the end.
        push: (piece) => {
          held += Buffer.from(piece).toString("latin1");
          return new Uint8Array(0);
        },
        end: () => {
          const all = Buffer.from(hide(held), "latin1");
          held = "";
          return all;
        },
      }),
      redact: (text) => hide(text).replaceAll(PLACEHOLDER, "***"),
    };
  }

  test("go where they may, on every hop anew, and do not come back", async () => {
    const arrived: string[] = [];
    const noting =
      (name: string) => (request: Parameters<typeof echo>[0], response: Parameters<typeof echo>[1]) => {
        const text = `${request.url} ${request.headers["x-key"]}`;
        arrived.push(`${name} ${text}`);
        response.setHeader("x-echo", text);
        if (request.url === "/go")
          // What a server that has the value may try: to send it on.
          return response.writeHead(302, { location: `${other.url}/got?key=${VALUE}` }).end();
        return response.end(text);
      };
    await using other: Awaited<ReturnType<typeof serve>> = await serve(noting("other"));
    await using server = await serve(noting("server"));
    const seen: string[] = [];
    await using net = network([server.host, other.host], { secrets: secretsFor(server.host, seen) });
    const headers = [["x-key", PLACEHOLDER]] as const;
    const got = await ask(net, `${server.url}/?k=${PLACEHOLDER}`, { headers });
    assert.equal(arrived.shift(), `server /?k=${VALUE} ${VALUE}`);
    assert.equal((await bodyOf(net, got)).toString(), `/?k=${PLACEHOLDER} ${PLACEHOLDER}`);
    assert.equal(new Map(got.head.headers).get("x-echo"), `/?k=${PLACEHOLDER} ${PLACEHOLDER}`);
    assert.equal(got.head.url, `${server.url}/?k=${PLACEHOLDER}`);
    assert.ok(!got.head.headers.some(([name]) => name === "content-length"));

    const sent = await ask(net, `${server.url}/go`, { headers });
    assert.deepEqual(arrived, [`server /go ${VALUE}`, `other /got?key=${PLACEHOLDER} ${PLACEHOLDER}`]);
    assert.equal(sent.head.url, `${other.url}/got?key=${PLACEHOLDER}`);
    assert.deepEqual(seen, [`${server.host} true`, `${server.host} true`, `${other.host} true`]);
    const shown = JSON.stringify(net.requests);
    assert.ok(!shown.includes(VALUE) && !shown.includes(PLACEHOLDER), shown);
  });

  test("stay out of messages, and out of headers they would break", async () => {
    await using server = await serve(echo);
    const secrets: SecretsOnTheWay = {
      ...secretsFor(server.host),
      substitute: (request) => ({ ...request, headers: [["x-key", `${VALUE}\r\nx: y`]] }),
    };
    await using net = network([server.host, `${VALUE}.test`], { secrets });
    await assert.rejects(ask(net, server.url), (error: Error) => {
      failing("EINVAL")(error);
      return !error.message.includes(VALUE);
    });
    const resolve = async (): Promise<readonly string[]> => [];
    await using named = network([`${VALUE}.test`], { secrets, resolve });
    await assert.rejects(ask(named, `http://${VALUE}.test`), failing("EDNS", new RegExp(PLACEHOLDER)));
  });
});

test("the secrets of a run, and a server that echoes them in every way it knows", async () => {
  const value = "sk-5ecretValue/+with=signs~1234567890";
  await using server = await serve((request, response) => {
    const authorization = request.headers.authorization ?? "";
    assert.equal(authorization, `Bearer ${value}`);
    response.setHeader("x-echo", authorization).setHeader("content-encoding", "gzip");
    const bytes = Buffer.from(` ${authorization} `);
    const forms = [
      bytes.toString(),
      bytes.toString("base64"),
      bytes.toString("hex"),
      encodeURIComponent(value),
    ];
    const gzip = createGzip();
    gzip.pipe(response);
    gzip.end(forms.join("\n"));
  });
  const spec = { name: "KEY", value, hosts: [server.host], query: false, body: false };
  const secrets = createSecrets([spec], "seed");
  await using net = network([server.host], { secrets: secrets.onTheWay() });
  const headers = [["Authorization", `Bearer ${secrets.placeholder("KEY")}`]] as const;
  const got = await ask(net, `${server.url}/?key=${secrets.placeholder("KEY")}`, { headers });
  const [plain = "", base64 = "", hex = "", url = ""] = (await bodyOf(net, got)).toString().split("\n");
  for (const text of [
    plain,
    Buffer.from(base64, "base64").toString(),
    Buffer.from(hex, "hex").toString(),
    url,
  ])
    assert.ok(text.length > 30 && !text.includes(value.slice(3, 20)), text);
  assert.equal(new Map(got.head.headers).get("x-echo"), `Bearer ${secrets.placeholder("KEY")}`);
  assert.match(net.requests[0]?.url ?? "", /\?key=\[secret KEY\]$/);
});

test("an unused network costs no transport, and closing twice is fine", async () => {
  const net = network(["*"]);
  await net.close();
  await net.close();
  const transport = createTransport();
  await transport.close();
  await transport.close();
  assert.equal(transport.sockets, 0);
});
