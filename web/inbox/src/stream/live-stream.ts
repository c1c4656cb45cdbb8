// The one event stream of this tab. The browser reconnects by itself and sends
// the last id it saw; where it gives up, or the server says `reset`, this does it.
import { uuid } from "../uuid";

export const eventNames = ["message", "dialogue", "alarm", "typing", "turn", "presence"] as const;
export type EventName = (typeof eventNames)[number];
export type StreamStatus = "connecting" | "open" | "lost";

/** What is used of an EventSource. */
export interface Source {
  readonly readyState: number;
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface LiveStreamDeps {
  open(url: string): Source;
  /** Loads everything anew; returns the position that the stream goes on from. */
  resync(): Promise<number>;
  onEvent(name: EventName, data: unknown): void;
  onStatus(status: StreamStatus): void;
  /** Called on every connection with the name that this stream has for the server. */
  onOpen(client: string): void;
  /** Fails when we are logged out; that is noticed and handled elsewhere. */
  checkSession(): Promise<unknown>;
  random?: () => number;
}

const closed = 2;
const firstDelay = 1000;
const longestDelay = 15000;

export class LiveStream {
  readonly #deps: LiveStreamDeps;
  #source: Source | null = null;
  #position = 0;
  #client = "";
  #delay = firstDelay;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #resyncing = false;
  #stopped = false;

  constructor(deps: LiveStreamDeps) {
    this.#deps = deps;
  }

  /** Opens the stream behind a position. */
  start(position: number): void {
    this.#position = position;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#clear();
    this.#source?.close();
    this.#source = null;
  }

  /** Connects anew at once: after a sleep or a change of network an old connection may be dead without knowing. */
  reconnect(): void {
    if (this.#stopped || this.#resyncing) return;
    this.#connect();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #connect(): void {
    this.#clear();
    this.#source?.close();
    this.#client = uuid();
    this.#deps.onStatus("connecting");
    const source = this.#deps.open(`/api/v1/stream?after=${this.#position}&client=${this.#client}`);
    this.#source = source;
    const current = () => this.#source === source && !this.#stopped;
    source.addEventListener("open", () => {
      if (!current()) return;
      this.#delay = firstDelay;
      this.#deps.onStatus("open");
      this.#deps.onOpen(this.#client);
    });
    source.addEventListener("error", () => {
      if (!current()) return;
      this.#deps.onStatus("lost");
      if (source.readyState === closed) this.#retry();
    });
    source.addEventListener("reset", () => {
      if (current()) void this.#resync();
    });
    for (const name of eventNames) {
      source.addEventListener(name, (event) => {
        if (!current()) return;
        const data: unknown = JSON.parse(event.data);
        this.#deps.onEvent(name, data);
        const id = Number(event.lastEventId);
        if (event.lastEventId !== "" && Number.isSafeInteger(id)) this.#position = Math.max(this.#position, id);
      });
    }
  }

  #wait(then: () => void): void {
    const random = this.#deps.random ?? Math.random;
    this.#clear();
    this.#timer = setTimeout(then, this.#delay * (0.5 + random() / 2));
    this.#delay = Math.min(this.#delay * 2, longestDelay);
  }

  #retry(): void {
    this.#wait(() => {
      this.#deps
        .checkSession()
        .catch(() => undefined)
        .then(() => {
          if (!this.#stopped && this.#source?.readyState === closed) this.#connect();
        });
    });
  }

  async #resync(): Promise<void> {
    this.#resyncing = true;
    this.#source?.close();
    this.#deps.onStatus("connecting");
    try {
      this.#position = await this.#deps.resync();
      this.#resyncing = false;
      if (!this.#stopped) this.#connect();
    } catch {
      if (this.#stopped) return;
      this.#deps.onStatus("lost");
      this.#wait(() => void this.#resync());
    }
  }
}
