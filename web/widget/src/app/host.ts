import { parseLang, type Lang } from "../lang";
import { isProtocolMessage, isStoredKey, type Config, type StoredKey, type ToApp, type ToLoader } from "../protocol";

/** The shop's page around the frame, as the app uses it. */
export interface Host {
  store(key: StoredKey, value: string | null): void;
  load(key: StoredKey): Promise<string | null>;
  unread(count: number): void;
  close(): void;
}

/** What the page tells first. */
export interface Init {
  config: Config;
  lang: Lang;
  open: boolean;
  focus: boolean;
  stored: Record<string, string>;
}

/** What the page tells later. */
export interface HostEvents {
  onInit(init: Init): void;
  onOpen(open: boolean, focus: boolean): void;
  onLang(lang: Lang): void;
  onStored(key: StoredKey, value: string | null): void;
}

/** The app's end of the wire; protocol.ts says why it is safe. */
export class Bridge implements Host {
  private readonly parent: Window;
  private readonly on: HostEvents;
  private origin: string | null = null;
  private readonly loads = new Map<StoredKey, ((value: string | null) => void)[]>();

  constructor(parent: Window, events: HostEvents) {
    this.parent = parent;
    this.on = events;
  }

  /** Waits for the page to speak. */
  listen(target: Window): void {
    target.addEventListener("message", (event) => this.receive(event));
  }

  store(key: StoredKey, value: string | null): void {
    this.post({ parley: 1, type: "store", key, value });
  }

  load(key: StoredKey): Promise<string | null> {
    return new Promise((resolve) => {
      this.loads.set(key, [...(this.loads.get(key) ?? []), resolve]);
      this.post({ parley: 1, type: "load", key });
    });
  }

  unread(count: number): void {
    this.post({ parley: 1, type: "unread", count });
  }

  close(): void {
    this.post({ parley: 1, type: "close" });
  }

  private receive(event: MessageEvent): void {
    if (event.source !== this.parent || !isProtocolMessage(event.data)) return;
    // A page without an origin of its own (sandboxed, or a local file) cannot be answered to safely.
    if (event.origin === "null" || event.origin === "") return;
    if (this.origin !== null && event.origin !== this.origin) return;
    const message = event.data as ToApp;
    if (this.origin === null) {
      if (message.type !== "init") return;
      this.origin = event.origin;
    }
    switch (message.type) {
      case "init":
        this.on.onInit({ config: message.config, lang: parseLang(message.lang) ?? "en", open: message.open === true, focus: message.focus === true, stored: message.stored });
        break;
      case "open":
        this.on.onOpen(message.open === true, message.focus === true);
        break;
      case "lang": {
        const lang = parseLang(message.lang);
        if (lang) this.on.onLang(lang);
        break;
      }
      case "stored":
        if (isStoredKey(message.key)) this.stored(message.key, typeof message.value === "string" ? message.value : null);
        break;
    }
  }

  private stored(key: StoredKey, value: string | null): void {
    const waiting = this.loads.get(key) ?? [];
    this.loads.delete(key);
    for (const resolve of waiting) resolve(value);
    this.on.onStored(key, value);
  }

  private post(message: ToLoader): void {
    if (this.origin !== null) this.parent.postMessage(message, this.origin);
  }
}
