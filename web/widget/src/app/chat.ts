import type { Config } from "../protocol";
import type { Lang } from "../lang";
import { ApiError, type Api, type History, type Message } from "./api";
import type { Host, Init } from "./host";
import { Live } from "./live";
import { Outbox, type Outgoing } from "./outbox";
import { Receipts } from "./receipts";
import { Session } from "./session";
import { countUnread, merge, newestFromShop } from "./transcript";

/** All that the view shows. */
export interface ChatState {
  config: Config;
  lang: Lang;
  open: boolean;
  /** The transcript is being read for the first time. */
  loading: boolean;
  messages: readonly Message[];
  outgoing: readonly Outgoing[];
  typing: "bot" | "operator" | null;
  /** The connection is lost for longer than a moment. */
  down: boolean;
  draft: string;
  /** Grows whenever the visitor should find the cursor in the text field. */
  focus: number;
}

/** What a Chat works with. */
export interface ChatDeps {
  api: Api;
  host: Host;
  /** The channel as the frame's address names it: the one whose allowed sites the browser has checked. */
  channel: string;
  init: Init;
  newID: () => string;
  visible: () => boolean;
}

const typingShown = 5_000;
const typingTold = 3_000;
/** A sign of typing that arrives so soon after its author's message belongs to that message. */
const typingLate = 1_500;
const downAfter = 3_000;
/** A hidden page gives its connection back: browsers allow few per site, and shops are opened in many tabs. */
const hiddenFor = 20_000;
/** A connection that was heard from so lately needs no renewal when the page is shown again. */
const freshFor = 20_000;

/** The visitor's dialogue: holds its state and keeps it in step with the server, the page and the other tabs. */
export class Chat {
  private readonly deps: ChatDeps;
  private readonly session: Session;
  private readonly outbox: Outbox;
  private state: ChatState;
  private readonly listeners = new Set<() => void>();
  private live: Live | null = null;
  private receipts: Receipts | null = null;
  private readUpTo: number;
  private typedAt = 0;
  private readonly wroteAt = { bot: 0, operator: 0 };
  private readonly timers: Partial<Record<"typing" | "down" | "hidden", ReturnType<typeof setTimeout>>> = {};

  constructor(deps: ChatDeps) {
    const { api, host, channel, init } = deps;
    this.deps = deps;
    this.readUpTo = Number(init.stored["read"]) || 0;
    this.state = {
      config: init.config,
      lang: init.lang,
      open: init.open,
      loading: Boolean(init.stored["session"]),
      messages: [],
      outgoing: [],
      typing: null,
      down: false,
      draft: init.stored["draft"] ?? "",
      focus: init.open && init.focus ? 1 : 0,
    };
    this.session = new Session(api, host, channel, init.stored["session"] ?? null, (token) => this.begin(token, true));
    this.outbox = new Outbox({
      send: (clientID, text) => this.send(clientID, text),
      keep: (clientID, value) => host.store(`out:${clientID}`, value),
      onChange: (outgoing) => this.set({ outgoing }),
      onSent: (message) => this.merge([message]),
      newID: deps.newID,
    });
  }

  /** Begins to follow the session that the page keeps, if there is one, and sends what was left unsent. */
  start(): void {
    this.begin(this.session.token, false);
    const kept = Object.entries(this.deps.init.stored).filter(([key]) => key.startsWith("out:"));
    this.outbox.restore(Object.fromEntries(kept.map(([key, value]) => [key.slice(4), value])));
  }

  getState(): ChatState {
    return this.state;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sends what the visitor wrote; nothing but white space is not a message. */
  submit(text: string): boolean {
    const trimmed = text.trim();
    if (trimmed === "") return false;
    this.outbox.add(trimmed);
    this.deps.host.store("active", String(Date.now()));
    this.setDraft("");
    return true;
  }

  /** The visitor is typing: kept for the next page, and told to the operators. */
  type(text: string): void {
    this.setDraft(text);
    const token = this.session.token;
    if (text.trim() === "" || !token || Date.now() - this.typedAt < typingTold) return;
    this.typedAt = Date.now();
    this.deps.api.typing(token).catch(() => undefined);
  }

  retry(clientID: string): void {
    this.outbox.retry(clientID);
  }

  /** Puts a failed message back where it was typed. */
  edit(clientID: string): void {
    const text = this.outbox.withdraw(clientID);
    if (text !== null) this.setDraft(this.state.draft.trim() === "" ? text : `${text}\n${this.state.draft}`);
    this.set({ focus: this.state.focus + 1 });
  }

  close(): void {
    this.deps.host.close();
  }

  setOpen(open: boolean, focus: boolean): void {
    this.set({ open, focus: this.state.focus + (open && focus ? 1 : 0) });
    this.markRead();
  }

  setLang(lang: Lang): void {
    this.set({ lang });
  }

  /** The network is back. */
  wake(): void {
    this.live?.wake();
    this.outbox.wake();
  }

  /** The network is gone, as the browser says: no need to wait and see. */
  offline(): void {
    if (this.live || this.state.outgoing.length > 0) this.set({ down: true });
  }

  /** The page was shown or hidden. */
  visibility(visible: boolean): void {
    clearTimeout(this.timers.hidden);
    if (!visible) {
      this.timers.hidden = setTimeout(() => this.live?.stop(), hiddenFor);
      return;
    }
    this.live?.start();
    this.live?.wake(freshFor);
    this.outbox.wake();
    this.markRead();
  }

  /** Another tab of the site changed what the page keeps. */
  stored(key: string, value: string | null): void {
    if (key === "session") this.session.adopt(value);
    else if (key === "read" && Number(value) > this.readUpTo && Number(value) <= newestFromShop(this.state.messages)) {
      this.readUpTo = Number(value);
      this.tellUnread();
    } else if (key.startsWith("out:") && value === null) this.outbox.settle(key.slice(4));
  }

  private async send(clientID: string, text: string): Promise<Message> {
    const token = await this.session.ensure();
    try {
      return await this.deps.api.send(token, clientID, text);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // The server has forgotten the visitor: a new session takes the message under the same id.
      this.session.reject(token);
      return this.deps.api.send(await this.session.ensure(), clientID, text);
    }
  }

  private begin(token: string | null, fresh: boolean): void {
    this.live?.stop();
    this.receipts?.stop();
    this.live = null;
    this.receipts = null;
    if (fresh) {
      this.readUpTo = 0;
      if (!token) this.deps.host.store("read", null);
      this.set({ messages: [], typing: null, loading: false });
      this.tellUnread();
    }
    this.connection(true);
    if (!token) return;

    this.receipts = new Receipts((upTo) => this.deps.api.receipts(token, upTo), this.readUpTo);
    this.live = new Live(this.deps.api, token, {
      onHistory: (history, whole) => this.history(history, whole),
      onMessage: (message) => this.arrived(message),
      onTyping: (author) => this.typing(author),
      onConnection: (up) => this.connection(up),
      onUnauthorized: () => this.session.reject(token),
      lastSeq: () => this.state.messages.at(-1)?.seq ?? null,
    });
    this.live.start();
  }

  private history(history: History, whole: boolean): void {
    if (whole) this.set({ messages: [], loading: false });
    this.merge(history.messages);
  }

  private arrived(message: Message): void {
    if (message.author === "bot" || message.author === "operator") this.wroteAt[message.author] = Date.now();
    this.merge([message]);
  }

  private merge(more: readonly Message[]): void {
    const messages = merge(this.state.messages, more);
    if (messages === this.state.messages) return;
    const shops = more.some((message) => message.author !== "customer");
    this.set(shops ? { messages, typing: null } : { messages });
    for (const message of more) if (message.client_id) this.outbox.settle(message.client_id);
    if (shops) this.deps.host.store("active", String(Date.now()));
    this.receipts?.delivered(newestFromShop(messages));
    this.markRead();
  }

  private markRead(): void {
    const { open, messages } = this.state;
    const seq = newestFromShop(messages);
    if (open && this.deps.visible() && seq > 0) {
      this.receipts?.read(seq);
      if (seq > this.readUpTo) {
        this.readUpTo = seq;
        this.deps.host.store("read", String(seq));
      }
    }
    this.tellUnread();
  }

  private tellUnread(): void {
    this.deps.host.unread(countUnread(this.state.messages, this.readUpTo));
  }

  private typing(author: "bot" | "operator"): void {
    if (Date.now() - this.wroteAt[author] < typingLate) return;
    clearTimeout(this.timers.typing);
    this.set({ typing: author });
    this.timers.typing = setTimeout(() => this.set({ typing: null }), typingShown);
  }

  private connection(up: boolean): void {
    if (up) {
      clearTimeout(this.timers.down);
      delete this.timers.down;
      if (this.state.down) this.set({ down: false });
      this.outbox.wake();
    } else this.timers.down ??= setTimeout(() => this.set({ down: true }), downAfter);
  }

  private setDraft(draft: string): void {
    if (draft === this.state.draft) return;
    this.set({ draft });
    this.deps.host.store("draft", draft === "" ? null : draft);
  }

  private set(change: Partial<ChatState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}
