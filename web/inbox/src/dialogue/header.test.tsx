import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Dialogue, Message } from "../api/types";
import { at, dialogue, id, me, message } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { useDialogueActions } from "./actions";
import { Header } from "./header";
import { undelivered } from "./trouble";

const bot = (seq: number, change: Partial<Message> = {}) => message(seq, { author: "bot", state: "sent", ...change });
const operator = (seq: number, change: Partial<Message> = {}) => message(seq, { author: "operator", operator: me, state: "sent", ...change });
const event = (seq: number, data: Message["data"]) => message(seq, { author: "system", kind: "event", text: "", data });
const blocked = { state: "failed", error: "the customer has blocked the bot" } as const;

describe("the message that a dialogue waits for", () => {
  it.each<[string, Message[], number | null]>([
    ["none", [message(1), bot(2)], null],
    ["one that failed", [message(1), bot(2, blocked)], 2],
    ["one that may have arrived", [message(1), operator(2, { state: "unconfirmed" })], 2],
    ["one that its channel holds up", [message(1), bot(2, { state: "queued", error: "401" })], 2],
    ["not one that is on its way", [message(1), bot(2, { state: "queued" })], null],
    ["the newest of several", [message(1), bot(2, blocked), bot(3, blocked)], 3],
    ["one before other words of the customer and a note", [bot(1, blocked), message(2), message(3, { author: "operator", kind: "note" })], 1],
    ["one that was on its way when somebody took over", [message(1), bot(2, blocked), event(3, { type: "taken_over" })], 2],
    ["none that an operator has seen to", [message(1), bot(2, blocked), operator(3)], null],
    ["none before the bot handed over", [bot(1, blocked), message(2), event(3, { type: "handoff", reason: "no_answer" })], null],
    ["none before it went back to the bot", [bot(1, blocked), event(2, { type: "returned_to_bot" })], null],
    ["none before it was closed", [bot(1, blocked), event(2, { type: "closed" })], null],
  ])("is %s", (_, messages, seq) => expect(undelivered(messages)?.seq ?? null).toBe(seq));
});

describe("the line of a dialogue that waits", () => {
  let sent: string[];
  let resent: Message;

  beforeEach(() => {
    sent = [];
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
      sent.push(`${init.method} ${path}`);
      if (!path.endsWith("/resend")) return new Promise(() => undefined);
      return Promise.resolve(new Response(JSON.stringify({ message: resent, dialogue: dialogue(1, { version: 2 }) })));
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  function Shown({ of }: { of: Dialogue }) {
    const actions = useDialogueActions(of, () => undefined);
    return <Header dialogue={of} actions={actions} narrow={false} panelOpen={false} onPanel={() => undefined} />;
  }

  async function open(change: Partial<Dialogue>, messages: Message[]) {
    const { live } = await renderInbox(<Shown of={dialogue(1, { waiting_since: at(0), ...change })} />);
    act(() => live.store.dispatch({ type: "thread-page", dialogueID: id(1), messages, more: false, direction: "newest" }));
  }

  it("says what was not delivered and why, and sends it again", async () => {
    await open({ mode: "bot" }, [message(1), bot(2, blocked)]);
    expect(screen.queryByText("Не отправлено: клиент заблокировал бота")).not.toBeNull();
    resent = bot(2, { state: "queued" });
    fireEvent.click(screen.getByText("Отправить ещё раз"));
    await waitFor(() => expect(screen.queryByText("Отправить ещё раз")).toBeNull());
    expect(sent).toContain(`POST /api/v1/dialogues/${id(1)}/messages/${id(10_002)}/resend`);
    expect(screen.queryByText(/Не отправлено/)).toBeNull();
  });

  it("offers nothing for a message that leaves by itself later", async () => {
    await open({ mode: "bot" }, [message(1), bot(2, { state: "queued", error: "Telegram does not accept the bot's token" })]);
    expect(screen.queryByText(/^Ждёт отправки: Telegram больше не принимает токен бота/)).not.toBeNull();
    expect(screen.queryByText("Отправить ещё раз")).toBeNull();
  });

  it("says both where the bot has handed over and cannot say so", async () => {
    await open({ mode: "operator", handoff_reason: "customer_asked" }, [message(1), event(2, { type: "handoff", reason: "customer_asked" }), bot(3, { ...blocked, kind: "notice" })]);
    expect(screen.queryByText("Клиент попросил человека")).not.toBeNull();
    expect(screen.queryByText("Не отправлено: клиент заблокировал бота")).not.toBeNull();
    expect(screen.queryByText("Взять себе")).not.toBeNull();
  });

  it("says no more why the bot handed over once an operator has answered", async () => {
    await open({ mode: "operator", handoff_reason: "customer_asked", assignee: { id: me.id, name: me.name } }, [message(1), event(2, { type: "handoff", reason: "customer_asked" }), operator(3, { state: "unconfirmed" })]);
    expect(screen.queryByText("Клиент попросил человека")).toBeNull();
    expect(screen.queryByText("Доставка не подтверждена")).not.toBeNull();
  });
});
