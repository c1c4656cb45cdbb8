// @vitest-environment node
import { describe, expect, it } from "vitest";
import { dialogue, message } from "../../test/fixtures";
import { concernsFailures } from "./news";

const held = dialogue(1, { mode: "operator", answered_seq: 0 });
const event = (data: Parameters<typeof message>[1]) => message(2, { kind: "event", author: "system", text: "", ...data });

describe("the failed answers change", () => {
  it("when the bot fails, whatever was known before", () => {
    const failed = event({ data: { type: "handoff", reason: "bot_error", detail: "bad_key" } });
    expect(concernsFailures({ before: dialogue(1), dialogue: held, message: failed }, 0)).toBe(true);
  });

  it("when an answer is replayed", () => {
    expect(concernsFailures({ before: held, dialogue: dialogue(1), message: event({ data: { type: "replayed" } }) }, 0)).toBe(true);
  });

  it("when an operator answers somebody who may wait after a failure", () => {
    const answered = { before: held, dialogue: { ...held, answered_seq: 1 }, message: message(3, { author: "operator" }) };
    expect(concernsFailures(answered, 1)).toBe(true);
    expect(concernsFailures(answered, 0)).toBe(false);
  });

  it("perhaps when nothing is known of the dialogue", () => {
    expect(concernsFailures({ before: undefined, dialogue: held }, 1)).toBe(true);
  });

  it("not when the bot hands over for another reason, answers, or the customer goes on writing", () => {
    const asked = event({ data: { type: "handoff", reason: "customer_asked" } });
    expect(concernsFailures({ before: dialogue(1), dialogue: held, message: asked }, 1)).toBe(false);
    expect(concernsFailures({ before: dialogue(1), dialogue: dialogue(1, { answered_seq: 1 }), message: message(2, { author: "bot" }) }, 1)).toBe(false);
    expect(concernsFailures({ before: held, dialogue: held, message: message(2) }, 1)).toBe(false);
  });
});
