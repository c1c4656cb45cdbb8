import { act, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Message } from "../api/types";
import { colleague, dialogue, id, me, message } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { Transcript } from "./transcript";
import { readReport } from "./use-read";

let page: Message[];

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ messages: page, more: false }))));
});
afterEach(() => vi.unstubAllGlobals());

async function open(messages: Message[]) {
  page = messages;
  const view = await renderInbox(<Transcript dialogue={dialogue(1)} keepUnread={false} onEdit={() => undefined} />);
  await waitFor(() => expect(screen.queryAllByTestId("message")).toHaveLength(messages.length));
  return view;
}

const texts = () => screen.getAllByTestId("message").map((element) => element.textContent);

it("never takes a text for anything but text", async () => {
  const hostile = '<img src=x onerror=alert(1)> <script>alert(2)</script> javascript:alert(3) \u202eevil';
  const { container } = await open([message(1, { text: hostile })]);
  expect(texts()[0]).toContain(hostile);
  expect(container.querySelector("img, script, a")).toBeNull();
});

it("opens links safely", async () => {
  await open([message(1, { text: "Вот: https://shop.kz/a." })]);
  const link = screen.getByRole("link");
  expect(link.getAttribute("href")).toBe("https://shop.kz/a");
  expect(link.getAttribute("rel")).toContain("noopener");
});

it("tells the timeline in sentences", async () => {
  const event = (seq: number, data: Message["data"]) => message(seq, { author: "system", kind: "event", text: "", data });
  await open([
    event(1, { type: "handoff", reason: "customer_asked" }),
    event(2, { type: "taken_over", reason: "operator", operator: { id: me.id, name: me.name } }),
    event(3, { type: "returned_to_bot", operator: { id: colleague.id, name: colleague.name } }),
    event(4, { type: "closed" }),
    event(5, { type: "closed", detail: "silence" }),
  ]);
  const lines = texts();
  expect(lines[0]).toContain("Бот передал диалог: клиент попросил человека");
  expect(lines[1]).toContain("Теперь отвечает Айгуль");
  expect(lines[2]).toContain("Тимур: диалог возвращён боту");
  expect(lines[3]).toContain("Диалог закрыт");
  expect(lines[4]).toContain("Диалог закрыт: в нём давно никто не писал");
});

it("shows how far an own message has come, and why it failed", async () => {
  await open([message(1, { author: "operator", operator: me, state: "read" }), message(2, { author: "operator", operator: me, state: "failed", error: "chat not found" })]);
  expect(screen.getAllByRole("img").map((icon) => icon.getAttribute("aria-label"))).toEqual(["Прочитано", "Не отправлено"]);
  expect(texts()[1]).toContain("Не отправлено: chat not found");
});

it("grows the bot's text and replaces it by the message", async () => {
  const { live } = await open([message(1)]);
  const turn = { dialogue_id: id(1), turn_id: "t1", kind: "reply", state: "writing" } as const;
  act(() => live.store.dispatch({ type: "turn", progress: { ...turn, offset: 0, text: "Доставим " } }));
  act(() => live.store.dispatch({ type: "turn", progress: { ...turn, offset: 9, text: "завтра" } }));
  expect(screen.getByTestId("draft-bubble").textContent).toContain("Доставим завтра");
  const answer = message(2, { author: "bot", turn_id: "t1", text: "Доставим завтра.", state: "sent" });
  act(() => live.store.dispatch({ type: "message", news: { message: answer, dialogue: dialogue(1, { version: 2 }) } }));
  expect(screen.queryByTestId("draft-bubble")).toBeNull();
  expect(texts().at(-1)).toContain("Доставим завтра.");
  expect(screen.queryByText("Почему такой ответ?")).not.toBeNull();
});

it("reports as read only what has been seen and was unread", () => {
  expect(readReport({ unread: 2, read_seq: 3, status: "open" }, 5)).toBe(5);
  expect(readReport({ unread: 2, read_seq: 5, status: "open" }, 5)).toBeNull();
  expect(readReport({ unread: 0, read_seq: 3, status: "open" }, 5)).toBeNull();
  expect(readReport({ unread: 0, read_seq: 5, status: "new" }, 5)).toBe(5);
  expect(readReport({ unread: 1, read_seq: 0, status: "new" }, 0)).toBeNull();
});
