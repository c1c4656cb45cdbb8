import { randomInt } from "node:crypto";
import { expect, test } from "@playwright/test";
import { Customer } from "../src/customer.ts";
import { Operator } from "../src/operator.ts";
import { admin } from "../src/product.ts";

test("dialogues are found by what was written, filtered, closed and opened again", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const { page } = operator;
  const order = String(randomInt(10_000_000, 99_999_999));
  const customer = await (await Customer.visit(browser)).open();
  await customer.write(`Где мой заказ ${order}? Позовите оператора, пожалуйста.`);
  const row = await operator.rowOf(customer);
  await expect(row).toContainText("Новый");
  await expect(row.getByTestId("waiting-badge")).toBeVisible();

  await test.step("search, by the text of a message", async () => {
    const search = page.getByRole("searchbox");
    await page.keyboard.press("ControlOrMeta+k");
    await expect(search).toBeFocused();
    await search.fill(order);
    await expect(operator.rows).toHaveCount(1);
    await expect(row).toBeVisible();
    await search.fill(`${order}0`);
    await expect(operator.rows).toHaveCount(0);
    await expect(page.getByText("Ничего не нашлось")).toBeVisible();
    await search.fill("");
    await expect(row).toBeVisible();
  });

  await test.step("filters", async () => {
    await page.getByRole("button", { name: "Кто ведёт" }).click();
    await page.getByRole("menu").getByText("Бот", { exact: true }).click();
    await expect(row).toHaveCount(0);
    await page.getByRole("menu").getByText("Оператор", { exact: true }).click();
    await expect(row).toBeVisible();
    await page.getByRole("menu").getByText("Кто угодно", { exact: true }).click();
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "Статус" }).click();
    await page.getByRole("menu").getByText("Закрыт", { exact: true }).click();
    await expect(row).toHaveCount(0);
    await page.getByRole("menu").getByText("Любой", { exact: true }).click();
    await page.keyboard.press("Escape");
    await expect(row).toBeVisible();

    await page.getByRole("navigation", { name: "Разделы" }).getByRole("button", { name: "Ждут" }).click();
    await expect(row).toBeVisible();
    await page.getByRole("navigation", { name: "Разделы" }).getByRole("button", { name: "Все" }).click();
  });

  await test.step("unread until it is looked at", async () => {
    await expect(row).toHaveAttribute("data-unread", "true");
    await operator.openRow(row);
    await expect(row).not.toHaveAttribute("data-unread");
    await expect(row).toContainText("В работе");
  });

  await test.step("closed, and opened again by the customer's next words", async () => {
    await page.getByRole("button", { name: "Закрыть", exact: true }).click();
    await expect(row).toContainText("Закрыт");
    await expect(operator.transcript).toContainText("диалог закрыт");
    await page.getByRole("button", { name: "Открыть снова", exact: true }).click();
    await expect(row).toContainText("В работе");
    await page.getByRole("button", { name: "Закрыть", exact: true }).click();
    await expect(row).toContainText("Закрыт");
    await customer.write(`И ещё вопрос о заказе ${order}`);
    await expect(row).not.toContainText("Закрыт");
    await expect(operator.messages("customer")).toHaveCount(2);
  });

  await operator.hasNeverReloaded();
  await customer.leave();
  await operator.leave();
});

test("an operator's answer written without a network leaves when it is back, once and in order", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Позовите менеджера");
  await customer.hears("system", 1);
  await operator.openRow(await operator.rowOf(customer));
  await operator.context.setOffline(true);
  for (const text of ["Первое", "Второе", "Третье"]) await operator.reply(text);
  await expect(operator.messages("operator")).toHaveCount(3);
  await expect(operator.messages("operator").first()).toHaveAttribute("data-state", "queued");
  await operator.context.setOffline(false);
  await customer.hears("operator", 3);
  expect((await customer.transcript()).slice(-3)).toEqual(["operator: Первое", "operator: Второе", "operator: Третье"]);
  await expect(operator.messages("operator").last()).toHaveAttribute("data-state", /sent|delivered|read/);
  await expect(operator.messages("operator")).toHaveCount(3);
  await customer.leave();
  await operator.leave();
});

test("the language follows the browser and can be changed, everywhere at once", async ({ browser }) => {
  for (const [locale, button] of [
    ["kk-KZ", "Ботқа ауыстыру"],
    ["en-GB", "Switch to bot"],
  ] as const) {
    const operator = await Operator.atWork(browser, { locale });
    const { page } = operator;
    await page.mouse.move(900, 500);
    await operator.rows.first().click();
    await expect(page.getByRole("button", { name: button })).toBeVisible();
    await operator.leave();
  }
  const operator = await Operator.atWork(browser);
  const { page } = operator;
  await operator.openRow(operator.rows.first());
  await page.getByRole("button", { name: "Учётная запись и настройки" }).click();
  await page.getByText("Қазақша").click();
  await expect(page.getByRole("button", { name: "Боттан жауап сұрау" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "kk");
  await page.reload();
  await expect(page.getByRole("button", { name: "Боттан жауап сұрау" }), "it is remembered").toBeVisible();
  await operator.leave();
});

test("strangers are sent to the login, and come back to where they were", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  await operator.openRow(operator.rows.first());
  const dialogue = operator.page.url();
  await operator.context.clearCookies();
  await operator.page.goto(dialogue);
  await expect(operator.page).toHaveURL(/\/login/);
  await operator.page.getByLabel("Эл. почта").fill(admin.email);
  await operator.page.getByLabel("Пароль", { exact: true }).fill("not the password");
  await operator.page.getByRole("button", { name: "Войти" }).click();
  await expect(operator.page.getByText("Почта или пароль не подходят.")).toBeVisible();
  await operator.page.getByLabel("Пароль", { exact: true }).fill(admin.password);
  await operator.page.getByRole("button", { name: "Войти" }).click();
  await expect(operator.page).toHaveURL(dialogue);
  await expect(operator.composer).toBeVisible();
  await operator.leave();
});
