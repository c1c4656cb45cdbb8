// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Message, MessageState, TurnProgress } from "../api/types";
import { at, dialogue, id, message } from "../test/fixtures";
import { movesForward } from "./merge";
import { type Action, emptyState, type Pending, reduce, type State } from "./state";

const after = (...actions: Action[]): State => actions.reduce(reduce, emptyState);
const opened: Action = { type: "thread-opened", dialogueID: id(1) };
const page = (messages: Message[], direction: "newest" | "older" | "newer" = "newest", more = false): Action => ({ type: "thread-page", dialogueID: id(1), messages, more, direction });
const news = (item: Message, version = 2): Action => ({ type: "message", news: { message: item, dialogue: dialogue(1, { version }) } });
const seqs = (state: State) => state.threads[id(1)]?.messages.map((item) => item.seq);

describe("dialogues", () => {
  it("keeps the higher version, in whatever order they arrive", () => {
    const state = after({ type: "dialogues", dialogues: [dialogue(1, { version: 5, mode: "operator" })] }, { type: "dialogues", dialogues: [dialogue(1, { version: 4, mode: "bot" })] });
    expect(state.dialogues[id(1)]?.mode).toBe("operator");
  });

  it("is the same state when nothing is new, so that nothing is drawn again", () => {
    const state = after({ type: "dialogues", dialogues: [dialogue(1)] });
    expect(reduce(state, { type: "dialogues", dialogues: [dialogue(1)] })).toBe(state);
  });

  it("takes the dialogue that comes with a message, unless it knows a newer one", () => {
    const state = after({ type: "dialogues", dialogues: [dialogue(1, { version: 9, unread: 3 })] }, news(message(1), 8));
    expect(state.dialogues[id(1)]?.unread).toBe(3);
  });

  it("forgets after a reset what the snapshot does not vouch for, and asks for transcripts again", () => {
    const state = after({ type: "dialogues", dialogues: [dialogue(1), dialogue(2, { version: 7 })] }, opened, page([message(1)]), { type: "snapshot", dialogues: [dialogue(2, { version: 6 })] });
    expect(Object.keys(state.dialogues)).toEqual([id(2)]);
    expect(state.dialogues[id(2)]?.version).toBe(7);
    expect(state.threads[id(1)]).toMatchObject({ loaded: false, messages: [{ seq: 1 }] });
  });
});

describe("messages", () => {
  it("are in order of seq and each there once, whatever comes twice or late", () => {
    const state = after(opened, news(message(3)), page([message(1), message(2), message(3)]), news(message(5)), news(message(4)), news(message(5)));
    expect(seqs(state)).toEqual([1, 2, 3, 4, 5]);
  });

  it("that arrive while the first page is under way are kept", () => {
    const state = after(opened, news(message(8)), page([message(6), message(7)], "newest", true));
    expect(seqs(state)).toEqual([6, 7, 8]);
    expect(state.threads[id(1)]).toMatchObject({ loaded: true, more: true });
  });

  it("of a transcript nobody opened are not kept", () => {
    expect(after(news(message(1))).threads).toEqual({});
  });

  it("older ones are put in front", () => {
    const state = after(opened, page([message(3), message(4)], "newest", true), page([message(1), message(2)], "older", false));
    expect(seqs(state)).toEqual([1, 2, 3, 4]);
    expect(state.threads[id(1)]?.more).toBe(false);
  });

  it("from before a gap are dropped when a newest page does not join them", () => {
    const known = after(opened, page([message(1), message(2)]), { type: "snapshot", dialogues: [] });
    expect(seqs(reduce(known, page([message(7), message(8)], "newest", true)))).toEqual([7, 8]);
    expect(seqs(reduce(known, page([message(2), message(3)], "newest", true)))).toEqual([1, 2, 3]);
  });

  it("never go back in their delivery", () => {
    const state = after(opened, page([message(1, { author: "operator", state: "sent" })]), news(message(1, { author: "operator", state: "delivered" })), page([message(1, { author: "operator", state: "sent" })], "newer"));
    expect(state.threads[id(1)]?.messages[0]?.state).toBe("delivered");
  });

  it("begin anew when they are sent again, but not by late news", () => {
    const item = (state: MessageState) => message(1, { author: "operator", state });
    const failed = after(opened, page([item("failed")]), news(item("failed"), 3));
    const stateOf = (state: State) => state.threads[id(1)]?.messages[0]?.state;
    expect(stateOf(reduce(failed, news(item("queued"), 2)))).toBe("failed");
    expect(stateOf(reduce(failed, page([item("queued")], "newer")))).toBe("failed");
    expect(stateOf(reduce(failed, news(item("queued"), 4)))).toBe("queued");
  });

  it.each<[MessageState, MessageState, boolean]>([
    ["queued", "sending", true],
    ["sending", "sent", true],
    ["sent", "delivered", true],
    ["delivered", "read", true],
    ["sending", "unconfirmed", true],
    ["unconfirmed", "delivered", true],
    ["sent", "failed", true],
    ["read", "delivered", false],
    ["delivered", "sent", false],
    ["delivered", "failed", false],
    ["failed", "queued", false],
  ])("%s → %s: %s", (from, to, expected) => {
    expect(movesForward(from, to)).toBe(expected);
  });
});

describe("pending messages", () => {
  const pending: Pending = { clientID: "c1", dialogueID: id(1), kind: "text", text: "Здравствуйте", suggestionID: null, createdAt: at(1), status: "sending", problem: null };
  const sent = message(4, { author: "operator", client_id: "c1", state: "queued" });

  it("give way to the message itself, by the stream or by a page", () => {
    expect(after(opened, { type: "pending-added", pending }, news(sent)).pending).toEqual([]);
    expect(after(opened, { type: "pending-added", pending }, page([sent])).pending).toEqual([]);
  });

  it("stay when a customer's message happens to carry the same client id", () => {
    expect(after(opened, { type: "pending-added", pending }, news(message(4, { client_id: "c1" }))).pending).toEqual([pending]);
  });
});

describe("what the bot writes", () => {
  const turn = (change: Partial<TurnProgress>): Action => ({
    type: "turn",
    progress: { dialogue_id: id(1), turn_id: "t1", kind: "reply", state: "writing", offset: 0, text: "", ...change },
  });

  it("grows from the offset it is told", () => {
    const state = after(turn({ text: "Добрый " }), turn({ offset: 7, text: "день" }), turn({ offset: 7, text: "вечер" }));
    expect(state.replies[id(1)]?.text).toBe("Добрый вечер");
  });

  it("counts offsets in UTF-16 code units", () => {
    expect(after(turn({ text: "👋 " }), turn({ offset: 3, text: "Привет" })).replies[id(1)]?.text).toBe("👋 Привет");
  });

  it("starts over with another turn", () => {
    expect(after(turn({ text: "Первый" }), turn({ turn_id: "t2", text: "Второй" })).replies[id(1)]).toMatchObject({ turnID: "t2", text: "Второй" });
  });

  it("is not shown from its middle, and is whole again after a new beginning", () => {
    const joined = after(turn({ offset: 20, text: "середина" }));
    expect(joined.replies[id(1)]).toMatchObject({ text: "", whole: false });
    expect(reduce(joined, turn({ offset: 0, text: "Всё сначала" })).replies[id(1)]).toMatchObject({ text: "Всё сначала", whole: true });
  });

  it("is replaced by its message, and does not come back by a late piece", () => {
    const answer = message(2, { author: "bot", turn_id: "t1", state: "sent" });
    const state = after(opened, page([message(1)]), turn({ text: "Отв" }), news(answer));
    expect(state.replies).toEqual({});
    expect(reduce(state, turn({ text: "Ответ" })).replies).toEqual({});
  });

  it("goes into the composer when it is a suggestion", () => {
    const state = after(turn({ kind: "suggestion", text: "Черновик" }));
    expect(state.replies).toEqual({});
    expect(state.suggestions[id(1)]?.text).toBe("Черновик");
  });
});

describe("typing", () => {
  it("ends with the message, or after its time", () => {
    const typing: Action = { type: "typing", typing: { dialogue_id: id(1), author: "customer" }, at: 1000 };
    expect(after(typing).typing[id(1)]).toHaveLength(1);
    expect(after(typing, news(message(1))).typing[id(1)]).toEqual([]);
    expect(after(typing, { type: "typing-expired", before: 999 }).typing[id(1)]).toHaveLength(1);
    expect(after(typing, { type: "typing-expired", before: 1000 }).typing).toEqual({});
  });
});
