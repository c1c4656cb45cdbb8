import type { Api } from "./api";
import type { Host } from "./host";

/** The visitor's session: made at the first message, kept on the shop's page, shared by its tabs. */
export class Session {
  private readonly api: Pick<Api, "createSession">;
  private readonly host: Pick<Host, "store" | "load">;
  private readonly channel: string;
  private readonly onToken: (token: string | null) => void;
  private readonly rejected = new Set<string>();
  private current: string | null;
  private making: Promise<string> | null = null;

  constructor(api: Pick<Api, "createSession">, host: Pick<Host, "store" | "load">, channel: string, kept: string | null, onToken: (token: string | null) => void) {
    this.api = api;
    this.host = host;
    this.channel = channel;
    this.current = kept;
    this.onToken = onToken;
  }

  get token(): string | null {
    return this.current;
  }

  /** The token, of a new session when there is none. */
  async ensure(): Promise<string> {
    if (this.current) return this.current;
    this.making ??= exclusively(`parley:${this.channel}`, () => this.make()).finally(() => {
      this.making = null;
    });
    return this.making;
  }

  /** The server does not know this token any more. */
  reject(token: string): void {
    this.rejected.add(token);
    if (this.current !== token) return;
    this.host.store("session", null);
    this.set(null);
  }

  /** Another tab has made a session, or this one's page is read again. */
  adopt(token: string | null): void {
    if (token && token !== this.current && !this.rejected.has(token)) this.set(token);
  }

  private async make(): Promise<string> {
    // Another tab may have made one while this one waited for its turn.
    const kept = await this.host.load("session");
    let token = kept && !this.rejected.has(kept) ? kept : null;
    if (!token) {
      token = await this.api.createSession(this.channel);
      this.host.store("session", token);
      // The answer proves that the token is stored before the next tab gets its turn.
      await this.host.load("session");
    }
    if (this.current !== token) this.set(token);
    return token;
  }

  private set(token: string | null): void {
    this.current = token;
    this.onToken(token);
  }
}

/** Runs work in one tab of the site at a time, where the browser can do that. */
async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!("locks" in navigator)) return work();
  let begun = false;
  try {
    // The wrapper's type is a plain promise of T: LockManager unwraps it.
    return (await navigator.locks.request(name, () => {
      begun = true;
      return work();
    })) as T;
  } catch (error) {
    // Browsers that forbid storage in frames forbid locks too.
    if (begun) throw error;
    return work();
  }
}
