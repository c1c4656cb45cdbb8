import { expect, test, type Browser } from "@playwright/test";
import { Customer } from "../src/customer.ts";
import { ModelServer, refusals } from "../src/model.ts";
import { logIn, Operator } from "../src/operator.ts";
import { picture } from "../src/picture.ts";
import { admin, Product } from "../src/product.ts";

let model: ModelServer;
let product: Product;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  model = await ModelServer.open();
  product = await Product.start({ OPENAI_BASE_URL: model.url, OPENAI_MODEL: "test", PARLEY_QUIET_PERIOD: "200ms", PARLEY_PROBE_EVERY: "1s" });
});

test.afterAll(async () => {
  await product?.stop();
  await model?.close();
});

async function asks(browser: Browser, question: string): Promise<Customer> {
  const customer = await (await Customer.visit(browser, {}, `${product.url}/demo`)).open();
  await customer.write(question);
  return customer;
}

test("the model breaks, one alarm says so; it is mended, and everybody who waited is answered once", async ({ browser }, info) => {
  const context = await browser.newContext();
  await logIn(await context.newPage(), product.url, admin);
  const session = await context.storageState();
  await context.close();
  const atWork = await Operator.atWork(browser, {}, { url: product.url, session });
  const { page } = atWork;
  const banners = page.getByTestId("alarm");
  await expect(banners).toHaveCount(0);

  model.fail(refusals.badKey);
  const customers: Customer[] = [];
  await test.step("one alarm for all, which counts who waits", async () => {
    for (const question of ["Есть ли рассрочка?", "Доставляете в Астану?", "Где вы находитесь?"]) {
      const customer = await asks(browser, question);
      await customer.hears("system", 1);
      customers.push(customer);
    }
    await expect(banners).toHaveCount(1);
    await expect(banners).toContainText("Модель бота не отвечает");
    await expect(banners).toContainText("3 клиента ждут оператора.");
    await picture(page, "alarm-ru-light", info);
  });

  await test.step("that it answers again is noticed although nobody writes", async () => {
    model.answer("Да, конечно.");
    await expect(banners).toContainText("Модель снова отвечает", { timeout: 30_000 });
    await expect(banners).toContainText("Можно повторить 3 несостоявшихся ответа.");
    await expect(banners).toHaveCount(1);
  });

  await test.step("all of that cause are replayed from there", async () => {
    await banners.getByRole("link", { name: "Перейти к повтору" }).click();
    await expect(page).toHaveURL(/#failed-answers\/bad_key$/);
    await expect(page.getByTestId("failed-answer")).toHaveCount(3);
    await page.getByRole("button", { name: "Повторить все", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Повторить", exact: true }).click();
    await expect(page.getByTestId("replay")).toContainText("Повторено: 3.");
    await expect(page.getByTestId("failed-answer")).toHaveCount(0);
  });

  await test.step("every customer has one answer, and the alarm is gone", async () => {
    for (const customer of customers) {
      expect(await customer.hears("bot", 1)).toContain("Да, конечно.");
      await expect(customer.messages("bot")).toHaveCount(1);
    }
    await expect(banners).toHaveCount(0);
  });

  await atWork.hasNeverReloaded();
  for (const customer of customers) await customer.leave();
  await atWork.leave();
});
