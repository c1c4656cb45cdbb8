import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, type Message } from "../src/app/api";
import { Backoff } from "../src/app/backoff";
import { Outbox, type Outgoing } from "../src/app/outbox";
import { FakeServer } from "./fakes";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setup() {
  const server = new FakeServer();
  server.sessions.set("token", []);
  const kept = new Map<string, string>();
  const sent: Message[] = [];
  let shown: readonly Outgoing[] = [];
  let ids = 0;
  const make = () =>
    new Outbox({
      send: (clientID, text) => server.send("token", clientID, text),
      keep: (clientID, value) => (value === null ? kept.delete(clientID) : kept.set(clientID, value)),
      onChange: (items) => (shown = items),
      onSent: (message) => sent.push(message),
      newID: () => `c${++ids}`,
      backoff: new Backoff(() => 1),
    });
  return { server, kept, sent, make, outbox: make(), shown: () => shown.map((item) => `${item.text}:${item.state}`), stored: () => server.sessions.get("token")?.map((m) => m.text) };
}

describe("Outbox", () => {
  test("sends in order, one at a time, and forgets what is confirmed", async () => {
    const { outbox, server, stored, shown, kept, sent } = setup();
    let inFlight = 0;
    let most = 0;
    const { send } = server;
    server.send = async (...args) => {
      most = Math.max(most, ++inFlight);
      try {
        return await send(...args);
      } finally {
        inFlight--;
      }
    };
    for (const text of ["one", "two", "three"]) outbox.add(text);
    expect(kept.size).toBe(3);
    await vi.runAllTimersAsync();
    expect(stored()).toEqual(["one", "two", "three"]);
    expect(sent.map((m) => m.seq)).toEqual([1, 2, 3]);
    expect(most).toBe(1);
    expect(shown()).toEqual([]);
    expect(kept.size).toBe(0);
  });

  test("waits while there is no network, then delivers each once, in order", async () => {
    const { outbox, server, stored, shown } = setup();
    server.offline = true;
    outbox.add("one");
    outbox.add("two");
    await vi.advanceTimersByTimeAsync(0);
    expect(shown()).toEqual(["one:waiting", "two:waiting"]);
    outbox.add("three");
    expect(shown()).toEqual(["one:waiting", "two:waiting", "three:waiting"]);
    server.offline = false;
    outbox.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(stored()).toEqual(["one", "two", "three"]);
    expect(shown()).toEqual([]);
  });

  test("tries again by itself: after 1, 2, 4 s", async () => {
    const { outbox, server } = setup();
    server.offline = true;
    outbox.add("one");
    await vi.advanceTimersByTimeAsync(999);
    expect(server.posts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.posts).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.posts).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(server.posts).toHaveLength(4);
    expect(new Set(server.posts.map((post) => post.clientID))).toEqual(new Set(["c1"]));
  });

  test("keeps the id when the answer was lost, so that the message is stored once", async () => {
    const { outbox, server, stored } = setup();
    const { send } = server;
    let first = true;
    server.send = async (...args) => {
      const stored = await send(...args);
      if (first) {
        first = false;
        throw new ApiError(0, "connection reset");
      }
      return stored;
    };
    outbox.add("one");
    await vi.runAllTimersAsync();
    expect(server.posts).toHaveLength(2);
    expect(stored()).toEqual(["one"]);
  });

  test("waits as long as the server asks", async () => {
    const { outbox, server, stored, shown } = setup();
    server.refusals = [new ApiError(429, "slow down", 7_000)];
    outbox.add("one");
    await vi.advanceTimersByTimeAsync(6_999);
    expect(shown()).toEqual(["one:waiting"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(stored()).toEqual(["one"]);
  });

  test.each([
    [413, "too_long"],
    [400, "refused"],
  ] as const)("shows what is refused for good (%i), keeps its text, and goes on", async (status, failure) => {
    const { outbox, server, stored, shown, kept, make } = setup();
    server.refusals = [new ApiError(status, "no")];
    outbox.add("one");
    outbox.add("two");
    await vi.runAllTimersAsync();
    expect(shown()).toEqual(["one:failed"]);
    expect(stored()).toEqual(["two"]);

    make().restore(Object.fromEntries(kept));
    await vi.runAllTimersAsync();
    expect(shown(), "a new page does not try it again by itself").toEqual(["one:failed"]);
    expect(server.posts).toHaveLength(2);
    expect(JSON.parse(kept.get("c1") ?? "")).toMatchObject({ text: "one", failure });

    outbox.retry("c1");
    await vi.runAllTimersAsync();
    expect(stored()).toEqual(["two", "one"]);
    expect(kept.size).toBe(0);
  });

  test("gives a failed message back for editing, and no other", async () => {
    const { outbox, server, shown, kept } = setup();
    server.refusals = [new ApiError(413, "no")];
    outbox.add("long");
    expect(outbox.withdraw("c1")).toBeNull();
    await vi.runAllTimersAsync();
    expect(outbox.withdraw("c1")).toBe("long");
    expect(shown()).toEqual([]);
    expect(kept.size).toBe(0);
  });

  test("sends in order what an earlier page left", async () => {
    const { outbox, server, kept, make, stored } = setup();
    server.offline = true;
    for (const text of ["one", "two", "three"]) outbox.add(text);
    await vi.advanceTimersByTimeAsync(0);
    server.offline = false;
    const shuffled = Object.fromEntries([...kept].reverse());
    make().restore({ ...shuffled, broken: "{", strange: '"text"' });
    await vi.advanceTimersByTimeAsync(0);
    expect(stored()).toEqual(["one", "two", "three"]);
  });

  test("drops what the stream or another tab has seen stored", async () => {
    const { outbox, server, shown, kept } = setup();
    server.offline = true;
    outbox.add("one");
    outbox.add("two");
    await vi.advanceTimersByTimeAsync(0);
    outbox.settle("c1");
    outbox.settle("unknown");
    expect(shown()).toEqual(["two:waiting"]);
    expect([...kept.keys()]).toEqual(["c2"]);
  });
});

test("Backoff doubles from 1 s to 30 s, with full jitter, and starts over", () => {
  const backoff = new Backoff(() => 0.5);
  expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000]);
  backoff.reset();
  expect(backoff.next()).toBe(500);
  expect(backoff.next(9_000)).toBe(9_000);
});
