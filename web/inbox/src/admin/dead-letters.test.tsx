import { notifications } from "@mantine/notifications";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DeadLetter } from "../api/types";
import type { Language } from "../i18n";
import { admin, at, id } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { AdminPage } from "./page";

let letters: DeadLetter[];
let answer: () => Response;
let asked: string[];

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const letter = (number: number): DeadLetter => ({
  id: id(number),
  channel: { id: id(900), kind: "telegram", slug: "bot", name: "Бот магазина" },
  reason: `reason ${number}`,
  body: `{"update_id":${number}`,
  received_at: at(number),
});
const remove = (number: number) => (letters = letters.filter((one) => one.id !== id(number)));

beforeEach(() => {
  letters = [letter(2), letter(1)];
  asked = [];
  window.history.replaceState(null, "", "/#dead-letters");
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (path.startsWith("/api/v1/dead-letters/")) {
      asked.push(`${init.method} ${path}`);
      return Promise.resolve(answer());
    }
    if (path.startsWith("/api/v1/dead-letters")) return Promise.resolve(json({ dead_letters: letters, next_cursor: null }));
    return new Promise(() => undefined);
  });
});
afterEach(() => {
  notifications.clean();
  vi.unstubAllGlobals();
});

const open = (language: Language = "ru") => renderInbox(<AdminPage section="dead-letters" />, { operator: admin, language });
const rows = () => screen.findAllByTestId("dead-letter");
const press = async (name: string, row = 0) => userEvent.click(within((await rows())[row]!).getByRole("button", { name }));

it.each([
  ["ru", "taken", "Принять ещё раз", "Посылка принята: то, что в ней было, теперь в диалоге."],
  ["kk", "taken", "Қайта қабылдау", "Жіберілім қабылданды: ондағы нәрсе енді диалогта."],
  ["en", "ignored", "Try again", "The delivery held nothing for a dialogue. It is off the page."],
] as const)("a delivery that is taken goes, and it says so (%s, %s)", async (language, outcome, name, says) => {
  answer = () => {
    remove(2);
    return json({ outcome });
  };
  await open(language);
  await press(name);
  await screen.findByText(says);
  await waitFor(async () => expect(await rows()).toHaveLength(1));
  expect((await rows())[0]!.textContent).toContain("reason 1");
  expect(asked).toEqual([`POST /api/v1/dead-letters/${id(2)}/retry`]);
});

it("a delivery that is still broken stays, and says why now", async () => {
  answer = () => {
    letters = [{ ...letter(2), reason: "another reason" }, letter(1)];
    return json({ status: 409, code: "conflict", detail: "it still cannot be taken", title: "", type: "" }, 409);
  };
  await open();
  await press("Принять ещё раз");
  await screen.findByText("Принять не удалось, посылка осталась здесь. Сервер сообщает: it still cannot be taken");
  await waitFor(async () => expect((await rows())[0]!.textContent).toContain("another reason"));
  expect(await rows()).toHaveLength(2);
});

it("asks before it discards", async () => {
  answer = () => {
    remove(1);
    return new Response(null, { status: 204 });
  };
  await open();
  await press("Удалить", 1);
  const dialog = await screen.findByRole("dialog");
  expect(dialog.textContent).toContain("исчезнет навсегда");
  await userEvent.click(within(dialog).getByRole("button", { name: "Отмена" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked).toEqual([]);

  await press("Удалить", 1);
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Удалить" }));
  await screen.findByText("Посылка удалена.");
  await waitFor(async () => expect(await rows()).toHaveLength(1));
  expect(asked).toEqual([`DELETE /api/v1/dead-letters/${id(1)}`]);
});

it("says when somebody was faster, and shows what is left", async () => {
  answer = () => {
    remove(2);
    return json({ status: 404, code: "not_found", detail: "there is no dead letter", title: "", type: "" }, 404);
  };
  await open();
  await press("Принять ещё раз");
  await screen.findByText(/Этой посылки здесь уже нет/);
  await waitFor(async () => expect(await rows()).toHaveLength(1));
});
