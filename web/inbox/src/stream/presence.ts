// Tells the server which dialogue is on the screen here, and when its operator types.

export interface PresenceDeps {
  put(client: string, dialogueID: string | null, typing: boolean): Promise<unknown>;
  now?: () => number;
}

const repeatAfter = 25_000;
const typingEvery = 3_000;

export class PresenceReporter {
  readonly #deps: PresenceDeps;
  #client: string | null = null;
  #dialogueID: string | null = null;
  #typedAt = -Infinity;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(deps: PresenceDeps) {
    this.#deps = deps;
  }

  /** The stream is connected, under this name. */
  connected(client: string): void {
    this.#client = client;
    this.#put(false);
    this.#timer ??= setInterval(() => this.#put(false), repeatAfter);
  }

  show(dialogueID: string | null): void {
    if (this.#dialogueID === dialogueID) return;
    this.#dialogueID = dialogueID;
    this.#typedAt = -Infinity;
    this.#put(false);
  }

  typed(): void {
    const now = (this.#deps.now ?? Date.now)();
    if (now - this.#typedAt < typingEvery || this.#dialogueID === null) return;
    this.#typedAt = now;
    this.#put(true);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#client = null;
  }

  #put(typing: boolean): void {
    if (this.#client === null) return;
    // A lost report is made good by the next one.
    this.#deps.put(this.#client, this.#dialogueID, typing).catch(() => undefined);
  }
}
