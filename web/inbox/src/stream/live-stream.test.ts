// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveStream, type LiveStreamDeps, type Source, type StreamStatus } from "./live-stream";

class FakeSource implements Source {
  readyState = 0;
  closed = false;
  readonly url: URL;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor(url: string) {
    this.url = new URL(url, "http://inbox.test");
  }

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void) {
    this.#listeners.set(name, listener);
  }

  close() {
    this.closed = true;
    this.readyState = 2;
  }

  emit(name: string, data: unknown = {}, lastEventId = "") {
    this.#listeners.get(name)?.(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }

  open() {
    this.readyState = 1;
    this.emit("open");
  }

  fail(state: 0 | 2) {
    this.readyState = state;
    this.emit("error");
  }
}

function setup(change: Partial<LiveStreamDeps> = {}) {
  const sources: FakeSource[] = [];
  const events: [string, unknown][] = [];
  const statuses: StreamStatus[] = [];
  const clients: string[] = [];
  const stream = new LiveStream({
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    resync: () => Promise.resolve(500),
    onEvent: (name, data) => events.push([name, data]),
    onStatus: (status) => statuses.push(status),
    onOpen: (client) => clients.push(client),
    checkSession: () => Promise.resolve(),
    random: () => 1,
    ...change,
  });
  return { stream, sources, events, statuses, clients, last: () => sources.at(-1)! };
}

const after = (source: FakeSource) => source.url.searchParams.get("after");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("LiveStream", () => {
  it("begins behind the position of the list and names itself", () => {
    const { stream, last, clients } = setup();
    stream.start(41);
    last().open();
    expect(after(last())).toBe("41");
    expect(clients).toEqual([last().url.searchParams.get("client")]);
  });

  it("leaves short breaks to the browser", () => {
    const { stream, sources, statuses, last } = setup();
    stream.start(1);
    last().open();
    last().fail(0);
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    expect(statuses).toEqual(["connecting", "open", "lost"]);
  });

  it("opens anew behind the last id seen where the browser gave up", async () => {
    const { stream, sources, last, events } = setup();
    stream.start(1);
    last().open();
    last().emit("message", { a: 1 }, "7");
    last().emit("typing", { b: 1 }, "7");
    last().fail(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sources).toHaveLength(2);
    expect(after(last())).toBe("7");
    expect(events).toHaveLength(2);
    expect(sources[0]?.url.searchParams.get("client")).not.toBe(last().url.searchParams.get("client"));
  });

  it("tries less and less often, up to a bound", async () => {
    const { stream, sources, last } = setup();
    stream.start(1);
    for (const delay of [1000, 2000, 4000, 8000, 15_000, 15_000]) {
      last().fail(2);
      await vi.advanceTimersByTimeAsync(delay - 1);
      const before = sources.length;
      await vi.advanceTimersByTimeAsync(1);
      expect(sources.length).toBe(before + 1);
    }
  });

  it("loads everything anew on a reset, and goes on from there", async () => {
    const resync = vi.fn(() => Promise.resolve(900));
    const { stream, sources, last } = setup({ resync });
    stream.start(3);
    last().open();
    last().emit("reset");
    await vi.advanceTimersByTimeAsync(0);
    expect(resync).toHaveBeenCalledOnce();
    expect(sources[0]?.closed).toBe(true);
    expect(after(last())).toBe("900");
  });

  it("repeats a reload that failed", async () => {
    const resync = vi.fn<() => Promise<number>>().mockRejectedValueOnce(new Error("offline")).mockResolvedValueOnce(12);
    const { stream, last } = setup({ resync });
    stream.start(3);
    last().emit("reset");
    await vi.advanceTimersByTimeAsync(1000);
    expect(after(last())).toBe("12");
  });

  it("hears nothing of a connection it has replaced", () => {
    const { stream, sources, events } = setup();
    stream.start(3);
    stream.reconnect();
    sources[0]?.emit("message", {}, "99");
    expect(events).toEqual([]);
    expect(sources[0]?.closed).toBe(true);
  });

  it("is silent once stopped", async () => {
    const { stream, sources, last } = setup();
    stream.start(3);
    last().fail(2);
    stream.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sources).toHaveLength(1);
  });
});
