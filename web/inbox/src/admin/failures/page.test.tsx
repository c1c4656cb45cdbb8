import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ListedTurn, ReplayBatch } from "../../api/types";
import { admin, at, dialogue, failedTurn, id, me, replayBatch } from "../../test/fixtures";
import { renderInbox } from "../../test/render";
import { AdminPage } from "../page";

interface Sent {
  path: string;
  body: unknown;
}

let turns: ListedTurn[];
let causes: { cause: string; failed: number; open: number }[];
let replays: ReplayBatch[];
let replay: (body: { dry_run?: boolean }) => Response;
let sent: Sent[];

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const problem = (status: number, code: string, detail: string) => json({ status, code, detail, title: "", type: "" }, status);

beforeEach(() => {
  turns = [failedTurn(1), failedTurn(2)];
  causes = [{ cause: "bad_key", failed: 3, open: 2 }];
  replays = [];
  replay = () => json({});
  sent = [];
  window.history.replaceState(null, "", "/#failed-answers");
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as { dry_run?: boolean }) : null;
    sent.push({ path, body });
    if (path.startsWith("/api/v1/turns?")) return Promise.resolve(json({ turns, next_cursor: null }));
    if (path === "/api/v1/failures") return Promise.resolve(json({ open: causes.reduce((sum, one) => sum + one.open, 0), causes }));
    if (path === "/api/v1/channels") return Promise.resolve(json({ channels: [dialogue(1).channel] }));
    if (path.startsWith("/api/v1/turns/replays?")) return Promise.resolve(json({ replays, next_cursor: null }));
    if (path.endsWith("/stop")) {
      replays = replays.map((batch) => (path.includes(batch.id) ? { ...batch, state: "stopped" } : batch));
      return Promise.resolve(json(replays.find(({ id }) => path.includes(id))));
    }
    if (path.endsWith("/replay")) return Promise.resolve(replay(body ?? {}));
    return new Promise(() => undefined);
  });
});
afterEach(() => vi.unstubAllGlobals());

const open = (operator = admin) => renderInbox(<AdminPage section="failed-answers" />, { operator });
const rows = () => screen.findAllByTestId("failed-answer");
const button = (name: string, where = screen.getAllByTestId("failed-answer")[0]!) => within(where).getByRole("button", { name });
const asked = () => sent.filter(({ path }) => path.startsWith("/api/v1/turns?")).map(({ path }) => path.split("?")[1]);

describe("the page", () => {
  it("shows at a glance who asked what, and why there was no answer", async () => {
    const replayed = { at: at(7), by: "Дана", outcome: "returned_to_bot" } as const;
    turns = [failedTurn(1, { attempts: 4 }), failedTurn(2, { cause: "never heard of", question: "", open: false, replay: replayed }), failedTurn(3, { open: false })];
    await open();
    const [first, second, third] = await rows();
    expect(first!.textContent).toContain("Посетитель 1");
    expect(first!.textContent).toContain("Вопрос 1");
    expect(first!.textContent).toContain("Ключ модели не подходит или не оплачен");
    expect(first!.textContent).toContain("4 попытки");
    expect(within(first!).queryByTestId("waiting-badge")).not.toBeNull();
    expect(second!.textContent).toContain("Сообщение без текста");
    expect(second!.textContent).toContain("Другая причина");
    expect(second!.textContent).toMatch(/Повтор: Дана, .*, диалог вернулся к боту/);
    expect(within(second!).queryByRole("button", { name: "Повторить" })).toBeNull();
    expect(third!.textContent).toContain("Клиент больше не ждёт");
    expect(within(first!).getByRole("link", { name: "Посетитель 1" }).getAttribute("href")).toBe(`/d/${id(1)}`);
  });

  it("asks first for those who wait, then by the chosen cause", async () => {
    await open();
    await rows();
    expect(asked()).toEqual(["kind=reply&state=failed&open=true"]);
    await userEvent.click(screen.getByRole("button", { name: /Ключ модели не подходит или не оплачен\s*2/ }));
    await waitFor(() => expect(asked().at(-1)).toBe("kind=reply&state=failed&cause=bad_key&open=true"));
    await userEvent.click(screen.getByRole("button", { name: "Клиент ещё ждёт" }));
    await waitFor(() => expect(asked().at(-1)).toBe("kind=reply&state=failed&cause=bad_key"));
    expect(screen.queryByRole("button", { name: /Ключ модели не подходит или не оплачен\s*3/ })).not.toBeNull();
  });

  it("opens at the cause that its address names", async () => {
    await renderInbox(<AdminPage section="failed-answers" cause="bad_key" />, { operator: admin });
    await rows();
    expect(asked()).toEqual(["kind=reply&state=failed&cause=bad_key&open=true"]);
  });

  it("teaches when nothing has ever failed, and says when nobody waits any more", async () => {
    turns = [];
    causes = [];
    const { unmount } = await open();
    await screen.findByText("Бот отвечает без сбоев");
    unmount();
    causes = [{ cause: "bad_key", failed: 3, open: 0 }];
    await open();
    await screen.findByText("Никто не ждёт");
    await userEvent.click(screen.getByRole("button", { name: "Показать все сбои" }));
    await waitFor(() => expect(asked().at(-1)).toBe("kind=reply&state=failed"));
  });

  it("is for admins: others are told so, and ask for nothing", async () => {
    await open(me);
    expect(screen.queryByText("Эта страница только для администраторов")).not.toBeNull();
    expect(screen.queryByRole("navigation")).toBeNull();
    expect(sent).toEqual([]);
  });
});

describe("trying without sending", () => {
  const tryFirst = async () => {
    await open();
    await rows();
    await userEvent.click(button("Проверить без отправки"));
    return screen.findByTestId("trial");
  };

  it("shows the would-be answer with its sources", async () => {
    replay = () => json({ text: "Доставим завтра.", handoff: null, error: null, sources: [{ item_id: "s1", title: "Доставка", text: "Завтра", score: 0.9 }] });
    const trial = await tryFirst();
    await within(trial).findByText("Доставим завтра.");
    expect(trial.textContent).toContain("Клиенту ничего не отправлено");
    expect(trial.textContent).toContain("Доставка");
    expect(sent.at(-1)).toEqual({ path: `/api/v1/turns/${id(20_001)}/replay`, body: { dry_run: true } });
    expect(button("Повторить").hasAttribute("data-disabled")).toBe(false);
  });

  it("says that the bot would hand over", async () => {
    replay = () => json({ text: "", handoff: "no_answer", error: null, sources: [] });
    await within(await tryFirst()).findByText("Бот передал бы диалог оператору: бот не нашёл ответа.");
  });

  it("says that it would fail again, and what to do", async () => {
    replay = () => json({ text: "", handoff: null, error: "rate_limited", sources: [] });
    const trial = await tryFirst();
    await within(trial).findByText("Бот снова не смог бы ответить. Слишком много запросов к модели.");
    expect(trial.textContent).toContain("Подождите немного");
  });

  it("shows what the server says when it cannot be tried", async () => {
    replay = () => problem(409, "conflict", "the questions are too far back");
    await within(await tryFirst()).findByText("Повторить этот ответ нельзя. Сервер пояснил: the questions are too far back");
  });
});

describe("replaying", () => {
  const replayFirst = async () => {
    await open();
    await rows();
    await userEvent.click(button("Повторить"));
  };

  it("says that the bot has the dialogue again, and takes the row away", async () => {
    replay = () => {
      turns = turns.slice(1);
      return json({ outcome: "returned_to_bot", dialogue: dialogue(1), suggestion: null });
    };
    await replayFirst();
    await screen.findByText("Посетитель 1: диалог снова у бота, он отвечает");
    await waitFor(() => expect(screen.getAllByTestId("failed-answer")).toHaveLength(1));
    expect(sent.find(({ path }) => path.endsWith("/replay"))?.body).toEqual({ dry_run: false });
  });

  it("leads to the draft where humans are at it, and keeps what was typed there", async () => {
    localStorage.setItem(`parley.draft.${admin.id}.${id(1)}`, JSON.stringify({ kind: "text", text: "Моё начало", suggestion: null }));
    replay = () => json({ outcome: "suggested", dialogue: null, suggestion: { text: "Доставим завтра.", turn_id: id(5), sources: [] } });
    await replayFirst();
    await userEvent.click(await screen.findByRole("button", { name: "Открыть диалог с черновиком" }));
    expect(window.location.pathname).toBe(`/d/${id(1)}`);
    expect(JSON.parse(localStorage.getItem(`parley.draft.${admin.id}.${id(1)}`)!)).toEqual({
      kind: "text",
      text: "Доставим завтра.",
      suggestion: { turnID: id(5), sources: [], before: "Моё начало" },
    });
  });

  it("says so when the bot has no draft either", async () => {
    replay = () => json({ outcome: "suggested", dialogue: null, suggestion: { text: "", turn_id: id(5), sources: [] } });
    await replayFirst();
    await screen.findByText(/бот не нашёл, что ответить/);
    expect(localStorage.getItem(`parley.draft.${admin.id}.${id(1)}`)).toBeNull();
  });

  it("shows what the server says when somebody else was first", async () => {
    replay = () => problem(409, "conflict", "Тимур has replayed it already");
    await replayFirst();
    await screen.findByText(/Сервер пояснил: Тимур has replayed it already/);
  });
});

describe("replaying all", () => {
  const shownBatch = () => screen.findByTestId("replay");
  const startAll = async () => {
    await open();
    await rows();
    await userEvent.click(screen.getByRole("button", { name: "Повторить все" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("Бот ещё раз даст 2 ответа.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Повторить" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  };

  it("asks with how many, and then shows how far it is until it ends", async () => {
    replay = () => {
      replays = [replayBatch({ total: 3, replayed: 1 })];
      return json(replayBatch({ total: 3 }), 202);
    };
    await startAll();
    expect(sent.filter(({ path }) => path.endsWith("/replay"))).toEqual([{ path: "/api/v1/turns/replay", body: { filter: {} } }]);
    await screen.findByText("Повторяем: 1 из 3");
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toMatch(/^33/);
    expect(screen.queryByRole("button", { name: "Повторить все" })).toBeNull();
    replays = [replayBatch({ total: 3, replayed: 2, skipped: 1, state: "done", finished_at: at(9) })];
    await screen.findByText("Всё повторено", {}, { timeout: 3000 });
    expect((await shownBatch()).textContent).toContain("Повторено: 2. Пропущено: 1.");
    await waitFor(() => expect(screen.queryByRole("button", { name: "Повторить все" })).not.toBeNull());
    await userEvent.click(within(await shownBatch()).getByRole("button", { name: "Скрыть" }));
    expect(screen.queryByTestId("replay")).toBeNull();
  });

  it("finds the one that runs after a reload, says for which answers, and stops it", async () => {
    replays = [
      replayBatch({ filter: { cause: "bad_key", channel: dialogue(1).channel.id }, replayed: 4, by: null }),
      replayBatch({ id: id(40_001), state: "done", finished_at: at(1) }),
    ];
    await open();
    const batch = await shownBatch();
    expect(screen.getAllByTestId("replay")).toHaveLength(1);
    expect(batch.textContent).toContain("Повторяем: 4 из 10");
    await waitFor(() => expect(batch.textContent).toContain(`Начат из командной строки сервера · Ключ модели не подходит или не оплачен · ${dialogue(1).channel.name}`));
    expect(screen.queryByRole("button", { name: "Повторить все" })).not.toBeNull();
    await userEvent.click(within(batch).getByRole("button", { name: "Остановить" }));
    await screen.findByText("Повтор остановлен");
    expect((await shownBatch()).textContent).toContain("Остальные клиенты ещё ждут");
    expect(sent.some(({ path }) => path === `/api/v1/turns/replays/${id(40_000)}/stop`)).toBe(true);
  });

  it("says why one has broken off, and that nothing is lost", async () => {
    replays = [replayBatch({ replayed: 4 })];
    await open();
    await screen.findByText("Повторяем: 4 из 10");
    replays = [replayBatch({ replayed: 4, state: "failed", error: "the turn is broken", finished_at: at(1) })];
    await screen.findByText("Повтор прервался", {}, { timeout: 3000 });
    expect(within(await shownBatch()).getByRole("alert").textContent).toMatch(/Ничего не потеряно.*the turn is broken/);
  });

  it("says so when it cannot be begun", async () => {
    replay = () => problem(403, "forbidden", "only admins");
    await open();
    await rows();
    await userEvent.click(screen.getByRole("button", { name: "Повторить все" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.click(await within(dialog).findByRole("button", { name: "Повторить" }));
    await within(dialog).findByText(/На это нет прав/);
    expect(screen.queryByTestId("replay")).toBeNull();
  });
});
