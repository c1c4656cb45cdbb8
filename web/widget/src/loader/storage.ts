import { isStoredKey, type StoredKey } from "../protocol";

/** One channel's entries in the page's localStorage; in memory where the browser forbids storage. */
export class Store {
  private readonly prefix: string;
  private readonly memory = new Map<string, string>();
  private readonly local: Storage | null;

  constructor(channel: string, local: Storage | null) {
    this.prefix = `parley:${channel}`;
    this.local = local;
  }

  get(key: StoredKey): string | null {
    const name = this.name(key);
    try {
      return this.memory.get(name) ?? this.local?.getItem(name) ?? null;
    } catch {
      return null;
    }
  }

  set(key: StoredKey, value: string | null): void {
    const name = this.name(key);
    this.memory.delete(name);
    try {
      if (value === null) this.local?.removeItem(name);
      else if (this.local) this.local.setItem(name, value);
      else this.memory.set(name, value);
    } catch {
      // Full or forbidden: the page's memory keeps it at least until the page goes.
      if (value !== null) this.memory.set(name, value);
    }
  }

  /** Everything that is kept for the channel. */
  all(): Record<string, string> {
    const names = new Set(this.memory.keys());
    try {
      for (let i = 0; i < (this.local?.length ?? 0); i++) names.add(this.local?.key(i) ?? "");
    } catch {
      // What cannot be read counts as empty.
    }
    const found: Record<string, string> = {};
    for (const name of names) {
      const key = this.key(name);
      const value = key && this.get(key);
      if (key && value) found[key] = value;
    }
    return found;
  }

  /** The key that an entry of localStorage holds, or null when it is not this channel's. */
  key(name: string | null): StoredKey | null {
    if (name === this.prefix) return "session";
    if (!name?.startsWith(this.prefix + ":")) return null;
    const key = name.slice(this.prefix.length + 1);
    return isStoredKey(key) && key !== "session" ? key : null;
  }

  private name(key: StoredKey): string {
    return key === "session" ? this.prefix : `${this.prefix}:${key}`;
  }
}

/** The page's localStorage, or null where it is forbidden: even naming it throws then. */
export function pageStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
