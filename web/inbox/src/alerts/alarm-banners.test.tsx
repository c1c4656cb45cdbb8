import { notifications } from "@mantine/notifications";
import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Alarm, Dialogue } from "../api/types";
import { admin, alarm, at, dialogue, me } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { AlarmBanners } from "./alarm-banners";
import { isNewAlarm, withAlarm } from "./alarms";
import { Alerts } from "./alerts";

/** A stream whose events the test makes. */
class FakeStream {
  static last: FakeStream;
  readonly readyState = 1;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor() {
    FakeStream.last = this;
  }

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(name, listener);
  }

  close(): void {
    this.#listeners.clear();
  }

  say(name: string, data: unknown): void {
    act(() => this.#listeners.get(name)?.(new MessageEvent(name, { data: JSON.stringify(data), lastEventId: "1" })));
  }
}

let alarms: Alarm[];
let asked: number;

const json = (body: unknown) => Promise.resolve(new Response(JSON.stringify(body), { status: 200 }));
const recovered = (change: Partial<Alarm> = {}) => alarm(1, { closed_at: at(9), closed_by: "recovered", ...change });

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, now: Date.parse(at(6)) });
  alarms = [];
  asked = 0;
  localStorage.clear();
  vi.stubGlobal("EventSource", FakeStream);
  vi.stubGlobal("fetch", (path: string) => {
    if (path === "/api/v1/alarms") {
      asked++;
      return json({ alarms });
    }
    if (path.startsWith("/api/v1/dialogues?")) return json({ dialogues: [], next_cursor: null, position: 0 });
    return new Promise(() => undefined);
  });
});
afterEach(() => {
  notifications.clean();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const open = (options: Parameters<typeof renderInbox>[1] = {}) =>
  renderInbox(
    <>
      <AlarmBanners />
      <Alerts />
    </>,
    options,
  );

async function streaming(options: Parameters<typeof renderInbox>[1] = {}) {
  const view = await open(options);
  const play = vi.spyOn(view.live.chime, "play");
  view.live.start();
  await waitFor(() => expect(FakeStream.last).toBeDefined());
  await waitFor(() => expect(asked).toBeGreaterThan(0));
  return { ...view, play };
}

describe("while the model does not answer", () => {
  it("tells operators since when, why, and how many wait", async () => {
    alarms = [alarm(1)];
    await open();
    const banner = await screen.findByTestId("alarm");
    expect(banner.textContent).toMatch(/^Модель бота не отвечает с \d\d:05/);
    expect(banner.textContent).toContain("Сервер модели недоступен. 5 клиентов ждут оператора.");
    expect(screen.queryByRole("link")).toBeNull();
  });

  it.each([
    ["kk", "Боттың моделі жауап бермей тұр", "5 клиент операторды күтіп отыр."],
    ["en", "The bot's model has not answered since", "5 customers wait for a human."],
  ] as const)("says so in %s", async (language, title, waiting) => {
    alarms = [alarm(1)];
    await open({ language });
    const banner = await screen.findByTestId("alarm");
    expect(banner.textContent).toContain(title);
    expect(banner.textContent).toContain(waiting);
  });

  it("leads admins to the failed answers of that cause", async () => {
    alarms = [alarm(1)];
    await open({ operator: admin });
    await userEvent.click(await screen.findByRole("link", { name: "Показать несостоявшиеся ответы" }));
    expect(window.location.hash).toBe("#failed-answers/unavailable");
  });

  it("does not blame the model for what is no fault of its server", async () => {
    alarms = [alarm(1, { cause: "internal", waiting: 0 })];
    await open();
    const banner = await screen.findByTestId("alarm");
    expect(banner.textContent).toContain("Бот не может ответить на вопросы с");
    expect(banner.textContent).toContain("Оператора никто не ждёт.");
  });
});

describe("after it has recovered", () => {
  it("offers admins the replay, until they have had enough of it", async () => {
    alarms = [recovered({ waiting: 2 })];
    const { unmount } = await open({ operator: admin });
    expect((await screen.findByTestId("alarm")).textContent).toContain("Модель снова отвечаетМожно повторить 2 несостоявшихся ответа.");
    expect(screen.getByRole("link", { name: "Перейти к повтору" }).getAttribute("href")).toBe("/#failed-answers/unavailable");
    await userEvent.click(screen.getByRole("button", { name: "Скрыть" }));
    expect(screen.queryByTestId("alarm")).toBeNull();
    unmount();
    await open({ operator: admin });
    await waitFor(() => expect(asked).toBe(2));
    expect(screen.queryByTestId("alarm")).toBeNull();
  });

  it.each([
    ["operators", me, [recovered()]],
    ["admins when nobody waits", admin, [recovered({ waiting: 0 })]],
    ["admins when somebody closed it", admin, [recovered({ closed_by: "operator" })]],
  ] as const)("says nothing to %s", async (_, operator, listed) => {
    alarms = [...listed];
    await open({ operator });
    await waitFor(() => expect(asked).toBe(1));
    expect(screen.queryByTestId("alarm")).toBeNull();
  });

  it("says nothing of one cause while another goes on", async () => {
    alarms = [alarm(2, { cause: "timeout" }), recovered()];
    await open({ operator: admin });
    await screen.findByText(/Модель бота не отвечает/);
    expect(screen.getAllByTestId("alarm")).toHaveLength(1);
  });
});

describe("the stream", () => {
  it("brings it and takes it away, with one sound", async () => {
    const { play } = await streaming({ operator: admin });
    alarms = [alarm(1, { waiting: 3 })];
    FakeStream.last.say("alarm", { alarm: alarms[0] });
    expect((await screen.findByTestId("alarm")).textContent).toContain("3 клиента ждут оператора.");
    await screen.findByRole("alert");
    FakeStream.last.say("alarm", { alarm: alarms[0] });
    expect(play).toHaveBeenCalledTimes(1);

    alarms = [recovered({ waiting: 3 })];
    FakeStream.last.say("alarm", { alarm: alarms[0] });
    await screen.findByText("Модель снова отвечает");
    expect(play).toHaveBeenCalledTimes(1);
  });

  it("keeps the number of those who wait, and sounds for no dialogue of its own", async () => {
    alarms = [alarm(1, { waiting: 3 })];
    const { live, play } = await streaming();
    await screen.findByText(/3 клиента ждут/);
    const held: Dialogue = dialogue(1, { version: 1 });
    live.store.dispatch({ type: "dialogues", dialogues: [held] });
    alarms = [alarm(1, { waiting: 4 })];
    const failed = dialogue(1, { version: 2, mode: "operator", status: "new", handoff_reason: "bot_error", waiting_since: at(6) });
    const line = { id: "m", dialogue_id: failed.id, seq: 2, author: "system", kind: "event", text: "", data: { type: "handoff", reason: "bot_error" }, state: "sent", created_at: at(6) };
    FakeStream.last.say("message", { message: line, dialogue: failed });
    await screen.findByText(/4 клиента ждут/, {}, { timeout: 5_000 });
    expect(play).not.toHaveBeenCalled();

    const asks = dialogue(2, { version: 2, mode: "operator", status: "new", handoff_reason: "customer_asked", waiting_since: at(6) });
    FakeStream.last.say("dialogue", { dialogue: asks });
    expect(play).toHaveBeenCalledTimes(1);
  });

  it("says of another program that it looks like one", async () => {
    const { live } = await streaming();
    live.store.dispatch({ type: "dialogues", dialogues: [dialogue(1, { version: 1 })] });
    FakeStream.last.say("dialogue", {
      dialogue: dialogue(1, { version: 2, mode: "operator", status: "new", handoff_reason: "rule", handoff_detail: "loop_same_text", waiting_since: at(6) }),
    });
    await screen.findByText("Похоже, отвечает другая программа: один и тот же текст снова и снова");
  });
});

describe("news of alarms", () => {
  it("replaces what was known of the cause, and never opens again what has ended", () => {
    expect(withAlarm([recovered()], alarm(1))).toEqual([recovered()]);
    expect(withAlarm([alarm(1)], recovered())).toEqual([recovered()]);
    const next = alarm(2, { opened_at: at(20) });
    expect(withAlarm([recovered()], next)).toEqual([next]);
    expect(withAlarm([next], recovered())).toEqual([next]);
    expect(withAlarm([recovered()], alarm(3, { cause: "timeout" }))).toEqual([alarm(3, { cause: "timeout" }), recovered()]);
  });

  it("sounds for fresh ones, and not again and again for a cause that comes and goes", () => {
    const now = Date.parse(at(6));
    expect(isNewAlarm(alarm(1), undefined, now)).toBe(true);
    expect(isNewAlarm(alarm(1), undefined, now + 120_000)).toBe(false);
    expect(isNewAlarm(recovered(), undefined, now)).toBe(false);
    expect(isNewAlarm(alarm(2), now - 60_000, now)).toBe(false);
    expect(isNewAlarm(alarm(2), now - 700_000, now)).toBe(true);
  });
});
