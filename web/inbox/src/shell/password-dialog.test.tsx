import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { renderInbox } from "../test/render";
import { AccountMenu } from "./account-menu";
import { PasswordDialog } from "./password-dialog";

let sent: string[];
let answer: () => Promise<Response>;

const problem = (status: number, code: string) => Promise.resolve(new Response(JSON.stringify({ status, code, detail: "", title: "", type: "" }), { status }));

beforeEach(() => {
  sent = [];
  answer = () => Promise.resolve(new Response(null, { status: 204 }));
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (path !== "/api/v1/session/password") return new Promise(() => undefined);
    sent.push(`${init.method} ${String(init.body)}`);
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

const current = () => screen.getByLabelText<HTMLInputElement>("Текущий пароль", { selector: "input" });
const next = () => screen.getByLabelText<HTMLInputElement>("Новый пароль", { selector: "input" });
const saidAt = (field: HTMLElement) => (field.getAttribute("aria-describedby") ?? "").split(" ").map((name) => document.getElementById(name)?.textContent ?? "").join(" ");

async function open() {
  const onClose = vi.fn();
  await renderInbox(<PasswordDialog opened onClose={onClose} />);
  return onClose;
}

function change() {
  fireEvent.change(current(), { target: { value: "a good password" } });
  fireEvent.change(next(), { target: { value: "a better one" } });
  fireEvent.submit(next().form!);
}

it("says the rule and the consequence first, then that it is done", async () => {
  const onClose = await open();
  expect(saidAt(next())).toBe("От 8 до 200 знаков");
  expect(screen.queryByText(/ваши ключи для программ перестанут действовать/)).not.toBeNull();
  change();
  await screen.findByText("Пароль сменён. В других браузерах войдите с новым.");
  expect(sent).toEqual(['PUT {"current":"a good password","password":"a better one"}']);
  expect(onClose).toHaveBeenCalled();
});

it("says at the current password that it is wrong, and keeps what was typed", async () => {
  answer = () => problem(403, "forbidden");
  const onClose = await open();
  change();
  await waitFor(() => expect(saidAt(current())).toContain("Пароль не подходит"));
  expect(saidAt(next())).toBe("От 8 до 200 знаков");
  expect(next().value).toBe("a better one");
  expect(onClose).not.toHaveBeenCalled();
});

it("says at the new password what is asked of it", async () => {
  answer = () => problem(400, "invalid");
  await open();
  change();
  await waitFor(() => expect(saidAt(next())).toContain("В пароле должно быть от 8 до 200 знаков"));
  expect(saidAt(current())).toBe("");
});

it("says below the fields what has nothing to do with them", async () => {
  answer = () => problem(429, "rate_limited");
  await open();
  change();
  await screen.findByText(/Слишком много запросов подряд/);
  answer = () => Promise.reject(new TypeError("offline"));
  change();
  await screen.findByText(/Нет связи с сервером/);
  expect(saidAt(current())).toBe("");
});

it.each([
  ["ru", "Учётная запись и настройки", "Сменить пароль", "Текущий пароль"],
  ["kk", "Есептік жазба және баптаулар", "Құпиясөзді өзгерту", "Қазіргі құпиясөз"],
  ["en", "Account and settings", "Change password", "Current password"],
] as const)("opens from the account menu in %s, with nothing of the last time", async (language, menu, entry, field) => {
  await renderInbox(<AccountMenu onHelp={() => undefined} />, { language });
  const openFromMenu = async () => {
    fireEvent.click(screen.getByText(menu));
    fireEvent.click(await screen.findByText(entry));
    return screen.findByLabelText<HTMLInputElement>(field, { selector: "input" });
  };
  fireEvent.change(await openFromMenu(), { target: { value: "a good password" } });
  fireEvent.click(document.querySelector(".mantine-Modal-close")!);
  await waitFor(() => expect(screen.queryByLabelText(field)).toBeNull());
  expect((await openFromMenu()).value).toBe("");
});
