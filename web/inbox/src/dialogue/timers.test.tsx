import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Dialogue } from "../api/types";
import { admin, dialogue, id } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { useDialogueActions } from "./actions";
import { Header } from "./header";
import { Timers } from "./timers";

let sent: string[];

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push(`${init.method} ${path} ${typeof init.body === "string" ? init.body : ""}`);
    return new Promise(() => undefined);
  });
});
afterEach(() => vi.unstubAllGlobals());

const soon = (minutes: number) => new Date(Date.now() + minutes * 60_000 + 500).toISOString();

function Top({ of }: { of: Dialogue }) {
  return <Header dialogue={of} actions={useDialogueActions(of, () => undefined)} narrow={false} panelOpen={false} onPanel={() => undefined} />;
}

it("shows what comes by itself and how long that is", async () => {
  const timers: Dialogue["timers"] = [
    { kind: "first_reply", due_at: soon(5) },
    { kind: "return", due_at: soon(64) },
  ];
  await renderInbox(<Timers dialogue={dialogue(1, { mode: "operator", timers })} />, { language: "en" });
  expect(screen.getByTestId("timers").textContent).toMatch(/First answer due in [45]:\d\d.*Back to the bot in 1 h 0[34] min/);
});

it("says that an answer is late, and nothing where nothing is to come", async () => {
  const { unmount } = await renderInbox(<Timers dialogue={dialogue(1, { overdue_since: soon(-3) })} />, { language: "kk" });
  expect(screen.queryByText("Жауап кешікті")).not.toBeNull();
  unmount();
  await renderInbox(<Timers dialogue={dialogue(1)} />);
  expect(screen.queryByTestId("timers")).toBeNull();
});

it("puts a dialogue off, and takes it up again", async () => {
  const { unmount } = await renderInbox(<Top of={dialogue(1, { mode: "operator" })} />, { operator: admin });
  await userEvent.click(screen.getByRole("button", { name: "Ещё действия" }));
  expect(screen.queryByText("Вернуть сейчас")).toBeNull();
  await userEvent.click(await screen.findByText("На час"));
  await waitFor(() => expect(sent.some((line) => line.startsWith(`PUT /api/v1/dialogues/${id(1)}/status {"status":"snoozed","until":"20`))).toBe(true));
  unmount();

  await renderInbox(<Top of={dialogue(1, { mode: "operator", status: "snoozed", timers: [{ kind: "snooze", due_at: soon(60) }] })} />, { operator: admin });
  await userEvent.click(screen.getByRole("button", { name: "Ещё действия" }));
  await userEvent.click(await screen.findByText("Вернуть сейчас"));
  await waitFor(() => expect(sent).toContainEqual(`PUT /api/v1/dialogues/${id(1)}/status {"status":"open"}`));
});

it("offers nothing of the kind for what the bot has", async () => {
  await renderInbox(<Top of={dialogue(1, { mode: "bot" })} />, { operator: admin });
  await userEvent.click(screen.getByRole("button", { name: "Ещё действия" }));
  expect(await screen.findByText("Отметить непрочитанным")).toBeTruthy();
  expect(screen.queryByText("На час")).toBeNull();
});
