import { ApiError, type History, type Message } from "../src/app/api";
import type { Host, Init } from "../src/app/host";
import type { StoredKey } from "../src/protocol";

/** Makes a message of the transcript. */
export function message(seq: number, author: Message["author"] = "bot", text = `text ${seq}`, clientID: string | null = null): Message {
  return { id: `id-${seq}`, seq, author, text, created_at: new Date(Date.UTC(2026, 0, 1, 12, seq)).toISOString(), client_id: clientID };
}

/** A server's stream that a test writes by hand. */
export class FakeStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly position: string;
  readonly resumed: boolean;
  ended = false;
  private controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(position: string, resumed: boolean, signal: AbortSignal) {
    this.position = position;
    this.resumed = resumed;
    this.body = new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
      cancel: () => {
        this.ended = true;
      },
    });
    signal.addEventListener("abort", () => (this.ended = true));
  }

  write(text: string): void {
    this.controller.enqueue(new TextEncoder().encode(text));
  }

  event(id: number, name: string, data: unknown): void {
    this.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  close(): void {
    this.controller.close();
  }
}

/** A server in memory with the API's promises: one message for one client id, a stream from a position. */
export class FakeServer {
  readonly sessions = new Map<string, Message[]>();
  readonly streams: FakeStream[] = [];
  readonly posts: { token: string; clientID: string; text: string }[] = [];
  readonly receiptsTold: unknown[] = [];
  typings = 0;
  /** Errors to answer the next posts with, instead of storing. */
  refusals: (ApiError | null)[] = [];
  /** Whether the network is gone. */
  offline = false;
  historyCalls: (number | null)[] = [];

  createSession = async (): Promise<string> => {
    this.reachable();
    const token = `token-${this.sessions.size + 1}`;
    this.sessions.set(token, []);
    return token;
  };

  send = async (token: string, clientID: string, text: string): Promise<Message> => {
    this.posts.push({ token, clientID, text });
    this.reachable();
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    const messages = this.messages(token);
    const known = messages.find((m) => m.client_id === clientID);
    if (known) return known;
    const stored = message(messages.length + 1, "customer", text, clientID);
    messages.push(stored);
    return stored;
  };

  history = async (token: string, after: number | null): Promise<History> => {
    this.reachable();
    this.historyCalls.push(after);
    const messages = this.messages(token);
    return { messages: messages.filter((m) => m.seq > (after ?? 0)), position: 100 };
  };

  stream = async (token: string, position: string, resumed: boolean, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
    this.reachable();
    this.messages(token);
    const stream = new FakeStream(position, resumed, signal);
    this.streams.push(stream);
    return stream.body;
  };

  typing = async (): Promise<void> => {
    this.typings++;
  };

  receipts = async (_token: string, upTo: unknown): Promise<void> => {
    this.receiptsTold.push(upTo);
  };

  private messages(token: string): Message[] {
    const messages = this.sessions.get(token);
    if (!messages) throw new ApiError(401, "unknown token");
    return messages;
  }

  private reachable(): void {
    if (this.offline) throw new ApiError(0, "offline");
  }
}

/** The shop's page, as far as the app can see. */
export class FakeHost implements Host {
  readonly kept = new Map<string, string>();
  unreadCount = 0;
  closed = 0;

  store(key: StoredKey, value: string | null): void {
    if (value === null) this.kept.delete(key);
    else this.kept.set(key, value);
  }

  load(key: StoredKey): Promise<string | null> {
    return Promise.resolve(this.kept.get(key) ?? null);
  }

  unread(count: number): void {
    this.unreadCount = count;
  }

  close(): void {
    this.closed++;
  }

  init(open = true): Init {
    const config = { channel: "0198c0de-0000-7000-8000-000000000001", name: "Shop", bot_name: "Aya", disclose_bot: true };
    return { config, lang: "en", open, focus: false, stored: Object.fromEntries(this.kept) };
  }
}
