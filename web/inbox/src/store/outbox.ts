// Sends the operator's messages: one at a time per dialogue, in order, the same
// client id on every attempt, and nothing is forgotten while the network is away.
import { isTemporary, NetworkError, ProblemError } from "../api/client";
import type { MessageAndDialogue } from "../api/types";
import { readStored, writeStored } from "../storage";
import { uuid } from "../uuid";
import type { Pending } from "./state";
import type { Store } from "./store";

export interface OutboxDeps {
  store: Store;
  storageKey: string;
  send(pending: Pending): Promise<MessageAndDialogue>;
  now?: () => Date;
}

const firstRetry = 1000;
const lastRetry = 15000;

function isPendingList(value: unknown): value is Pending[] {
  return Array.isArray(value) && value.every((item: unknown) => typeof item === "object" && item !== null && "clientID" in item && "dialogueID" in item && "text" in item);
}

export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #busy = new Set<string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #delays = new Map<string, number>();
  #stopped = false;
  #unsubscribe: (() => void) | null = null;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** Takes up what an earlier page left unsent. */
  start(): void {
    const { store, storageKey } = this.#deps;
    const kept = readStored(storageKey, isPendingList) ?? [];
    store.dispatch({ type: "pending-loaded", pending: kept.map((pending) => (pending.status === "failed" ? pending : { ...pending, status: "waiting" })) });
    let saved = store.get().pending;
    this.#unsubscribe = store.subscribe(() => {
      const { pending } = store.get();
      if (pending === saved) return;
      saved = pending;
      writeStored(storageKey, pending.length > 0 ? pending : null);
    });
    window.addEventListener("online", this.flush);
    this.flush();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe?.();
    window.removeEventListener("online", this.flush);
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#timers.clear();
  }

  add(message: { dialogueID: string; kind: Pending["kind"]; text: string; suggestionID: string | null }): string {
    const clientID = uuid();
    const createdAt = (this.#deps.now?.() ?? new Date()).toISOString();
    this.#deps.store.dispatch({ type: "pending-added", pending: { ...message, clientID, createdAt, status: "sending", problem: null } });
    void this.#drain(message.dialogueID);
    return clientID;
  }

  retry(clientID: string): void {
    const pending = this.#find(clientID);
    if (!pending) return;
    this.#deps.store.dispatch({ type: "pending-changed", clientID, status: "sending", problem: null });
    this.#schedule(pending.dialogueID, 0);
  }

  discard(clientID: string): void {
    const pending = this.#find(clientID);
    this.#deps.store.dispatch({ type: "pending-removed", clientID });
    if (pending) this.#schedule(pending.dialogueID, 0);
  }

  /** Tries everything that waits, now. */
  flush = (): void => {
    const waiting = new Set(this.#deps.store.get().pending.filter((pending) => pending.status !== "failed").map((pending) => pending.dialogueID));
    waiting.forEach((dialogueID) => this.#schedule(dialogueID, 0));
  };

  #find(clientID: string): Pending | undefined {
    return this.#deps.store.get().pending.find((pending) => pending.clientID === clientID);
  }

  #schedule(dialogueID: string, delay: number): void {
    clearTimeout(this.#timers.get(dialogueID));
    this.#timers.delete(dialogueID);
    if (this.#stopped) return;
    if (delay === 0) {
      this.#delays.delete(dialogueID);
      void this.#drain(dialogueID);
      return;
    }
    this.#timers.set(dialogueID, setTimeout(() => void this.#drain(dialogueID), delay));
  }

  async #drain(dialogueID: string): Promise<void> {
    if (this.#busy.has(dialogueID)) return;
    this.#busy.add(dialogueID);
    try {
      for (;;) {
        const next = this.#deps.store.get().pending.find((pending) => pending.dialogueID === dialogueID && pending.status !== "failed");
        if (!next || this.#stopped) return;
        if (!(await this.#attempt(next))) return;
      }
    } finally {
      this.#busy.delete(dialogueID);
    }
  }

  /** Reports whether to go on with the next message. */
  async #attempt(pending: Pending): Promise<boolean> {
    const { store } = this.#deps;
    try {
      const news = await this.#deps.send(pending);
      store.dispatch({ type: "message", news });
      store.dispatch({ type: "pending-removed", clientID: pending.clientID });
      this.#delays.delete(pending.dialogueID);
      return true;
    } catch (error) {
      if (this.#stopped) return false;
      const loggedOut = error instanceof ProblemError && error.code === "unauthorized";
      if (isTemporary(error) || loggedOut || !(error instanceof ProblemError)) {
        const delay = Math.min(this.#delays.get(pending.dialogueID) ?? firstRetry, lastRetry);
        const problem = error instanceof ProblemError ? error.code : error instanceof NetworkError ? "network" : "internal";
        store.dispatch({ type: "pending-changed", clientID: pending.clientID, status: "waiting", problem });
        this.#delays.set(pending.dialogueID, delay * 2);
        this.#schedule(pending.dialogueID, delay);
        return false;
      }
      store.dispatch({ type: "pending-changed", clientID: pending.clientID, status: "failed", problem: error.code });
      return true;
    }
  }
}
