import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { TurnDetail } from "../api/types";
import { at, turn } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { readToolCall } from "./tool-calls";
import { TurnDetails } from "./turn";

afterEach(() => vi.unstubAllGlobals());

async function open(shown: TurnDetail, language: "ru" | "en" = "ru") {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(shown))));
  await renderInbox(<TurnDetails turnID={shown.id} onClose={() => undefined} />, { language });
  await screen.findByText(language === "ru" ? "Модель" : "Model");
}

const fact = (name: string) => screen.getByText(name).nextElementSibling?.textContent?.replace(/\u00a0/g, " ");

describe("the details of an answer", () => {
  it("tell what it cost and how long it took", async () => {
    await open(turn(1, { cost_micros: 1_234_567, currency: "KZT", first_word_ms: 640, model_ms: 1900 }));
    expect(fact("Стоимость")).toBe("1,23 ₸");
    expect(fact("До первого слова")).toBe("0,6 с");
    expect(fact("Работала модель")).toBe("1,9 с");
    expect(fact("Заняло")).toBe("2 с");
  });

  it("leave out what is not known", async () => {
    await open(turn(1));
    for (const name of ["Стоимость", "До первого слова", "Повтор", "Что делал бот", "Запрос к модели"]) expect(screen.queryByText(name), name).toBeNull();
  });

  it("mark estimated tokens, in the numbers of the language", async () => {
    await open(turn(1, { tokens_estimated: true }), "en");
    expect(fact("Tokens: prompt / completion")).toBe("1,200 / 80 (roughly: the model's server does not count them)");
  });

  it("give developers the whole request, to take along", async () => {
    const user = userEvent.setup();
    await open(turn(1, { request: { model: "gpt-4o-mini", messages: [] }, response: [{ text: "Ответ" }] }));
    expect(screen.getByLabelText("Запрос к модели").textContent).toBe('{\n  "model": "gpt-4o-mini",\n  "messages": []\n}');
    await user.click(screen.getByText("Для разработчиков"));
    await user.click(screen.getAllByRole("button", { name: "Скопировать" })[0]!);
    expect(await navigator.clipboard.readText()).toContain('"gpt-4o-mini"');
  });

  it("say why there was none, what to do, and who replayed it", async () => {
    await open(turn(1, { state: "failed", answer: null, cause: "bad_key", error: "401", replay: { at: at(5), by: "Дана", outcome: "suggested" } }));
    expect(screen.queryByText("Почему ответ не состоялся")).not.toBeNull();
    expect(screen.queryByText("Ключ модели не подходит или не оплачен")).not.toBeNull();
    expect(screen.queryByText(/Проверьте ключ и баланс/)).not.toBeNull();
    expect(fact("Повтор")).toMatch(/^Повтор: Дана, 10 марта 2026 г., \d\d:05, бот написал черновик$/);
    expect(screen.queryByText(/без базы знаний/)).toBeNull();
  });

  it("tell what the bot did, in words", async () => {
    const found = [{ item_id: "1", title: "Доставка" }, { item_id: "2", title: "Оплата" }];
    await open(
      turn(1, {
        tool_calls: [
          { round: 1, name: "search_knowledge", arguments: '{"query":"доставка в Астану"}', duration_ms: 12, found },
          { round: 1, name: "search_knowledge", arguments: '{"query":"рассрочка"}', duration_ms: 3 },
          { round: 2, name: "handoff", arguments: '{"reason":"no_answer"}', duration_ms: 0 },
        ],
      }),
    );
    expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
      "Искал в базе знаний: «доставка в Астану» — нашёл: Доставка, Оплата",
      "Искал в базе знаний: «рассрочка» — ничего не нашёл",
      "Решил передать диалог оператору",
    ]);
  });
});

it("reads tool calls that were cut off", () => {
  expect(readToolCall({ name: "search_knowledge", arguments: '{"query":"дос', error: "bad arguments" })).toEqual({ name: "search_knowledge", query: '{"query":"дос', found: [], failed: true });
});
