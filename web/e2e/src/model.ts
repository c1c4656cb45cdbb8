import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a model's server refuses. */
interface Refusal {
  status: number;
  code: string;
  message: string;
}

/** Refusals that come to an end at once: none of them is worth a second call. */
export const refusals = {
  badKey: { status: 401, code: "invalid_api_key", message: "Incorrect API key provided" },
  contentFilter: { status: 400, code: "content_filter", message: "The prompt was filtered" },
  badRequest: { status: 400, code: "model_not_found", message: "There is no such model" },
} satisfies Record<string, Refusal>;

/** A model's server of the test's own: it says what the test wants, or refuses. */
export class ModelServer {
  private readonly server: Server;
  private refusal: Refusal | null = null;
  private text = "";

  private constructor() {
    this.server = createServer((request, response) => {
      request.resume();
      request.on("end", () => (this.refusal ? refuse(response, this.refusal) : say(response, this.text)));
    });
  }

  /** Opens one on a free port. */
  static async open(): Promise<ModelServer> {
    const model = new ModelServer();
    model.server.listen(0, "127.0.0.1");
    await once(model.server, "listening");
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  fail(refusal: Refusal): void {
    this.refusal = refusal;
  }

  answer(text: string): void {
    this.refusal = null;
    this.text = text;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ error: { message, code, type: "test" } }));
}

function say(response: ServerResponse, text: string): void {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const head = { id: "test", object: "chat.completion.chunk", created: 0, model: "test" };
  const send = (rest: object) => response.write(`data: ${JSON.stringify({ ...head, ...rest })}\n\n`);
  send({ choices: [{ index: 0, delta: { role: "assistant", content: text }, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  send({ choices: [], usage: { prompt_tokens: 900, completion_tokens: 12, total_tokens: 912 } });
  response.end("data: [DONE]\n\n");
}
