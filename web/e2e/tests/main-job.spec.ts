import { expect, test } from "@playwright/test";
import { Customer } from "../src/customer.ts";
import { Operator } from "../src/operator.ts";

test("a customer is answered by the bot, taken over by a human, and handed back, all of it live", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  // A gesture of the operator, as browsers want one before a page may sound.
  await operator.page.getByRole("searchbox").click();
  const customer = await (await Customer.visit(browser)).open();

  await test.step("the bot answers from the shop's knowledge", async () => {
    await customer.write("Сколько стоит iPhone 16?");
    expect(await customer.hears("bot", 1)).toContain("450 000 ₸");
  });

  const row = await operator.rowOf(customer);
  await test.step("the inbox shows the dialogue, held by the bot, nobody alarmed", async () => {
    await expect(row).toContainText("Бот");
    await expect(row.getByTestId("waiting-badge")).toHaveCount(0);
    expect(await operator.raised()).toEqual({ notifications: [], sounds: 0 });
  });

  await test.step("asking for a human raises everything an operator could notice, without a reload", async () => {
    await customer.write("Оператора");
    expect(await customer.hears("system", 1)).toContain("сотрудник");
    await expect(row.getByTestId("waiting-badge")).toContainText("Ждёт оператора");
    const toast = operator.page.getByRole("alert").filter({ hasText: "Клиент попросил человека" });
    await expect(toast).toBeVisible();
    await expect(operator.page).toHaveTitle(/ждёт|ждут/);
    await expect.poll(async () => (await operator.raised()).sounds).toBeGreaterThan(0);
    const { notifications } = await operator.raised();
    expect(notifications).toHaveLength(1);
    expect(notifications[0]?.body).toContain("Клиент попросил человека");
    await toast.getByText("Открыть диалог").click();
    await expect(operator.transcript).toContainText("клиент попросил человека");
    await expect(operator.modeSwitch).toHaveAttribute("data-mode", "operator");
  });

  await test.step("the operator's answer is there at once, for both", async () => {
    await operator.page.mouse.move(900, 500);
    await operator.reply("Здравствуйте, я Айгуль. Чем помочь?");
    await expect(operator.messages("operator")).toHaveText([/Айгуль/]);
    expect(await customer.hears("operator", 1)).toBe("Здравствуйте, я Айгуль. Чем помочь?");
    await expect(customer.chat.getByText("Сотрудник магазина")).toBeVisible();
    await expect(operator.messages("operator").first(), "seen by the customer").toHaveAttribute("data-state", "read");
    await expect(row.getByTestId("waiting-badge")).toHaveCount(0);
  });

  await test.step("while a human answers, the bot keeps silent", async () => {
    await customer.write("А доставка в Астану сколько стоит?");
    await expect(operator.messages("customer").last()).toContainText("доставка в Астану");
    await expect(row.getByTestId("waiting-badge")).toBeVisible();
    await expect(customer.messages("bot")).toHaveCount(1);
  });

  await test.step("handed back, the bot answers what came after the human's last word, and only that", async () => {
    await operator.page.getByRole("button", { name: "Переключить на бота" }).click();
    await expect(operator.modeSwitch).toHaveAttribute("data-mode", "bot");
    const answer = await customer.hears("bot", 2);
    expect(answer).toContain("1 500 ₸");
    expect(answer).not.toContain("450 000");
    await customer.write("Какая гарантия на телефон?");
    expect(await customer.hears("bot", 3)).toContain("12 месяцев");
    await expect(operator.messages("bot")).toHaveCount(3);
    await expect(row.getByTestId("waiting-badge")).toHaveCount(0);
  });

  expect((await customer.transcript()).map((line) => line.split(":")[0])).toEqual(["customer", "bot", "customer", "system", "operator", "customer", "bot", "customer", "bot"]);
  await operator.hasNeverReloaded();
  await customer.leave();
  await operator.leave();
});

test("the bot drafts, the operator edits and sends", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Можно поговорить с человеком?");
  await customer.hears("system", 1);
  await customer.write("Есть ли у вас подарочные сертификаты?");
  await operator.openRow(await operator.rowOf(customer));

  await operator.composer.fill("мой набросок");
  await operator.page.getByRole("button", { name: "Попросить бота ответить" }).click();
  await expect(operator.composer).toHaveValue(/сертификаты от 10 000 ₸/);
  await expect(operator.page.getByText("Основано на:")).toBeVisible();
  await expect(customer.messages("bot"), "the customer does not see drafts").toHaveCount(0);

  await operator.composer.press("Escape");
  await expect(operator.composer, "what was typed before is not lost").toHaveValue("мой набросок");
  await operator.page.getByRole("button", { name: "Попросить бота ответить" }).click();
  await expect(operator.composer).toHaveValue(/сертификаты от 10 000 ₸/);
  await operator.composer.press("End");
  await operator.composer.press("ControlOrMeta+End");
  await operator.composer.pressSequentially(" Выбрать вам дизайн?");
  await operator.composer.press("Enter");

  const sent = await customer.hears("operator", 1);
  expect(sent).toContain("сертификаты от 10 000 ₸");
  expect(sent).toContain("Выбрать вам дизайн?");
  await expect(customer.messages("bot")).toHaveCount(0);
  await expect(operator.composer).toHaveValue("");
  await operator.hasNeverReloaded();
  await customer.leave();
  await operator.leave();
});

test("an operator who writes in bot mode takes over by that", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Есть ли игровые ноутбуки?");
  await customer.hears("bot", 1);
  await operator.openRow(await operator.rowOf(customer));
  await expect(operator.page.getByText("Отправка переключит диалог на оператора")).toBeVisible();
  await operator.reply("Могу отложить для вас один до вечера.");
  await expect(operator.modeSwitch).toHaveAttribute("data-mode", "operator");
  await customer.hears("operator", 1);
  await customer.write("А скидка студентам есть?");
  await expect(operator.messages("customer").last()).toContainText("скидка студентам");
  await operator.reply("Да, 5 %.");
  await customer.hears("operator", 2);
  await expect(customer.messages("bot")).toHaveCount(1);
  await customer.leave();
  await operator.leave();
});
