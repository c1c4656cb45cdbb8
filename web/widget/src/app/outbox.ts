import { ApiError, type Message } from "./api";
import { Backoff } from "./backoff";

/** Where an unsent message stands. */
export type OutgoingState = "sending" | "waiting" | "failed";

/** Why a message cannot be sent as it is. */
export type Failure = "too_long" | "refused";

/** A message of the visitor that the server has not confirmed yet. */
export interface Outgoing {
  clientID: string;
  text: string;
  createdAt: number;
  state: OutgoingState;
  failure?: Failure;
}

/** What an Outbox works with. */
export interface OutboxDeps {
  /** Hands one message to the server, making a session when there is none. */
  send(clientID: string, text: string): Promise<Message>;
  /** Keeps an entry, or removes it when the value is null. */
  keep(clientID: string, value: string | null): void;
  onChange(items: readonly Outgoing[]): void;
  onSent(message: Message): void;
  newID(): string;
  backoff?: Backoff;
}

/**
 * The visitor's unsent messages. They leave in order, one at a time, each under one client id however often it is tried,
 * so that the server stores it once. What cannot be sent now waits; what can never be sent is shown as failed, and
 * does not hold up the rest. Nothing leaves the box but a confirmed message, or one that the visitor takes back.
 */
export class Outbox {
  private readonly deps: OutboxDeps;
  private readonly backoff: Backoff;
  private items: Outgoing[] = [];
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(deps: OutboxDeps) {
    this.deps = deps;
    this.backoff = deps.backoff ?? new Backoff();
  }

  /** Takes up what an earlier page has left unsent. */
  restore(kept: Record<string, string>): void {
    for (const [clientID, value] of Object.entries(kept)) {
      const item = decode(clientID, value);
      if (item && !this.items.some((i) => i.clientID === clientID)) this.items.push(item);
    }
    this.items.sort((a, b) => a.createdAt - b.createdAt);
    this.changed();
    void this.pump();
  }

  add(text: string): void {
    // Two messages of one millisecond must keep their order after a reload.
    const createdAt = Math.max(Date.now(), (this.items.at(-1)?.createdAt ?? 0) + 1);
    const item: Outgoing = { clientID: this.deps.newID(), text, createdAt, state: this.timer === null ? "sending" : "waiting" };
    this.items.push(item);
    this.keep(item);
    this.changed();
    void this.pump();
  }

  /** Sends a failed message again, as the newest one. */
  retry(clientID: string): void {
    const item = this.find(clientID);
    if (!item || item.state !== "failed") return;
    delete item.failure;
    item.state = this.timer === null ? "sending" : "waiting";
    item.createdAt = Math.max(Date.now(), (this.items.at(-1)?.createdAt ?? 0) + 1);
    this.items = [...this.items.filter((i) => i !== item), item];
    this.keep(item);
    this.changed();
    void this.pump();
  }

  /** Takes a failed message back and returns its text. */
  withdraw(clientID: string): string | null {
    const item = this.find(clientID);
    if (!item || item.state !== "failed") return null;
    this.drop(clientID);
    return item.text;
  }

  /** The server has this message, as an answer, the stream or another tab told. */
  settle(clientID: string): void {
    if (this.find(clientID)) this.drop(clientID);
  }

  /** Tries at once what waits. */
  wake(): void {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.backoff.reset();
    void this.pump();
  }

  private async pump(): Promise<void> {
    if (this.busy || this.timer !== null) return;
    this.busy = true;
    try {
      for (let item = this.nextItem(); item; item = this.nextItem()) {
        if (!(await this.attempt(item))) return;
      }
    } finally {
      this.busy = false;
    }
  }

  private async attempt(item: Outgoing): Promise<boolean> {
    item.state = "sending";
    this.changed();
    try {
      const message = await this.deps.send(item.clientID, item.text);
      this.backoff.reset();
      // The message takes its place in the transcript in the same step in which it leaves the box.
      this.deps.onSent(message);
      this.settle(item.clientID);
      return true;
    } catch (error) {
      if (error instanceof ApiError && !error.transient) {
        item.state = "failed";
        item.failure = error.status === 413 ? "too_long" : "refused";
        if (this.find(item.clientID)) this.keep(item);
        this.changed();
        return true;
      }
      for (const queued of this.items) if (queued.state === "sending") queued.state = "waiting";
      this.changed();
      this.timer = setTimeout(
        () => {
          this.timer = null;
          void this.pump();
        },
        this.backoff.next(error instanceof ApiError ? error.retryAfter : null),
      );
      return false;
    }
  }

  private nextItem(): Outgoing | undefined {
    return this.items.find((item) => item.state !== "failed");
  }

  private find(clientID: string): Outgoing | undefined {
    return this.items.find((item) => item.clientID === clientID);
  }

  private drop(clientID: string): void {
    this.items = this.items.filter((item) => item.clientID !== clientID);
    this.deps.keep(clientID, null);
    this.changed();
  }

  private keep(item: Outgoing): void {
    this.deps.keep(item.clientID, JSON.stringify({ text: item.text, at: item.createdAt, failure: item.failure }));
  }

  private changed(): void {
    this.deps.onChange(this.items.map((item) => ({ ...item })));
  }
}

function decode(clientID: string, value: string): Outgoing | null {
  try {
    const kept: unknown = JSON.parse(value);
    if (typeof kept !== "object" || kept === null || !("text" in kept) || typeof kept.text !== "string") return null;
    const createdAt = "at" in kept && typeof kept.at === "number" ? kept.at : 0;
    const failure = "failure" in kept && (kept.failure === "too_long" || kept.failure === "refused") ? kept.failure : undefined;
    return failure ? { clientID, text: kept.text, createdAt, state: "failed", failure } : { clientID, text: kept.text, createdAt, state: "waiting" };
  } catch {
    return null;
  }
}
