import { Backoff } from "./backoff";
import { ApiError, type Api, type History, type Message } from "./api";
import { StreamParser, type StreamEvent } from "./sse";

/** What a Live connection tells its owner. */
export interface LiveHandlers {
  /** A page of the transcript; whole: it replaces what was known. */
  onHistory(history: History, whole: boolean): void;
  onMessage(message: Message): void;
  onTyping(author: "bot" | "operator"): void;
  onConnection(up: boolean): void;
  /** The token is not valid any more; the connection has ended. */
  onUnauthorized(): void;
  /** The newest seq that is known, or null before the first page. */
  lastSeq(): number | null;
}

/** The server sends a heartbeat every 15 s; silence of this length means that the connection is dead. */
const silenceLimit = 40_000;
/** The newest page of the transcript is so long; a longer gap is read page by page. */
const pageSize = 200;

/**
 * Keeps one session up to date: reads the transcript, follows the stream, and begins again whenever either breaks.
 * Each beginning asks for what came after the last known seq, and resumes the stream after the last event.
 */
export class Live {
  private readonly api: Pick<Api, "history" | "stream">;
  private readonly token: string;
  private readonly on: LiveHandlers;
  private readonly backoff: Backoff;
  private position: string | null = null;
  private abort: AbortController | null = null;
  private running: symbol | null = null;
  private hurry = false;
  private wakeUp: (() => void) | null = null;
  private heardAt = 0;

  constructor(api: Pick<Api, "history" | "stream">, token: string, handlers: LiveHandlers, backoff = new Backoff()) {
    this.api = api;
    this.token = token;
    this.on = handlers;
    this.backoff = backoff;
  }

  start(): void {
    if (this.running) return;
    this.running = Symbol("run");
    void this.run(this.running);
  }

  /** Ends the connection; start resumes it where it was. */
  stop(): void {
    this.running = null;
    this.abort?.abort();
    this.wakeUp?.();
  }

  /** Tries at once: the network is back or the page is shown again. A connection heard from within patience stays. */
  wake(patience = 0): void {
    if (!this.running) return;
    this.backoff.reset();
    if (this.wakeUp) this.wakeUp();
    else if (Date.now() - this.heardAt > patience) {
      this.hurry = true;
      this.abort?.abort();
    }
  }

  private async run(me: symbol): Promise<void> {
    while (this.running === me) {
      const abort = new AbortController();
      this.abort = abort;
      let atLeast: number | null = null;
      try {
        await this.connect(abort.signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401 && this.running === me) {
          this.running = null;
          this.on.onUnauthorized();
          return;
        }
        if (error instanceof ApiError) atLeast = error.retryAfter;
      } finally {
        abort.abort();
      }
      if (this.running !== me) return;
      this.on.onConnection(false);
      if (this.hurry) this.hurry = false;
      else await this.pause(this.backoff.next(atLeast));
    }
  }

  private async connect(signal: AbortSignal): Promise<void> {
    const resumed = this.position !== null;
    const position = await this.synchronise(signal);
    if (position === null) return;

    const reader = (await this.api.stream(this.token, position, resumed, signal)).getReader();
    this.on.onConnection(true);
    const parser = new StreamParser(position);
    const decoder = new TextDecoder();
    const cancel = () => void reader.cancel().catch(() => undefined);
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      this.heardAt = Date.now();
      clearTimeout(watchdog);
      watchdog = setTimeout(cancel, silenceLimit);
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      heard();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted) return;
        heard();
        this.backoff.reset();
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          if (!this.take(event)) return;
        }
      }
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", cancel);
      cancel();
    }
  }

  /** Reads what is new in the transcript and returns the position to follow the stream from; null: given up. */
  private async synchronise(signal: AbortSignal): Promise<string | null> {
    for (;;) {
      const after = this.position === null ? null : this.on.lastSeq();
      const history = await this.api.history(this.token, after, signal);
      if (signal.aborted) return null;
      this.on.onHistory(history, after === null);
      this.position ??= String(history.position);
      if (after === null || history.messages.length < pageSize) return this.position;
    }
  }

  /** Takes one event; false: the stream must be opened anew. */
  private take(event: StreamEvent): boolean {
    if (event.name === "reset") {
      this.position = null;
      return false;
    }
    if (event.id !== "") this.position = event.id;
    const data = parse(event.data);
    if (event.name === "message" && isMessage(data)) this.on.onMessage(data);
    if (event.name === "typing" && (data?.["author"] === "bot" || data?.["author"] === "operator")) this.on.onTyping(data["author"]);
    return true;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wakeUp = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wakeUp = done;
    });
  }
}

function parse(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isMessage(data: Record<string, unknown> | null): data is Message & Record<string, unknown> {
  return typeof data?.["id"] === "string" && typeof data["seq"] === "number" && typeof data["text"] === "string";
}
