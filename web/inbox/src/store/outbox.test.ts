import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NetworkError, ProblemError } from "../api/client";
import type { MessageAndDialogue } from "../api/types";
import { dialogue, id, message } from "../test/fixtures";
import { Outbox } from "./outbox";
import type { Pending } from "./state";
import { createStore } from "./store";

const offline = () => Promise.reject(new NetworkError(new Error("offline")));

function setup(answer: (pending: Pending) => Promise<MessageAndDialogue>) {
  const store = createStore();
  store.dispatch({ type: "thread-opened", dialogueID: id(1) });
  const sent: Pending[] = [];
  let next = answer;
  const outbox = new Outbox({
    store,
    storageKey: "outbox",
    send: (pending) => {
      sent.push(pending);
      return next(pending);
    },
  });
  outbox.start();
  return { store, outbox, sent, answer: (change: typeof answer) => (next = change) };
}

let seq = 0;
const accept = (pending: Pending): Promise<MessageAndDialogue> =>
  Promise.resolve({ message: message(++seq, { author: "operator", client_id: pending.clientID, text: pending.text, state: "queued" }), dialogue: dialogue(1) });
const write = (outbox: Outbox, text: string) => outbox.add({ dialogueID: id(1), kind: "text", text, suggestionID: null });

beforeEach(() => {
  seq = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe("Outbox", () => {
  it("shows a message at once and lets it go when the server has it", async () => {
    const { store, outbox } = setup(accept);
    write(outbox, "Привет");
    expect(store.get().pending).toMatchObject([{ text: "Привет", status: "sending" }]);
    await vi.runAllTimersAsync();
    expect(store.get().pending).toEqual([]);
    expect(store.get().threads[id(1)]?.messages).toMatchObject([{ text: "Привет" }]);
  });

  it("keeps the order: the second waits for the first", async () => {
    const { outbox, sent, answer } = setup(offline);
    write(outbox, "первое");
    write(outbox, "второе");
    await vi.advanceTimersByTimeAsync(500);
    expect(sent.map((pending) => pending.text)).toEqual(["первое"]);
    answer(accept);
    await vi.runAllTimersAsync();
    expect(sent.map((pending) => pending.text)).toEqual(["первое", "первое", "второе"]);
  });

  it("repeats with the same client id, at once when the network is back", async () => {
    const { store, outbox, sent, answer } = setup(offline);
    write(outbox, "Привет");
    await vi.advanceTimersByTimeAsync(100);
    expect(store.get().pending).toMatchObject([{ status: "waiting", problem: "network" }]);
    answer(accept);
    window.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(0);
    expect(store.get().pending).toEqual([]);
    expect(new Set(sent.map((pending) => pending.clientID)).size).toBe(1);
  });

  it("does not repeat by itself what the server refuses, and goes on with the next", async () => {
    const refuse = () => Promise.reject(new ProblemError({ status: 409, code: "conflict", detail: "" }));
    const { store, outbox, sent, answer } = setup((pending) => (pending.text === "нельзя" ? refuse() : accept(pending)));
    const clientID = write(outbox, "нельзя");
    write(outbox, "можно");
    await vi.runAllTimersAsync();
    expect(store.get().pending).toMatchObject([{ clientID, status: "failed", problem: "conflict" }]);
    expect(sent).toHaveLength(2);

    answer(accept);
    outbox.retry(clientID);
    await vi.runAllTimersAsync();
    expect(store.get().pending).toEqual([]);
    expect(sent.at(-1)?.clientID).toBe(clientID);
  });

  it("waits through a logout: after the login it goes on", async () => {
    const { store, outbox } = setup(() => Promise.reject(new ProblemError({ status: 401, code: "unauthorized", detail: "" })));
    write(outbox, "Привет");
    await vi.advanceTimersByTimeAsync(10);
    expect(store.get().pending).toMatchObject([{ status: "waiting" }]);
    outbox.stop();

    const next = setup(accept);
    await vi.runAllTimersAsync();
    expect(next.sent).toMatchObject([{ text: "Привет", clientID: store.get().pending[0]?.clientID }]);
    expect(localStorage.getItem("outbox")).toBeNull();
  });

  it("can be told to forget a message", async () => {
    const { store, outbox } = setup(offline);
    outbox.discard(write(outbox, "Привет"));
    await vi.runAllTimersAsync();
    expect(store.get().pending).toEqual([]);
  });
});
