import type { Lang } from "../lang";
import { isProtocolMessage, isStoredKey, type Config, type ToApp, type ToLoader } from "../protocol";
import type { Store } from "./storage";
import { style } from "./style";
import { words } from "./words";

/** A dialogue older than this is not worth loading the app for before the visitor opens it. */
const newsExpectedFor = 14 * 24 * 60 * 60 * 1000;

/** What a Loader works with. */
export interface Deps {
  origin: string;
  channel: string;
  config: Config;
  lang: Lang;
  store: Store;
}

/** The button on the shop's page, and the frame that it opens. */
export class Loader {
  private readonly deps: Deps;
  private lang: Lang;
  private opened = false;
  private unread = 0;
  private ready = false;
  private readonly root = document.createElement("div");
  private readonly button = document.createElement("button");
  private readonly badge = document.createElement("span");
  private readonly panel = document.createElement("div");
  private frame: HTMLIFrameElement | null = null;

  constructor(deps: Deps) {
    this.deps = deps;
    this.lang = deps.lang;
  }

  /** Draws the button, and loads the app ahead when an answer may be waiting for the visitor. */
  mount(): void {
    const host = document.createElement("parley-widget");
    const shadow = host.attachShadow({ mode: "open" });
    applyStyle(shadow);

    this.button.type = "button";
    this.button.className = "launcher";
    this.button.append(icon("bubble", bubblePath), icon("cross", crossPath));
    this.badge.className = "badge";
    this.badge.hidden = true;
    this.badge.setAttribute("aria-hidden", "true");
    this.button.append(this.badge);
    this.button.addEventListener("click", () => (this.opened ? this.close(true) : this.open(true)));
    this.panel.className = "panel";
    this.root.append(this.panel, this.button);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.opened) this.close(true);
    });
    shadow.append(this.root);
    document.body.append(host);
    this.label();

    // A shop's own buttons and links open the chat by an attribute.
    document.addEventListener("click", (event) => {
      if (!(event.target instanceof Element) || !event.target.closest("[data-parley-open]")) return;
      event.preventDefault();
      this.open(true);
    });
    window.addEventListener("message", (event) => this.receive(event));
    window.addEventListener("storage", (event) => {
      const key = this.deps.store.key(event.key);
      if (key) this.post({ parley: 1, type: "stored", key, value: this.deps.store.get(key) });
    });

    if (this.wasOpen() && window.innerWidth > 480) this.open(false);
    else if (this.newsMayWait()) whenIdle(() => this.ensureFrame());
  }

  /** Changes the language of the button and of the app. */
  setLang(lang: Lang): void {
    if (lang === this.lang) return;
    this.lang = lang;
    this.label();
    this.post({ parley: 1, type: "lang", lang });
  }

  private open(focus: boolean): void {
    this.opened = true;
    this.root.classList.add("open");
    this.ensureFrame();
    this.remember();
    this.label();
    if (focus) this.frame?.focus();
    this.post({ parley: 1, type: "open", open: true, focus });
  }

  private close(focus: boolean): void {
    this.opened = false;
    this.root.classList.remove("open");
    this.remember();
    this.label();
    this.post({ parley: 1, type: "open", open: false, focus: false });
    if (focus) this.button.focus();
  }

  private ensureFrame(): void {
    if (this.frame) return;
    const frame = document.createElement("iframe");
    frame.src = `${this.deps.origin}/widget/app?channel=${encodeURIComponent(this.deps.channel)}`;
    frame.title = words[this.lang].frame;
    frame.allow = "clipboard-write";
    frame.addEventListener("load", () => this.init());
    this.frame = frame;
    this.panel.append(frame);
  }

  private init(): void {
    this.ready = true;
    const { config, store } = this.deps;
    this.post({ parley: 1, type: "init", config, lang: this.lang, open: this.opened, focus: this.opened && document.activeElement?.shadowRoot?.activeElement === this.frame, stored: store.all() });
  }

  private receive(event: MessageEvent): void {
    if (event.origin !== this.deps.origin || !this.frame || event.source !== this.frame.contentWindow) return;
    if (!isProtocolMessage(event.data)) return;
    const message = event.data as ToLoader;
    switch (message.type) {
      case "store":
        if (isStoredKey(message.key)) this.deps.store.set(message.key, message.value === null ? null : String(message.value));
        break;
      case "load":
        if (isStoredKey(message.key)) this.post({ parley: 1, type: "stored", key: message.key, value: this.deps.store.get(message.key) });
        break;
      case "unread":
        this.unread = Math.max(0, Math.trunc(Number(message.count)) || 0);
        this.label();
        break;
      case "close":
        if (this.opened) this.close(true);
        break;
    }
  }

  private post(message: ToApp): void {
    if (this.ready) this.frame?.contentWindow?.postMessage(message, this.deps.origin);
  }

  private label(): void {
    const w = words[this.lang];
    const news = !this.opened && this.unread > 0;
    this.badge.hidden = !news;
    this.badge.textContent = this.unread > 99 ? "99+" : String(this.unread);
    const action = this.opened ? w.close : w.open;
    this.button.setAttribute("aria-label", news ? `${action}, ${w.unread(this.unread)}` : action);
    this.button.setAttribute("aria-expanded", String(this.opened));
    this.root.lang = this.lang;
    if (this.frame) this.frame.title = w.frame;
  }

  private newsMayWait(): boolean {
    const { store } = this.deps;
    if (Object.keys(store.all()).some((key) => key.startsWith("out:"))) return true;
    if (!store.get("session")) return false;
    return Date.now() - Number(store.get("active") ?? 0) < newsExpectedFor;
  }

  // A shop is many pages: the panel stays open while its visitor walks through them in one tab.
  private wasOpen(): boolean {
    try {
      return sessionStorage.getItem(this.openKey()) === "1";
    } catch {
      return false;
    }
  }

  private remember(): void {
    try {
      if (this.opened) sessionStorage.setItem(this.openKey(), "1");
      else sessionStorage.removeItem(this.openKey());
    } catch {
      // Storage is forbidden: the next page starts with the panel closed.
    }
  }

  private openKey(): string {
    return `parley:${this.deps.config.channel}:open`;
  }
}

const bubblePath = "M12 2.5C6.2 2.5 1.5 6.3 1.5 11c0 2.6 1.5 5 3.8 6.5-.1 1.3-.6 2.5-1.5 3.5-.3.4 0 .9.5.8 2.2-.3 4-1.1 5.3-2.4.8.1 1.6.2 2.4.2 5.8 0 10.5-3.8 10.5-8.5S17.8 2.5 12 2.5z";
const crossPath = "m5 9 7 7 7-7";

function icon(name: string, path: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", name);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  shape.setAttribute("fill", name === "bubble" ? "currentColor" : "none");
  if (name === "cross") {
    shape.setAttribute("stroke", "currentColor");
    shape.setAttribute("stroke-width", "2.4");
    shape.setAttribute("stroke-linecap", "round");
    shape.setAttribute("stroke-linejoin", "round");
  }
  svg.append(shape);
  return svg;
}

// A constructed sheet is not an inline style: it works under a page's Content-Security-Policy.
function applyStyle(shadow: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    const element = document.createElement("style");
    element.textContent = style;
    shadow.append(element);
  }
}

function whenIdle(run: () => void): void {
  const idle = () => ("requestIdleCallback" in window ? requestIdleCallback(run, { timeout: 3000 }) : setTimeout(run, 500));
  if (document.readyState === "complete") idle();
  else window.addEventListener("load", idle, { once: true });
}
