// @vitest-environment node
import { expect, it } from "vitest";
import type { Pending } from "../store/state";
import { colleague, id, me, message } from "../test/fixtures";
import { transcriptItems } from "./items";

const local = (day: number, hour: number, minute = 0) => new Date(2026, 2, day, hour, minute).toISOString();
const outline = (items: ReturnType<typeof transcriptItems>) => items.map((item) => (item.kind === "day" || item.kind === "event" ? item.kind : `${item.kind}${item.first ? "*" : ""}`));

it("begins every day with its name", () => {
  const items = transcriptItems([message(1, { created_at: local(9, 23, 59) }), message(2, { created_at: local(10, 0, 1) })], [], undefined, me.id);
  expect(outline(items)).toEqual(["day", "message*", "day", "message*"]);
});

it("groups what one author writes in one go", () => {
  const from = (seq: number, minute: number, operator = me) => message(seq, { author: "operator", operator, created_at: local(10, 9, minute) });
  const items = transcriptItems([from(1, 0), from(2, 1), from(3, 2, colleague), from(4, 30, colleague)], [], undefined, me.id);
  expect(outline(items)).toEqual(["day", "message*", "message", "message*", "message*"]);
});

it("lets a line of the timeline break a group", () => {
  const at = local(10, 9);
  const items = transcriptItems([message(1, { created_at: at }), message(2, { kind: "event", created_at: at }), message(3, { created_at: at })], [], undefined, me.id);
  expect(outline(items)).toEqual(["day", "message*", "event", "message*"]);
});

it("puts what is on its way at the end, under the key it keeps when it has arrived", () => {
  const at = local(10, 9);
  const pending: Pending = { clientID: "c1", dialogueID: id(1), kind: "text", text: "Привет", suggestionID: null, createdAt: at, status: "sending", problem: null };
  const before = transcriptItems([message(1, { created_at: at })], [pending], undefined, me.id);
  const after = transcriptItems([message(1, { created_at: at }), message(2, { author: "operator", operator: me, client_id: "c1", created_at: at })], [], undefined, me.id);
  expect(outline(before)).toEqual(["day", "message*", "pending*"]);
  expect(before.at(-1)?.key).toBe("c1");
  expect(after.at(-1)?.key).toBe("c1");
});

it("shows last what the bot is writing", () => {
  const items = transcriptItems([message(1, { created_at: local(10, 9) })], [], { turnID: "t1", text: "Отв", whole: true, ended: false }, me.id);
  expect(outline(items)).toEqual(["day", "message*", "reply*"]);
});
