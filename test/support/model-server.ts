/** A stand-in for the APIs of language models: it speaks their protocols and says what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ModelServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  close(): void;
}

interface Asked {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { readonly content: string }[];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Each event in a piece of its own, cut in the middle of a character for good measure. */
async function send(response: ServerResponse, events: readonly string[]): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  for (const event of events) {
    const bytes = Buffer.from(event);
    const cut = bytes.indexOf(0xc3) + 1 || bytes.length >> 1;
    response.write(bytes.subarray(0, cut));
    await pause(5);
    response.write(bytes.subarray(cut));
    await pause(5);
  }
  response.end();
}

const answerTo = (asked: Asked): string[] => ["You ", "säid: ", asked.messages.at(-1)?.content ?? ""];

/** https://platform.openai.com/docs/api-reference/chat */
async function chat(asked: Asked, response: ServerResponse): Promise<void> {
  const common = { id: "chatcmpl-1", created: 1, model: asked.model };
  if (!asked.stream) {
    const message = { role: "assistant", content: answerTo(asked).join("") };
    const choices = [{ index: 0, message, finish_reason: "stop", logprobs: null }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...common, object: "chat.completion", choices }));
    return;
  }
  const chunk = (delta: object, finish: string | null): string => {
    const choices = [{ index: 0, delta, finish_reason: finish, logprobs: null }];
    return `data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices })}\n\n`;
  };
  const words = answerTo(asked).map((content) => chunk({ content }, null));
  await send(response, [...words, chunk({}, "stop"), "data: [DONE]\n\n"]);
}

/** https://docs.anthropic.com/en/api/messages */
async function messages(asked: Asked, response: ServerResponse): Promise<void> {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: asked.model,
    stop_sequence: null,
    usage,
  };
  if (!asked.stream) {
    const content = [{ type: "text", text: answerTo(asked).join("") }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...message, content, stop_reason: "end_turn" }));
    return;
  }
  const event = (type: string, data: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const words = answerTo(asked).map((text) =>
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
  );
  await send(response, [
    event("message_start", { message: { ...message, content: [], stop_reason: null } }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event("ping", {}),
    ...words,
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage }),
    event("message_stop", {}),
  ]);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { authorization, "x-api-key": key } = request.headers;
  if (authorization !== "Bearer sk-test" && key !== "sk-test") {
    const error = { type: "authentication_error", message: "invalid key" };
    response
      .writeHead(401, { "content-type": "application/json" })
      .end(JSON.stringify({ type: "error", error }));
    return;
  }
  const asked = JSON.parse(Buffer.concat(pieces).toString()) as Asked;
  if (request.url === "/v1/chat/completions") await chat(asked, response);
  else if (request.url === "/v1/messages") await messages(asked, response);
  else response.writeHead(404).end();
}

export async function openModelServer(): Promise<ModelServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
