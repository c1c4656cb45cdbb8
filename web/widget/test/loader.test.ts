import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Loader } from "../src/loader/loader";
import { Store } from "../src/loader/storage";

const origin = "https://chat.example.kz";
const channel = "0198c0de-0000-7000-8000-000000000001";

interface Posted {
  message: { type: string; [field: string]: unknown };
  targetOrigin: string;
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  document.body.replaceChildren();
  vi.stubGlobal("requestIdleCallback", (run: () => void) => setTimeout(run, 50));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function setup() {
  const store = new Store(channel, localStorage);
  const config = { channel, name: "Shop", bot_name: "Aya", disclose_bot: true };
  const loader = new Loader({ origin, channel: "demo", config, lang: "en", store });
  loader.mount();
  const shadow = document.querySelector("parley-widget")?.shadowRoot;
  if (!shadow) throw new Error("the widget was not drawn");
  const posted: Posted[] = [];
  const button = () => shadow.querySelector("button") as HTMLButtonElement;
  const frame = () => shadow.querySelector("iframe");
  // jsdom gives a frame inside a shadow root no window.
  const inside = { postMessage: (message: Posted["message"], targetOrigin: string) => posted.push({ message, targetOrigin }) };
  /** The frame's page has loaded. */
  const load = () => {
    const element = frame();
    if (!element) throw new Error("there is no frame");
    Object.defineProperty(element, "contentWindow", { value: inside });
    element.dispatchEvent(new Event("load"));
  };
  const say = (data: unknown, from: string = origin, source: unknown = inside) => {
    const event = new Event("message");
    Object.assign(event, { data, origin: from, source });
    window.dispatchEvent(event);
  };
  return { loader, store, shadow, button, frame, load, say, posted, badge: () => shadow.querySelector<HTMLElement>(".badge") };
}

describe("Loader", () => {
  test("draws a named button and loads nothing before it is pressed", () => {
    const { button, frame } = setup();
    expect(button().getAttribute("aria-label")).toBe("Open chat");
    expect(button().getAttribute("aria-expanded")).toBe("false");
    vi.advanceTimersByTime(60_000);
    expect(frame()).toBeNull();
  });

  test("opens the frame, tells it what the page keeps, and only to its origin", () => {
    localStorage.setItem(`parley:${channel}`, "token");
    localStorage.setItem(`parley:${channel}:read`, "4");
    localStorage.setItem(`parley:${channel}:secrets-of-others`, "x");
    localStorage.setItem("parley:another-channel", "x");
    const { button, frame, load, posted } = setup();
    button().click();
    expect(frame()?.getAttribute("src")).toBe(`${origin}/widget/app?channel=demo`);
    expect(posted).toEqual([]);
    load();
    expect(posted).toHaveLength(1);
    expect(posted[0]).toMatchObject({ targetOrigin: origin, message: { type: "init", lang: "en", open: true, stored: { session: "token", read: "4" } } });
    expect(Object.keys(posted[0]?.message["stored"] as object)).toHaveLength(2);
    expect(frame()?.src).not.toContain("token");
    expect(button().getAttribute("aria-label")).toBe("Minimise chat");
  });

  test("loads the app ahead for a visitor with a dialogue of late, and for unsent messages", () => {
    localStorage.setItem(`parley:${channel}`, "token");
    localStorage.setItem(`parley:${channel}:active`, String(Date.now() - 30 * 86_400_000));
    let widget = setup();
    vi.advanceTimersByTime(5_000);
    expect(widget.frame(), "nothing to expect after a month").toBeNull();

    document.body.replaceChildren();
    localStorage.setItem(`parley:${channel}:active`, String(Date.now() - 86_400_000));
    widget = setup();
    expect(widget.frame(), "not before the page is done").toBeNull();
    vi.advanceTimersByTime(5_000);
    expect(widget.frame()).not.toBeNull();

    document.body.replaceChildren();
    localStorage.clear();
    localStorage.setItem(`parley:${channel}:out:c1`, "{}");
    widget = setup();
    vi.advanceTimersByTime(5_000);
    expect(widget.frame()).not.toBeNull();
  });

  test("keeps what the app asks to keep, and answers what it asks for", () => {
    const { button, load, say, posted } = setup();
    button().click();
    load();
    say({ parley: 1, type: "store", key: "session", value: "new" });
    say({ parley: 1, type: "store", key: "out:c1", value: "{}" });
    say({ parley: 1, type: "store", key: "../other", value: "x" });
    expect(localStorage.getItem(`parley:${channel}`)).toBe("new");
    expect(localStorage.getItem(`parley:${channel}:out:c1`)).toBe("{}");
    expect(localStorage.length).toBe(2);
    say({ parley: 1, type: "store", key: "out:c1", value: null });
    expect(localStorage.length).toBe(1);
    say({ parley: 1, type: "load", key: "session" });
    expect(posted.at(-1)?.message).toEqual({ parley: 1, type: "stored", key: "session", value: "new" });
  });

  test("takes nothing from other windows or other origins", () => {
    const { button, load, say } = setup();
    button().click();
    load();
    say({ parley: 1, type: "store", key: "session", value: "stolen" }, "https://evil.example");
    say({ parley: 1, type: "store", key: "session", value: "stolen" }, origin, window);
    say({ parley: 1, type: "close" }, "https://evil.example");
    say("store");
    expect(localStorage.length).toBe(0);
    expect(button().getAttribute("aria-expanded")).toBe("true");
  });

  test("shows what is unread on the closed button, in words too", () => {
    const { loader, button, load, say, badge } = setup();
    button().click();
    load();
    button().click();
    say({ parley: 1, type: "unread", count: 2 });
    expect(badge()?.hidden).toBe(false);
    expect(badge()?.textContent).toBe("2");
    expect(button().getAttribute("aria-label")).toBe("Open chat, 2 new messages");
    loader.setLang("ru");
    expect(button().getAttribute("aria-label")).toBe("Открыть чат, 2 новых сообщения");
    say({ parley: 1, type: "unread", count: 120 });
    expect(badge()?.textContent).toBe("99+");
    say({ parley: 1, type: "unread", count: "<b>" });
    expect(badge()?.hidden).toBe(true);
  });

  test("Escape and the app's own button close it, and the focus returns to where it came from", () => {
    const { button, load, say, shadow, posted } = setup();
    button().click();
    load();
    expect(shadow.activeElement?.tagName).toBe("IFRAME");
    expect(posted[0]?.message["focus"]).toBe(true);
    say({ parley: 1, type: "close" });
    expect(button().getAttribute("aria-expanded")).toBe("false");
    expect(shadow.activeElement).toBe(button());
    button().click();
    button().dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(button().getAttribute("aria-expanded")).toBe("false");
  });

  test("stays open from page to page of the shop, without taking the focus", () => {
    let widget = setup();
    widget.button().click();
    document.body.replaceChildren();
    widget = setup();
    expect(widget.button().getAttribute("aria-expanded")).toBe("true");
    expect(widget.shadow.activeElement).toBeNull();
    widget.button().click();
    document.body.replaceChildren();
    widget = setup();
    expect(widget.button().getAttribute("aria-expanded")).toBe("false");
  });

  test("passes on what other tabs of the shop change", () => {
    const { button, load, posted } = setup();
    button().click();
    load();
    localStorage.setItem(`parley:${channel}`, "theirs");
    window.dispatchEvent(new StorageEvent("storage", { key: `parley:${channel}`, newValue: "theirs" }));
    window.dispatchEvent(new StorageEvent("storage", { key: "cart", newValue: "1" }));
    expect(posted.slice(1).map((p) => p.message)).toEqual([{ parley: 1, type: "stored", key: "session", value: "theirs" }]);
  });
});

describe("Store", () => {
  test("works in memory where the browser forbids storage, and when it is full", () => {
    const forbidden = new Store(channel, null);
    forbidden.set("session", "token");
    expect(forbidden.get("session")).toBe("token");
    expect(forbidden.all()).toEqual({ session: "token" });
    forbidden.set("session", null);
    expect(forbidden.all()).toEqual({});

    const full = new Store(channel, {
      length: 0,
      key: () => null,
      getItem: () => null,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
      removeItem: () => undefined,
      clear: () => undefined,
    });
    full.set("out:c1", "text");
    expect(full.all()).toEqual({ "out:c1": "text" });
  });
});
