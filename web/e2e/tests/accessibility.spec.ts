import { expect, test } from "@playwright/test";
import { address } from "../src/address.ts";
import { barriers } from "../src/barriers.ts";
import { Customer } from "../src/customer.ts";
import { Operator } from "../src/operator.ts";

const schemes = ["light", "dark"] as const;

for (const colorScheme of schemes) {
  test(`no barriers on the login page, ${colorScheme}`, async ({ browser }) => {
    const context = await browser.newContext({ colorScheme });
    const page = await context.newPage();
    await page.goto(`${address()}/login`);
    await expect(page.getByLabel("Эл. почта")).toBeVisible();
    expect(await barriers(page)).toEqual([]);
    await context.close();
  });

  test(`no barriers in the shop, the chat and the inbox, ${colorScheme}`, async ({ browser }) => {
    const customer = await (await Customer.visit(browser, { colorScheme, reducedMotion: "reduce" })).open();
    expect(await barriers(customer.page), "an empty chat").toEqual([]);
    await customer.write("Сколько стоит Samsung Galaxy S25?");
    await customer.hears("bot", 1);
    await customer.write("Хочу поговорить с человеком");
    await customer.hears("system", 1);

    const operator = await Operator.atWork(browser, { colorScheme, reducedMotion: "reduce" });
    expect(await barriers(operator.page), "the list").toEqual([]);
    await operator.openRow(await operator.rowOf(customer));
    await operator.reply("Здравствуйте!");
    await customer.hears("operator", 1);
    await expect(operator.messages("operator")).toHaveCount(1);
    expect(await barriers(operator.page), "a dialogue").toEqual([]);
    expect(await barriers(customer.page), "a chat with everybody in it").toEqual([]);
    await customer.leave();
    await operator.leave();
  });
}
