import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/app/api";
import { Chat } from "../src/app/chat";
import { FakeHost, FakeServer, message } from "./fakes";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function setup(options: { host?: FakeHost; server?: FakeServer; open?: boolean } = {}) {
  const server = options.server ?? new FakeServer();
  const host = options.host ?? new FakeHost();
  const page = { visible: true };
  const api = Object.assign(new Api(), server);
  let ids = 0;
  const chat = new Chat({ api, host, channel: "demo", init: host.init(options.open ?? true), newID: () => `c${++ids}`, visible: () => page.visible });
  chat.start();
  const settled = () => vi.advanceTimersByTimeAsync(0);
  const texts = () => chat.getState().messages.map((m) => m.text);
  const stream = () => {
    const newest = server.streams.at(-1);
    if (!newest) throw new Error("no stream was opened");
    return newest;
  };
  return { server, host, chat, page, settled, texts, stream };
}

/** A visitor who has been here: a session with two messages. */
function returning() {
  const server = new FakeServer();
  server.sessions.set("token-1", [message(1, "customer", "hi", "old"), message(2, "bot", "hello")]);
  const host = new FakeHost();
  host.kept.set("session", "token-1");
  return { server, host };
}

describe("Chat", () => {
  test("makes no session before the first message", async () => {
    const { server, chat, settled, host, texts } = setup();
    chat.type("he");
    await settled();
    expect(server.sessions.size).toBe(0);
    expect(server.typings).toBe(0);
    expect(chat.submit("  \n ")).toBe(false);
    expect(chat.submit(" hello \n")).toBe(true);
    await settled();
    expect(host.kept.get("session")).toBe("token-1");
    expect(texts()).toEqual(["hello"]);
    expect(chat.getState()).toMatchObject({ draft: "", outgoing: [], loading: false });
  });

  test("shows the transcript after a reload, and what comes live", async () => {
    const { chat, texts, stream, settled } = setup(returning());
    expect(chat.getState().loading).toBe(true);
    await settled();
    expect(texts()).toEqual(["hi", "hello"]);
    stream().event(101, "typing", { author: "bot" });
    await settled();
    expect(chat.getState().typing).toBe("bot");
    stream().event(102, "message", message(3, "bot", "news"));
    stream().event(102, "message", message(3, "bot", "news"));
    await settled();
    expect(chat.getState().typing).toBeNull();
    expect(texts()).toEqual(["hi", "hello", "news"]);

    stream().event(102, "typing", { author: "bot" });
    await settled();
    expect(chat.getState().typing, "overtaken by its own message").toBeNull();
    await vi.advanceTimersByTimeAsync(1_500);
    stream().event(102, "typing", { author: "bot" });
    await settled();
    expect(chat.getState().typing).toBe("bot");
  });

  test("typing signs of the shop go out after 5 s, the visitor's own are told every 3 s at most", async () => {
    const { chat, server, stream, settled } = setup(returning());
    await settled();
    stream().event(101, "typing", { author: "operator" });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(chat.getState().typing).toBe("operator");
    await vi.advanceTimersByTimeAsync(1);
    expect(chat.getState().typing).toBeNull();

    for (const text of ["h", "he", "hel"]) chat.type(text);
    expect(server.typings).toBe(1);
    await vi.advanceTimersByTimeAsync(3_000);
    chat.type("hell");
    expect(server.typings).toBe(2);
  });

  test("a message that the stream brings before the answer does is shown once", async () => {
    const { chat, server, stream, settled, texts } = setup(returning());
    await settled();
    let answer!: () => void;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const { send } = server;
    Object.assign(chat["deps"].api, {
      send: async (...args: Parameters<typeof send>) => {
        const stored = await send(...args);
        await gate;
        return stored;
      },
    });
    chat.submit("again");
    await settled();
    stream().event(103, "message", message(3, "customer", "again", "c1"));
    await settled();
    expect(chat.getState().outgoing).toEqual([]);
    answer();
    await settled();
    expect(texts()).toEqual(["hi", "hello", "again"]);
  });

  test("a token that the server forgot: a new session, and the queued messages go there", async () => {
    const { server, host } = returning();
    server.sessions.clear();
    server.sessions.set("other", []);
    host.kept.set("read", "2");
    host.kept.set("out:kept", JSON.stringify({ text: "left", at: 1 }));
    const { settled, texts } = setup({ server, host });
    await settled();
    expect(host.kept.get("session")).toBe("token-2");
    expect(texts()).toEqual(["left"]);
    expect(server.sessions.get("token-2")?.map((m) => m.client_id)).toEqual(["kept"]);
    expect(host.kept.has("read")).toBe(false);
    expect([...host.kept.keys()].filter((key) => key.startsWith("out:"))).toEqual([]);
  });

  test("a token forgotten between two messages", async () => {
    const { chat, server, settled, texts } = setup(returning());
    await settled();
    server.sessions.delete("token-1");
    server.sessions.set("other", []);
    chat.submit("first");
    chat.submit("second");
    await settled();
    expect(texts()).toEqual(["first", "second"]);
    expect(server.sessions.get("token-2")?.map((m) => m.text)).toEqual(["first", "second"]);
  });

  test("counts as unread what came while closed, until it is opened and visible", async () => {
    const { chat, host, page, stream, settled, server } = setup({ ...returning(), open: false });
    await settled();
    expect(host.unreadCount).toBe(1);
    stream().event(101, "message", message(3, "operator"));
    stream().event(102, "message", message(4, "customer"));
    await settled();
    expect(host.unreadCount).toBe(2);
    page.visible = false;
    chat.setOpen(true, true);
    expect(host.unreadCount).toBe(2);
    page.visible = true;
    chat.visibility(true);
    expect(host.unreadCount).toBe(0);
    expect(host.kept.get("read")).toBe("3");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(server.receiptsTold).toEqual([{ delivered: 3, read: 3 }]);
  });

  test("tells receipts once each, delivered before read, and again after a failure", async () => {
    const { chat, server, stream, settled } = setup({ ...returning(), open: false });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.receiptsTold).toEqual([{ delivered: 2 }]);
    chat.setOpen(true, false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.receiptsTold.slice(1)).toEqual([{ read: 2 }]);

    let failures = 1;
    const { receipts } = server;
    Object.assign(chat["deps"].api, {
      receipts: async (token: string, upTo: unknown) => {
        if (failures-- > 0) throw new ApiError(0, "offline");
        return receipts(token, upTo);
      },
    });
    stream().event(101, "message", message(3));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.receiptsTold).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.receiptsTold.slice(2)).toEqual([{ delivered: 3, read: 3 }]);
    await settled();
  });

  test("another tab's session, reading and sending are followed", async () => {
    const { chat, server, host, settled, texts, stream } = setup({ open: false });
    server.sessions.set("theirs", [message(1, "customer", "from the other tab"), message(2)]);
    chat.stored("session", "theirs");
    await settled();
    expect(texts()).toEqual(["from the other tab", "text 2"]);
    expect(host.unreadCount).toBe(1);
    chat.stored("read", "2");
    expect(host.unreadCount).toBe(0);
    stream().event(101, "message", message(3));
    await settled();
    expect(host.unreadCount).toBe(1);

    server.offline = true;
    chat.submit("queued");
    await settled();
    chat.stored("out:c1", null);
    expect(chat.getState().outgoing).toEqual([]);
  });

  test("two tabs that write their first message at once share one session", async () => {
    const server = new FakeServer();
    const host = new FakeHost();
    const queue: (() => Promise<unknown>)[] = [];
    let running = false;
    const locks = {
      request: (_name: string, work: () => Promise<unknown>) =>
        new Promise((resolve, reject) => {
          queue.push(() => work().then(resolve, reject));
          void (async () => {
            if (running) return;
            running = true;
            for (let next = queue.shift(); next; next = queue.shift()) await next();
            running = false;
          })();
        }),
    };
    vi.stubGlobal("navigator", { locks });
    const a = setup({ server, host });
    const b = setup({ server, host });
    a.chat.submit("from a");
    b.chat["deps"].newID = () => "b1";
    b.chat.submit("from b");
    await a.settled();
    vi.unstubAllGlobals();
    expect([...server.sessions.keys()]).toEqual(["token-1"]);
    expect(new Set(server.posts.map((post) => post.token))).toEqual(new Set(["token-1"]));
  });

  test("a hidden page gives its connection back after a while, and resumes when shown", async () => {
    const { chat, page, stream, settled, server } = setup(returning());
    await settled();
    page.visible = false;
    chat.visibility(false);
    await vi.advanceTimersByTimeAsync(19_999);
    expect(stream().ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(stream().ended).toBe(true);
    page.visible = true;
    chat.visibility(true);
    await settled();
    expect(server.streams).toHaveLength(2);
    expect(stream().resumed).toBe(true);
  });

  test("says that the connection is lost only when it lasts, and nothing is lost by it", async () => {
    const { chat, server, stream, settled, texts } = setup(returning());
    await settled();
    server.offline = true;
    stream().close();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(chat.getState().down).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(chat.getState().down).toBe(true);
    chat.submit("kept");
    await settled();
    server.offline = false;
    chat.wake();
    await settled();
    expect(chat.getState().down).toBe(false);
    expect(texts()).toEqual(["hi", "hello", "kept"]);
  });

  test("what is being typed survives the page, and a refused text comes back to be edited", async () => {
    const { chat, host, server, settled } = setup(returning());
    chat.type("half a thou");
    expect(setup({ host, server }).chat.getState().draft).toBe("half a thou");
    server.refusals = [new ApiError(413, "too long")];
    chat.submit("a novel");
    await settled();
    chat.type("and more");
    chat.edit("c1");
    expect(chat.getState()).toMatchObject({ outgoing: [], draft: "a novel\nand more" });
  });
});
