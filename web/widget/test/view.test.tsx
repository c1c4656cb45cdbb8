import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/app/api";
import { Chat } from "../src/app/chat";
import { App } from "../src/app/view/app";
import { FakeHost, FakeServer, message } from "./fakes";

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

async function setup(messages = [message(1, "customer", "hi", "old"), message(2, "bot", "hello")], disclose = true) {
  const server = new FakeServer();
  server.sessions.set("token", messages);
  const host = new FakeHost();
  host.kept.set("session", "token");
  const init = host.init();
  init.config.disclose_bot = disclose;
  let ids = 0;
  const chat = new Chat({ api: Object.assign(new Api(), server), host, channel: "demo", init, newID: () => `c${++ids}`, visible: () => true });
  chat.start();
  const root = document.body.appendChild(document.createElement("div"));
  await act(async () => {
    render(<App chat={chat} />, root);
    await Promise.resolve();
  });
  const find = <E extends Element = HTMLElement>(selector: string) => {
    const element = root.querySelector<E>(selector);
    if (!element) throw new Error(`${selector} is not shown`);
    return element;
  };
  const write = (text: string) =>
    act(() => {
      const field = find<HTMLTextAreaElement>("textarea");
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  const press = (key: string, more: KeyboardEventInit = {}) =>
    act(async () => {
      find("textarea").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
      await new Promise((resolve) => setTimeout(resolve));
    });
  const shown = () => [...root.querySelectorAll<HTMLElement>("[data-testid=widget-message]")].map((m) => `${m.dataset["author"]}:${m.dataset["state"]}:${m.querySelector(".text")?.textContent}`);
  return { server, host, chat, root, find, write, press, shown };
}

describe("App", () => {
  test("shows who wrote what, and says that a bot answers", async () => {
    const { shown, root, find } = await setup([message(1, "customer", "hi"), message(2, "bot", "hello"), message(3, "system", "passed on"), message(4, "operator", "here")]);
    expect(shown()).toEqual(["customer:sent:hi", "bot:sent:hello", "system:sent:passed on", "operator:sent:here"]);
    expect([...root.querySelectorAll(".author")].map((line) => line.textContent)).toEqual(["AyaBot", "Store staff"]);
    expect(find(".disclosure").textContent).toContain("A bot answers");
    expect(document.title).toBe("Shop");
    expect(document.documentElement.lang).toBe("en");
  });

  test("says nothing of a bot where the shop does not want it", async () => {
    const { root } = await setup(undefined, false);
    expect(root.querySelector(".disclosure")).toBeNull();
    expect(root.querySelector(".title p")).toBeNull();
    expect(root.querySelector(".author")?.textContent).toBe("Aya");
  });

  test("text is text, whatever it holds; links are safe", async () => {
    const hostile = '<img src=x onerror=alert(1)> <b>bold</b> javascript:alert(1) https://shop.kz/?q="><script>';
    const { root, shown, find } = await setup([message(1, "operator", hostile)]);
    expect(shown()).toEqual([`operator:sent:${hostile}`]);
    expect(root.querySelector(".text img, .text b, .text script")).toBeNull();
    expect(root.querySelectorAll(".text a")).toHaveLength(1);
    const link = find<HTMLAnchorElement>(".text a");
    expect(link.href).toBe("https://shop.kz/?q=");
    expect(link.rel).toContain("noopener");
    expect(link.target).toBe("_blank");
  });

  test("Enter sends, Shift+Enter and a letter being composed do not", async () => {
    const { write, press, shown, find, chat } = await setup();
    write("question");
    await press("Enter", { shiftKey: true });
    await press("Enter", { isComposing: true });
    expect(shown()).toHaveLength(2);
    await press("Enter");
    expect(shown().at(-1)).toBe("customer:sent:question");
    expect(find<HTMLTextAreaElement>("textarea").value).toBe("");
    write("   ");
    await press("Enter");
    expect(shown()).toHaveLength(3);
    expect(chat.getState().outgoing).toEqual([]);
  });

  test("a message that cannot be sent says so, keeps its text, and can be sent again or edited", async () => {
    const { server, write, press, shown, root, find } = await setup();
    server.refusals = [new ApiError(400, "no"), new ApiError(413, "no")];
    write("one");
    await press("Enter");
    write("two");
    await press("Enter");
    expect(shown().slice(2)).toEqual(["customer:failed:one", "customer:failed:two"]);
    const buttons = [...root.querySelectorAll<HTMLButtonElement>(".failure button")];
    expect(buttons.map((button) => button.textContent)).toEqual(["Retry", "Edit", "Edit"]);
    await act(async () => {
      buttons[2]?.click();
      buttons[0]?.click();
      await new Promise((resolve) => setTimeout(resolve));
    });
    expect(shown().slice(2)).toEqual(["customer:sent:one"]);
    expect(find<HTMLTextAreaElement>("textarea").value).toBe("two");
    expect(document.activeElement).toBe(find("textarea"));
  });

  test("Escape leaves, Tab stays within", async () => {
    const { host, press, find, root, write } = await setup();
    write("x");
    find("[data-testid=widget-send]").focus();
    const tab = new KeyboardEvent("keydown", { key: "Tab", bubbles: true, cancelable: true });
    find("[data-testid=widget-send]").dispatchEvent(tab);
    expect(tab.defaultPrevented).toBe(true);
    expect(document.activeElement).toBe(root.querySelector(".icon-button"));
    await press("Escape");
    expect(host.closed).toBe(1);
  });

  test("follows a change of language", async () => {
    const { chat, find } = await setup();
    act(() => chat.setLang("kk"));
    expect(find<HTMLTextAreaElement>("textarea").placeholder).toBe("Хабарлама…");
    expect(document.documentElement.lang).toBe("kk");
  });
});
