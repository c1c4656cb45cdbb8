import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ListedTurn } from "../../api/types";
import { admin, dialogue, failedTurn, id, turn } from "../../test/fixtures";
import { renderInbox } from "../../test/render";
import { AdminPage } from "../page";

const listed = (number: number, change: Partial<ListedTurn>): ListedTurn => ({ ...failedTurn(number), ...turn(number), open: false, ...change });

let turns: ListedTurn[];
let asked: string[];

beforeEach(() => {
  turns = [
    listed(1, { question: "Сколько стоит доставка?", answer: "1 500 ₸.", state: "answered", model: "gpt-4o-mini", prompt_version: "ab12", prompt_tokens: 900, completion_tokens: 101 }),
    listed(2, { question: "Оператора", answer: null, state: "handed_off", handoff_reason: "customer_asked", model: null }),
    listed(3, { question: "", answer: null, state: "failed", cause: "bad_key" }),
    listed(4, { kind: "suggestion", state: "answered" }),
  ];
  asked = [];
  window.history.replaceState(null, "", "/#answers");
  vi.stubGlobal("fetch", (path: string) => {
    const json = (body: unknown) => Promise.resolve(new Response(JSON.stringify(body), { status: 200 }));
    if (path === "/api/v1/channels") return json({ channels: [dialogue(1).channel] });
    if (/^\/api\/v1\/turns(\?|$)/.test(path)) {
      asked.push(path.split("?")[1] ?? "");
      return json({ turns, next_cursor: null });
    }
    return new Promise(() => undefined);
  });
});
afterEach(() => vi.unstubAllGlobals());

const open = async () => {
  await renderInbox(<AdminPage section="answers" />, { operator: admin });
  return screen.findAllByTestId("bot-turn");
};

it("shows what the bot was asked, what came of it, and what it took", async () => {
  const [answered, handedOff, failed, draft] = await open();
  for (const text of ["Сколько стоит доставка?", "1 500 ₸.", "gpt-4o-mini", "1001 токен", "версия ab12"]) expect(answered!.textContent!.replace(/\u00a0/g, "")).toContain(text.replace(/\u00a0/g, ""));
  expect(within(answered!).getByRole("link").getAttribute("href")).toBe(`/d/${id(1)}`);
  expect(handedOff!.textContent).toContain("клиент попросил человека");
  expect(failed!.textContent).toContain("Ключ модели не подходит или не оплачен");
  expect(failed!.textContent).toContain("Сообщение без текста");
  expect(draft!.textContent).toContain("Черновик для оператора");
});

it("asks for all first, then for those of an outcome and of a version of the bot", async () => {
  const [answered] = await open();
  expect(asked).toEqual([""]);
  await userEvent.click(within(answered!).getByRole("button", { name: "версия ab12" }));
  await waitFor(() => expect(asked.at(-1)).toBe("prompt_version=ab12"));
  turns = [];
  await userEvent.click(screen.getByRole("button", { name: /^Итог/ }));
  await userEvent.click(await screen.findByRole("menuitemradio", { name: "Не состоялся" }));
  await waitFor(() => expect(asked.at(-1)).toBe("state=failed&prompt_version=ab12"));
  await userEvent.click(await screen.findByRole("button", { name: "Сбросить" }));
  await waitFor(() => expect(asked.at(-1)).toBe(""));
});
