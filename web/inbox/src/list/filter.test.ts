// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Dialogue } from "../api/types";
import { at, colleague, dialogue, id, me } from "../test/fixtures";
import { emptyFilter, type Filter, isNarrowed, type Loaded, matches, rowIDs, toQuery } from "./filter";

const filter = (change: Partial<Filter>): Filter => ({ ...emptyFilter, ...change });
const byID = (...dialogues: Dialogue[]) => Object.fromEntries(dialogues.map((item) => [item.id, item]));
const loaded = (...numbers: number[]): Loaded => ({ ids: new Set(numbers.map(id)), end: null });

describe("a filter", () => {
  it("asks the server for its view", () => {
    expect(toQuery(filter({ view: "all" }))).toEqual({});
    expect(toQuery(filter({ view: "waiting" }))).toEqual({ waiting: true });
    expect(toQuery(filter({ view: "mine" }))).toEqual({ assignee: "me", status: "new,open,snoozed" });
    expect(toQuery(filter({ view: "bot", mode: "operator" }))).toEqual({ mode: "bot", status: "new,open,snoozed" });
    expect(toQuery(filter({ view: "closed", statuses: ["open"] }))).toEqual({ status: "closed" });
    expect(toQuery(filter({ q: "ноутбук", channels: ["a", "b"], statuses: ["new"], mode: "bot", unread: true }))).toEqual({ q: "ноутбук", channel: "a,b", status: "new", mode: "bot", unread: true });
  });

  it("judges a dialogue as the server would", () => {
    const waiting = dialogue(1, { mode: "operator", waiting_since: at(1), assignee: { id: me.id, name: me.name } });
    expect(matches(filter({ view: "waiting" }), waiting, me.id)).toBe(true);
    expect(matches(filter({ view: "waiting" }), { ...waiting, waiting_since: null }, me.id)).toBe(false);
    expect(matches(filter({ view: "mine" }), waiting, me.id)).toBe(true);
    expect(matches(filter({ view: "mine" }), waiting, colleague.id)).toBe(false);
    expect(matches(filter({ view: "mine" }), { ...waiting, status: "closed" }, me.id)).toBe(false);
    expect(matches(filter({ view: "bot" }), waiting, me.id)).toBe(false);
    expect(matches(filter({ view: "closed" }), waiting, me.id)).toBe(false);
    expect(matches(filter({ unread: true }), waiting, me.id)).toBe(false);
    expect(matches(filter({ channels: [id(900)] }), waiting, me.id)).toBe(true);
    expect(matches(filter({ channels: [id(901)] }), waiting, me.id)).toBe(false);
  });

  it("knows whether anything narrows the list beyond its view", () => {
    expect(isNarrowed(filter({ view: "mine" }))).toBe(false);
    expect(isNarrowed(filter({ q: "a" }))).toBe(true);
  });
});

describe("the rows", () => {
  it("are sorted by the last message, newest first", () => {
    expect(rowIDs(byID(dialogue(1), dialogue(3), dialogue(2)), emptyFilter, me.id, loaded(1, 2, 3))).toEqual([id(3), id(2), id(1)]);
  });

  it("gain a new dialogue that matches, and no other", () => {
    const dialogues = byID(dialogue(1), dialogue(5, { mode: "operator" }));
    expect(rowIDs(dialogues, filter({ view: "bot" }), me.id, loaded(1))).toEqual([id(1)]);
    expect(rowIDs(dialogues, emptyFilter, me.id, loaded(1))).toEqual([id(5), id(1)]);
  });

  it("lose a dialogue that stops matching", () => {
    expect(rowIDs(byID(dialogue(1, { status: "closed" })), filter({ view: "bot" }), me.id, loaded(1))).toEqual([]);
  });

  it("end where the loaded part ends", () => {
    const end = { at: at(4), id: id(4) };
    const dialogues = byID(dialogue(2), dialogue(4), dialogue(6));
    expect(rowIDs(dialogues, emptyFilter, me.id, { ids: new Set([id(4)]), end })).toEqual([id(6), id(4)]);
  });

  it("of a search are what the server found, and what says the words here", () => {
    const dialogues = byID(
      dialogue(1),
      dialogue(2, { contact: { id: id(5), name: "Әсел Нұрланова", number: 2 } }),
      dialogue(3),
      dialogue(4, { last_message: { author: "customer", preview: "Где Әсел?", created_at: at(9) } }),
    );
    expect(rowIDs(dialogues, filter({ q: "әСЕЛ" }), me.id, loaded(1))).toEqual([id(4), id(2), id(1)]);
  });
});
