// @vitest-environment node
import { expect, it } from "vitest";
import { at, colleague, dialogue, id, me } from "../test/fixtures";
import { handoffAlert } from "./handoff";

const context = { me: me.id, lookingAt: null, now: Date.parse(at(5)) };
const held = dialogue(1, { version: 1 });
const handedOff = dialogue(1, { version: 2, mode: "operator", status: "new", handoff_reason: "customer_asked", waiting_since: at(5) });

it("tells of a handoff by the bot", () => {
  expect(handoffAlert(held, handedOff, context)).toEqual({ kind: "handoff", dialogue: handedOff });
});

it("tells of it once", () => {
  expect(handoffAlert(handedOff, handedOff, context)).toBeNull();
  expect(handoffAlert(handedOff, { ...handedOff, version: 3 }, context)).toBeNull();
});

it("is silent about a takeover by an operator", () => {
  const taken = dialogue(1, { version: 2, mode: "operator", handoff_reason: "operator", assignee: { id: me.id, name: me.name }, waiting_since: at(5) });
  expect(handoffAlert(held, taken, context)).toBeNull();
});

it("tells of a customer who writes again, to the one who holds the dialogue", () => {
  const mine = dialogue(1, { version: 2, mode: "operator", handoff_reason: "operator", assignee: { id: me.id, name: me.name } });
  const wrote = { ...mine, version: 3, waiting_since: at(5) };
  expect(handoffAlert(mine, wrote, context)?.kind).toBe("wrote");
  expect(handoffAlert(mine, { ...wrote, assignee: { id: colleague.id, name: colleague.name } }, context)).toBeNull();
});

it("is silent about the dialogue before one's eyes", () => {
  expect(handoffAlert(held, handedOff, { ...context, lookingAt: id(1) })).toBeNull();
});

it("tells of an unknown dialogue only when the waiting has just begun", () => {
  expect(handoffAlert(undefined, handedOff, context)?.kind).toBe("handoff");
  expect(handoffAlert(undefined, { ...handedOff, waiting_since: at(1) }, context)).toBeNull();
});
