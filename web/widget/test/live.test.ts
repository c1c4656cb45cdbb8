import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../src/app/api";
import { Backoff } from "../src/app/backoff";
import { Live } from "../src/app/live";
import { FakeServer, message } from "./fakes";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setup() {
  const server = new FakeServer();
  server.sessions.set("token", [message(1, "customer"), message(2)]);
  const log: string[] = [];
  let known: Message[] = [];
  const live = new Live(
    server,
    "token",
    {
      onHistory: (history, whole) => {
        known = whole ? history.messages : [...known, ...history.messages];
        log.push(`history ${history.messages.map((m) => m.seq).join(",")}${whole ? " whole" : ""}`);
      },
      onMessage: (m) => {
        known.push(m);
        log.push(`message ${m.seq}`);
      },
      onTyping: (author) => log.push(`typing ${author}`),
      onConnection: (up) => log.push(up ? "up" : "down"),
      onUnauthorized: () => log.push("unauthorized"),
      lastSeq: () => known.at(-1)?.seq ?? null,
    },
    new Backoff(() => 1),
  );
  const settled = () => vi.advanceTimersByTimeAsync(0);
  const stream = () => {
    const newest = server.streams.at(-1);
    if (!newest) throw new Error("no stream was opened");
    return newest;
  };
  return { server, live, log, settled, stream };
}

describe("Live", () => {
  test("reads the transcript, then follows the stream from its position", async () => {
    const { live, log, settled, stream } = setup();
    live.start();
    await settled();
    expect(stream()).toMatchObject({ position: "100", resumed: false });
    stream().event(101, "message", message(3));
    stream().event(101, "typing", { author: "operator" });
    stream().event(101, "typing", { author: "customer" });
    stream().event(102, "message", { broken: true });
    stream().write("data: {not json\n\n");
    await settled();
    expect(log).toEqual(["history 1,2 whole", "up", "message 3", "typing operator"]);
  });

  test("resumes after the last event, and asks for what it may have missed", async () => {
    const { live, log, settled, stream, server } = setup();
    live.start();
    await settled();
    stream().event(105, "message", message(3));
    await settled();
    server.sessions.get("token")?.push(message(3), message(4));
    stream().close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stream()).toMatchObject({ position: "105", resumed: true });
    expect(server.historyCalls).toEqual([null, 3]);
    expect(log.slice(3)).toEqual(["down", "history 4", "up"]);
  });

  test("a character cut in two by the network stays whole", async () => {
    const { live, log, settled, server } = setup();
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    server.stream = async () => new ReadableStream({ start: (c) => void (controller = c) });
    live.start();
    await settled();
    const bytes = new TextEncoder().encode(`id: 1\nevent: message\ndata: ${JSON.stringify(message(3, "bot", "Қош келдіңіз"))}\n\n`);
    for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
    await settled();
    expect(log.at(-1)).toBe("message 3");
  });

  test("reset means: everything anew", async () => {
    const { live, log, settled, stream, server } = setup();
    live.start();
    await settled();
    stream().event(101, "reset", {});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.historyCalls).toEqual([null, null]);
    expect(log.slice(-2)).toEqual(["history 1,2 whole", "up"]);
    expect(server.streams[0]?.ended).toBe(true);
  });

  test("silence beyond the heartbeats counts as a dead connection", async () => {
    const { live, stream, settled, server } = setup();
    live.start();
    await settled();
    for (let i = 0; i < 4; i++) {
      await vi.advanceTimersByTimeAsync(15_000);
      stream().write(": hb\n\n");
    }
    expect(server.streams).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(41_000);
    expect(server.streams).toHaveLength(2);
    expect(server.streams[0]?.ended).toBe(true);
  });

  test("backs off while the server is away, and tries at once when woken", async () => {
    const { live, server, settled, log } = setup();
    server.offline = true;
    live.start();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(log).toEqual(["down", "down", "down"]);
    server.offline = false;
    live.wake();
    await settled();
    expect(log.slice(3)).toEqual(["history 1,2 whole", "up"]);
  });

  test("woken, it renews an old connection at once and leaves a fresh one alone", async () => {
    const { live, server, settled } = setup();
    live.start();
    await settled();
    await vi.advanceTimersByTimeAsync(5_000);
    live.wake(20_000);
    await settled();
    expect(server.streams).toHaveLength(1);
    live.wake();
    await settled();
    expect(server.streams).toHaveLength(2);
    expect(server.streams[0]?.ended).toBe(true);
  });

  test("stopped, it lets the connection go; started again, it resumes", async () => {
    const { live, server, settled, log } = setup();
    live.start();
    await settled();
    live.stop();
    live.start();
    live.start();
    await settled();
    expect(server.streams.map((s) => [s.ended, s.resumed])).toEqual([
      [true, false],
      [false, true],
    ]);
    live.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.streams).toHaveLength(2);
    expect(log).not.toContain("down");
  });

  test("ends when the token is not valid any more", async () => {
    const { live, server, log } = setup();
    server.sessions.clear();
    live.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(log).toEqual(["unauthorized"]);
  });
});
