import { beforeEach, describe, expect, test } from "vitest";
import { Bridge, type Init } from "../src/app/host";
import type { StoredKey } from "../src/protocol";
import { FakeHost } from "./fakes";

const shop = "https://shop.example";

/** The window of the page around the frame. */
class FakeParent {
  posted: { message: unknown; targetOrigin: string }[] = [];

  postMessage(message: unknown, targetOrigin: string): void {
    this.posted.push({ message, targetOrigin });
  }
}

describe("Bridge", () => {
  let parent: FakeParent;
  let target: EventTarget;
  let bridge: Bridge;
  let log: unknown[];

  beforeEach(() => {
    parent = new FakeParent();
    target = new EventTarget();
    log = [];
    bridge = new Bridge(parent as unknown as Window, {
      onInit: (init: Init) => log.push(["init", init.lang]),
      onOpen: (open, focus) => log.push(["open", open, focus]),
      onLang: (lang) => log.push(["lang", lang]),
      onStored: (key: StoredKey, value) => log.push(["stored", key, value]),
    });
    bridge.listen(target as unknown as Window);
  });

  function receive(data: unknown, origin = shop, source: unknown = parent): void {
    const event = new Event("message");
    Object.assign(event, { data, origin, source });
    target.dispatchEvent(event);
  }

  const init = () => ({ parley: 1, type: "init", ...new FakeHost().init() });

  test("says nothing before the page has spoken, and then to that page alone", () => {
    bridge.unread(1);
    bridge.store("session", "secret");
    expect(parent.posted).toEqual([]);
    receive({ parley: 1, type: "open", open: true, focus: true });
    expect(log, "init comes first").toEqual([]);
    receive(init());
    bridge.store("session", "secret");
    bridge.close();
    expect(parent.posted).toEqual([
      { message: { parley: 1, type: "store", key: "session", value: "secret" }, targetOrigin: shop },
      { message: { parley: 1, type: "close" }, targetOrigin: shop },
    ]);
  });

  test("takes nothing from other windows, other origins, or pages without an origin", () => {
    receive(init(), "null");
    receive(init(), shop, new FakeParent());
    receive(init(), shop, null);
    expect(log).toEqual([]);
    receive(init());
    receive({ parley: 1, type: "lang", lang: "kk" }, "https://evil.example");
    receive({ parley: 1, type: "lang", lang: "kk" }, shop, new FakeParent());
    receive({ parley: 1, type: "stored", key: "session", value: "theirs" }, "https://evil.example");
    expect(log).toEqual([["init", "en"]]);
    receive({ parley: 1, type: "lang", lang: "kk" });
    expect(log).toEqual([["init", "en"], ["lang", "kk"]]);
  });

  test("takes only what the protocol knows", () => {
    receive(init());
    for (const data of [null, "init", 7, [], { type: "lang", lang: "ru" }, { parley: 2, type: "lang", lang: "ru" }, { parley: 1, type: "lang", lang: "xx" }, { parley: 1, type: "eval" }, { parley: 1, type: "stored", key: "__proto__", value: "x" }]) receive(data);
    expect(log).toEqual([["init", "en"]]);
  });

  test("asks for what is kept, and hears the answer", async () => {
    receive(init());
    const loaded = Promise.all([bridge.load("session"), bridge.load("session")]);
    receive({ parley: 1, type: "stored", key: "session", value: "token" });
    expect(await loaded).toEqual(["token", "token"]);
    expect(log.at(-1)).toEqual(["stored", "session", "token"]);
  });
});
