import { randomUUID } from "node:crypto";
import { expect, test } from "@playwright/test";
import { Customer } from "../src/customer.ts";
import { Operator } from "../src/operator.ts";
import { Shop } from "../src/shop.ts";

test("the chat works on an allowed site of another origin, and on no other", async ({ browser }) => {
  const [shop, stranger] = await Promise.all([Shop.open(), Shop.open()]);
  const operator = await Operator.atWork(browser);
  const slug = `shop-${randomUUID().slice(0, 8)}`;
  const status = await operator.page.evaluate(
    async (channel) => {
      const response = await fetch("/api/v1/channels", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(channel) });
      return response.status;
    },
    { kind: "widget", slug, name: "Чужой магазин", settings: { allowed_origins: [shop.origin] } },
  );
  expect(status).toBe(201);
  shop.channel = stranger.channel = slug;

  await test.step("allowed", async () => {
    const customer = await Customer.visit(browser, {}, shop.origin);
    const complaints: string[] = [];
    customer.page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    await customer.open();
    await customer.write("Сколько стоит доставка по Алматы?");
    expect(await customer.hears("bot", 1)).toContain("1 500 ₸");
    const row = await operator.rowOf(customer);
    await operator.openRow(row);
    await operator.reply("Добавлю: завтра доставим.");
    await customer.hears("operator", 1);
    await customer.page.reload();
    await expect(customer.messages()).toHaveCount(3);

    // The session is the shop's own to keep, and stands in no address.
    const kept = await customer.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("parley:")));
    expect(kept.some((key) => /^parley:[0-9a-f-]{36}$/.test(key))).toBe(true);
    const token = await customer.page.evaluate(() => Object.entries(localStorage).find(([key]) => /^parley:[0-9a-f-]{36}$/.test(key))?.[1] ?? "");
    expect(token.length).toBeGreaterThan(30);
    for (const frame of customer.page.frames()) expect(frame.url()).not.toContain(token);
    expect(complaints).toEqual([]);
    await customer.leave();
  });

  await test.step("not allowed", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const refused = page.waitForEvent("console", (line) => line.text().includes("frame-ancestors"));
    await page.goto(stranger.origin);
    await page.locator("parley-widget .launcher").click();
    await refused;
    await expect(page.frameLocator("parley-widget iframe").getByTestId("widget-input")).toHaveCount(0);
    await context.close();
  });

  await operator.leave();
  await Promise.all([shop.close(), stranger.close()]);
});
