import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dialogue, id, me } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { Composer } from "./composer";

interface Sent {
  path: string;
  body: Record<string, unknown> | null;
}

let sent: Sent[];
let suggest: () => Promise<Response>;

beforeEach(() => {
  sent = [];
  suggest = () => new Promise(() => undefined);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push({ path, body: typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : null });
    return path.endsWith("/suggestion") ? suggest() : new Promise(() => undefined);
  });
});
afterEach(() => vi.unstubAllGlobals());

const box = () => screen.getByTestId<HTMLTextAreaElement>("composer-input");
const json = (body: unknown) => Promise.resolve(new Response(JSON.stringify(body)));
const open = (change = {}) => renderInbox(<Composer dialogue={dialogue(1, { mode: "operator", ...change })} />);

describe("the composer", () => {
  it("sends with Enter, starts a line with Shift+Enter", async () => {
    await open();
    await userEvent.type(box(), "Добрый день!{Shift>}{Enter}{/Shift}Слушаю вас.{Enter}");
    expect(box().value).toBe("");
    expect(sent).toMatchObject([{ path: `/api/v1/dialogues/${id(1)}/messages`, body: { text: "Добрый день!\nСлушаю вас." } }]);
    expect(sent[0]?.body).not.toHaveProperty("suggestion_id");
  });

  it("sends with Ctrl+Enter too, and nothing that is empty", async () => {
    await open();
    await userEvent.type(box(), "   {Enter}");
    expect(sent).toEqual([]);
    await userEvent.clear(box());
    await userEvent.type(box(), "Да{Control>}{Enter}{/Control}");
    expect(sent).toHaveLength(1);
  });

  it("refuses what is too long and keeps it", async () => {
    await open();
    await userEvent.click(box());
    await userEvent.paste("я".repeat(10_001));
    await userEvent.keyboard("{Enter}");
    expect(sent).toEqual([]);
    expect(screen.queryByText(/Слишком длинно: 10001 из 10000/)).not.toBeNull();
    expect(box().value).toHaveLength(10_001);
  });

  it("says beforehand that writing takes over from the bot", async () => {
    await open({ mode: "bot" });
    expect(screen.queryByText("Отправка переключит диалог на оператора")).not.toBeNull();
  });

  it("writes notes to colleagues, never to the customer", async () => {
    await open({ mode: "bot" });
    await userEvent.click(screen.getByRole("button", { name: /Заметка/ }));
    expect(screen.queryByText("Отправка переключит диалог на оператора")).toBeNull();
    await userEvent.type(box(), "Постоянный клиент{Enter}");
    expect(sent).toMatchObject([{ path: `/api/v1/dialogues/${id(1)}/notes`, body: { text: "Постоянный клиент" } }]);
    expect(screen.getByRole("button", { name: /Заметка/ }).getAttribute("aria-pressed"), "what comes next is for the customer").toBe("false");
  });

  it("keeps a draft for each dialogue and each operator", async () => {
    const { unmount } = await open();
    await userEvent.type(box(), "Недописан");
    unmount();
    expect(Object.keys(localStorage)).toEqual([`parley.draft.${me.id}.${id(1)}`]);
    await open();
    expect(box().value).toBe("Недописан");
  });
});

describe("asking the bot", () => {
  const ask = () => userEvent.click(screen.getByRole("button", { name: "Попросить бота ответить" }));
  const draft = { text: "Доставим завтра.", turn_id: "t1", sources: [{ item_id: "s1", title: "Доставка", text: "Завтра", score: 0.9 }] };

  it("fills the composer word by word; the operator edits and sends it", async () => {
    let answer: (response: Response) => void = () => undefined;
    suggest = () => new Promise((resolve) => (answer = resolve));
    const { live } = await open();
    await ask();
    act(() => live.store.dispatch({ type: "turn", progress: { dialogue_id: id(1), turn_id: "t1", kind: "suggestion", state: "writing", offset: 0, text: "Доставим" } }));
    expect(box().value).toBe("Доставим");
    expect(box().readOnly).toBe(true);
    answer(await json(draft));
    await waitFor(() => expect(box().value).toBe("Доставим завтра."));
    expect(screen.queryByText("Доставка")).not.toBeNull();
    await userEvent.type(box(), " Спасибо!{Enter}");
    expect(sent.at(-1)?.body).toMatchObject({ text: "Доставим завтра. Спасибо!", suggestion_id: "t1" });
  });

  it("gives back what was typed with Escape", async () => {
    suggest = () => json(draft);
    await open();
    await userEvent.type(box(), "Моё начало");
    await ask();
    await waitFor(() => expect(box().value).toBe("Доставим завтра."));
    await userEvent.type(box(), "{Escape}");
    expect(box().value).toBe("Моё начало");
    await userEvent.type(box(), "{Enter}");
    expect(sent.at(-1)?.body).not.toHaveProperty("suggestion_id");
  });

  it("can be stopped while the bot writes", async () => {
    await open();
    await userEvent.type(box(), "Моё начало");
    await ask();
    expect(box().value).toBe("");
    await userEvent.click(screen.getByRole("button", { name: "Остановить" }));
    expect(box().value).toBe("Моё начало");
  });

  it("leaves the text alone when the bot has nothing to say, or fails", async () => {
    suggest = () => json({ ...draft, text: "" });
    await open();
    await userEvent.type(box(), "Моё начало");
    await ask();
    await waitFor(() => expect(screen.queryByText(/Бот не нашёл, что ответить/)).not.toBeNull());
    expect(box().value).toBe("Моё начало");
    suggest = () => Promise.reject(new TypeError("Failed to fetch"));
    await ask();
    await waitFor(() => expect(screen.queryByText(/Черновик не получился/)).not.toBeNull());
    expect(box().value).toBe("Моё начало");
  });
});
