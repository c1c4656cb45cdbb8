import { randomUUID } from "node:crypto";
import { expect, test } from "@playwright/test";
import { address } from "../src/address.ts";
import { Customer } from "../src/customer.ts";
import { Operator } from "../src/operator.ts";

test("the dialogue is there after a reload and in another tab, and both stay in step", async ({ browser }) => {
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Где находится магазин в Алматы?");
  await customer.hears("bot", 1);
  const before = await customer.transcript();

  await customer.page.reload();
  await expect(customer.messages(), "the panel stays open from page to page").toHaveCount(2);
  expect(await customer.transcript()).toEqual(before);

  const second = await (await customer.anotherTab()).open();
  await expect(second.messages()).toHaveCount(2);
  await second.write("А в Астане?");
  await customer.hears("bot", 2);
  await second.hears("bot", 2);
  expect(await customer.transcript()).toEqual(await second.transcript());
  await customer.leave();
});

test("no session, no stream and no app before the visitor wants one", async ({ browser }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.goto(`${address()}/demo`);
  await page.locator("parley-widget .launcher").waitFor();
  await page.waitForLoadState("networkidle");
  expect(asked.filter((request) => request.includes("/widget/v1") || request.includes("/widget/app"))).toEqual(["GET /widget/v1/config"]);
  expect(asked.join("\n")).not.toContain("token");
  await context.close();
});

test("what is written without a network is delivered when it is back: each once, in order, also across a reload", async ({ browser }) => {
  const customer = await (await Customer.visit(browser)).open();
  const mark = randomUUID().slice(0, 8);
  await customer.write(`Позовите оператора ${mark}`);
  await customer.hears("system", 1);

  await customer.context.setOffline(true);
  const texts = ["один", "два", "три", "четыре", "пять"].map((word) => `${word} ${mark}`);
  for (const text of texts) await customer.write(text);
  await expect(customer.chat.locator("[data-testid=widget-message][data-state=waiting]")).toHaveCount(5);
  await expect(customer.chat.getByText("Нет связи.")).toBeVisible();
  await customer.context.setOffline(false);
  await expect(customer.chat.locator("[data-testid=widget-message][data-author=customer][data-state=sent]")).toHaveCount(6);

  await customer.context.setOffline(true);
  const more = ["шесть", "семь"].map((word) => `${word} ${mark}`);
  for (const text of more) await customer.write(text);
  await expect(customer.chat.locator("[data-testid=widget-message][data-state=waiting]")).toHaveCount(2);
  // Only calls fail now, so that the page itself can be loaded again before the network is back.
  await customer.page.route("**/widget/v1/messages", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
  await customer.context.setOffline(false);
  await customer.page.reload();
  await expect(customer.chat.locator("[data-testid=widget-message][data-state=waiting]")).toHaveCount(2);
  await customer.page.unrouteAll();
  await expect(customer.chat.locator("[data-testid=widget-message][data-author=customer][data-state=sent]")).toHaveCount(8);

  const operator = await Operator.atWork(browser);
  await operator.openRow(await operator.rowOf(customer));
  await expect(operator.messages("customer")).toHaveCount(8);
  const seen = await operator.messages("customer").allTextContents();
  const inOrder = [...texts, ...more];
  expect(inOrder.map((text) => seen.findIndex((shown) => shown.includes(text)))).toEqual(inOrder.map((_, i) => i + 1));
  await customer.leave();
  await operator.leave();
});

test("an answer that comes while the chat is closed is counted on the button", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Соедините с человеком");
  await customer.hears("system", 1);
  await customer.field.press("Escape");
  await expect(customer.launcher).toBeFocused();
  await expect(customer.field).toBeHidden();

  await operator.openRow(await operator.rowOf(customer));
  await operator.reply("Слушаю вас");
  await operator.reply("Вы здесь?");
  await expect(customer.launcher).toHaveAccessibleName("Открыть чат, 2 новых сообщения");
  await expect(operator.messages("operator").last()).toHaveAttribute("data-state", "delivered");
  await customer.launcher.click();
  await expect(customer.launcher).toHaveAccessibleName("Свернуть чат");
  await expect(operator.messages("operator").last(), "opened means read").toHaveAttribute("data-state", "read");
  await customer.leave();
  await operator.leave();
});

test("each side sees that the other is typing", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Нужен живой человек");
  await customer.hears("system", 1);
  await operator.openRow(await operator.rowOf(customer));
  await expect(async () => {
    await customer.field.pressSequentially("ы");
    await expect(operator.page.getByText("Клиент печатает")).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await expect(async () => {
    await operator.composer.pressSequentially("ы");
    await expect(customer.chat.getByTestId("widget-typing")).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await expect(customer.chat.getByTestId("widget-typing"), "it goes out by itself").toHaveCount(0);
  await customer.leave();
  await operator.leave();
});

test("speaks the visitor's language, and follows the page when it changes its own", async ({ browser }) => {
  const customer = await (await Customer.visit(browser, { locale: "kk-KZ" })).open();
  await expect(customer.field).toHaveAttribute("placeholder", "Хабарлама…");
  await customer.write("iPhone 16 қанша тұрады?");
  expect(await customer.hears("bot", 1)).toContain("450 000 ₸");
  await customer.page.getByRole("button", { name: "English" }).click();
  await expect(customer.field).toHaveAttribute("placeholder", "Message…");
  await expect(customer.page.locator("html")).toHaveAttribute("lang", "en");
  await customer.page.reload();
  await expect(customer.field, "the page remembers").toHaveAttribute("placeholder", "Message…");
  await customer.write("How long is the warranty?");
  expect(await customer.hears("bot", 2)).toContain("12-month");
  await customer.leave();
});

test("on a phone the chat fills the screen, and leaves it again", async ({ browser }) => {
  const customer = await (await Customer.visit(browser, { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true })).open();
  const frame = customer.page.locator("parley-widget iframe");
  expect(await frame.boundingBox()).toEqual({ x: 0, y: 0, width: 390, height: 780 });
  await expect(customer.launcher).toBeHidden();
  await customer.chat.getByRole("button", { name: "Свернуть чат" }).click();
  await expect(customer.launcher).toBeVisible();
  await expect(frame).toBeHidden();
  await customer.leave();
});

test("what a customer writes is shown as text, to everybody", async ({ browser }) => {
  const operator = await Operator.atWork(browser);
  const customer = await (await Customer.visit(browser)).open();
  const hostile = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script> https://shop.kz/?a=1&b=2 оператора`;
  await customer.write(hostile);
  await expect(customer.messages("customer").locator(".text")).toHaveText(hostile);
  await operator.openRow(await operator.rowOf(customer));
  await expect(operator.messages("customer")).toContainText(hostile);
  await expect(operator.transcript.locator("img, script")).toHaveCount(0);
  const link = operator.transcript.getByRole("link", { name: "https://shop.kz/?a=1&b=2" });
  await expect(link).toHaveAttribute("rel", /noopener/);
  await expect(operator.page).not.toHaveTitle("taken");
  await customer.leave();
  await operator.leave();
});

test("an expired session begins anew, and the message is not lost", async ({ browser }) => {
  const customer = await (await Customer.visit(browser)).open();
  await customer.write("Какие есть планшеты?");
  await customer.hears("bot", 1);
  await customer.page.evaluate(() => {
    for (const key of Object.keys(localStorage)) if (/^parley:[^:]+$/.test(key)) localStorage.setItem(key, "forgotten");
  });
  await customer.page.reload();
  await expect(customer.field).toBeVisible();
  await expect(customer.messages()).toHaveCount(0);
  await customer.write("Какие есть умные часы?");
  expect(await customer.hears("bot", 1)).toContain("230 000 ₸");
  await customer.leave();
});
