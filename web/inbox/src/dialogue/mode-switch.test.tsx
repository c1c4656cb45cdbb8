import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Dialogue } from "../api/types";
import { admin, dialogue, id } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { useDialogueActions } from "./actions";
import { ModeSwitch } from "./mode-switch";

let sent: string[];

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push(`${init.method} ${path} ${typeof init.body === "string" ? init.body : ""}`);
    return new Promise(() => undefined);
  });
});
afterEach(() => vi.unstubAllGlobals());

function Switch({ of }: { of: Dialogue }) {
  const actions = useDialogueActions(of, () => undefined);
  return <ModeSwitch dialogue={of} switching={actions.switching} onSwitch={(mode) => void actions.setMode(mode)} />;
}

const half = (name: string) => screen.getAllByRole("button").find((button) => button.dataset["half"] === name)!;

it("takes a dialogue that waits for anybody, instead of doing nothing", async () => {
  await renderInbox(<Switch of={dialogue(1, { mode: "operator", assignee: null })} />, { operator: admin });
  await userEvent.click(half("operator"));
  await waitFor(() => expect(sent).toContainEqual(`PUT /api/v1/dialogues/${id(1)}/assignee {"operator_id":"${admin.id}"}`));
});

it("does nothing where somebody is at it already", async () => {
  await renderInbox(<Switch of={dialogue(1, { mode: "operator", assignee: { id: id(9), name: "Дана" } })} />, { operator: admin });
  await userEvent.click(half("operator"));
  expect(sent.filter((line) => line.startsWith("PUT"))).toEqual([]);
});

it("takes over from the bot", async () => {
  await renderInbox(<Switch of={dialogue(1, { mode: "bot" })} />, { operator: admin });
  await userEvent.click(half("operator"));
  await waitFor(() => expect(sent).toContainEqual(`PUT /api/v1/dialogues/${id(1)}/mode {"mode":"operator"}`));
});
