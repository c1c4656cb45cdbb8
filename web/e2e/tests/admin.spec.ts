import { randomUUID } from "node:crypto";
import { expect, test, type Browser, type Locator, type Page } from "@playwright/test";
import { barriers } from "../src/barriers.ts";
import { Customer } from "../src/customer.ts";
import { ModelServer, refusals } from "../src/model.ts";
import { type Desk, logIn, Operator } from "../src/operator.ts";
import { picture } from "../src/picture.ts";
import { admin, Product } from "../src/product.ts";

// The responder that serves the other tests never fails: this product asks a model of the test's own.
let model: ModelServer;
let product: Product;
let desk: Desk;

const operator = { email: "timur@tumar.example", password: "battery staple horse", name: "Тимур", role: "operator" };

test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  model = await ModelServer.open();
  product = await Product.start({ OPENAI_BASE_URL: model.url, OPENAI_MODEL: "test", PARLEY_QUIET_PERIOD: "200ms" });
  desk = await deskOf(browser, admin);
});

test.afterAll(async () => {
  await product?.stop();
  await model?.close();
});

async function deskOf(browser: Browser, who: { email: string; password: string }): Promise<Desk> {
  const context = await browser.newContext();
  await logIn(await context.newPage(), product.url, who);
  const session = await context.storageState();
  await context.close();
  return { url: product.url, session };
}

/** A customer whose question the bot fails to answer. */
async function disappointed(browser: Browser, question: string, refusal = refusals.badKey): Promise<Customer> {
  model.fail(refusal);
  const customer = await (await Customer.visit(browser, {}, `${product.url}/demo`)).open();
  await customer.write(question);
  await customer.hears("system", 1);
  return customer;
}

const failuresLink = (page: Page) => page.getByTestId("failures-link");
const failures = (page: Page) => page.getByTestId("failed-answer");
const failureOf = (page: Page, question: string) => failures(page).filter({ hasText: question });
const button = (where: Page | Locator, name: string) => where.getByRole("button", { name, exact: true });

test("an admin sees a failed answer, tries it without sending, and replays it", async ({ browser }) => {
  const question = "Сколько стоит iPhone 16?";
  const atWork = await Operator.atWork(browser, {}, desk);
  const { page } = atWork;
  await failuresLink(page).click();
  await expect(page).toHaveURL(/\/#failed-answers$/);
  await expect(page.getByText("Бот отвечает без сбоев")).toBeVisible();

  const customer = await disappointed(browser, question);
  const row = failureOf(page, question);

  await test.step("the row and the count come by themselves", async () => {
    await expect(row).toContainText("Ключ модели не подходит или не оплачен");
    await expect(row).toContainText("1 попытка");
    await expect(row.getByTestId("waiting-badge")).toBeVisible();
    await expect(failuresLink(page)).toContainText("1 ответ ещё ждут");
  });

  await test.step("tried while the model still refuses", async () => {
    await button(row, "Проверить без отправки").click();
    await expect(row.getByTestId("trial")).toContainText("Бот снова не смог бы ответить");
  });

  await test.step("tried when it answers again: the customer hears nothing of it", async () => {
    model.answer("iPhone 16 стоит 450 000 ₸.");
    await button(row, "Проверить без отправки").click();
    await expect(row.getByTestId("trial")).toContainText("iPhone 16 стоит 450 000 ₸.");
    await expect(row.getByTestId("trial")).toContainText("Основано на:");
    await expect(customer.messages("bot")).toHaveCount(0);
  });

  await test.step("why it failed", async () => {
    await button(row, "Подробнее").click();
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("Почему ответ не состоялся");
    await dialog.getByText("Для разработчиков").click();
    await expect(dialog).toContainText("Incorrect API key provided");
    await button(dialog, "Закрыть").click();
    await expect(dialog).toHaveCount(0);
  });

  await test.step("replayed: the customer is answered, and waits no more", async () => {
    await button(row, "Повторить").click();
    expect(await customer.hears("bot", 1)).toContain("iPhone 16 стоит 450 000 ₸.");
    await expect(row).toHaveCount(0);
    await expect(failuresLink(page)).not.toContainText("ждут");
    await expect(page.getByText("Никто не ждёт")).toBeVisible();
    await button(page, "Показать все сбои").click();
    await expect(row).toContainText("диалог вернулся к боту");
    await expect(button(row, "Повторить")).toHaveCount(0);
  });

  await test.step("the dialogue tells it, and what the answer took", async () => {
    await row.getByRole("link").click();
    await expect(page).toHaveURL(/\/d\//);
    await expect(atWork.transcript).toContainText("бот пробует ответить ещё раз");
    await atWork.messages("bot").getByRole("button", { name: "Почему такой ответ?" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("Работала модель");
    await dialog.getByText("Для разработчиков").click();
    await expect(dialog.getByLabel("Запрос к модели")).toContainText(question);
  });

  await atWork.hasNeverReloaded();
  await customer.leave();
  await atWork.leave();
});

test("all are replayed at once, but those that people have taken on", async ({ browser }) => {
  const questions = ["Есть ли рассрочка?", "Доставляете в Астану?", "Где вы находитесь?"];
  const customers = [];
  for (const question of questions) customers.push(await disappointed(browser, question));
  const [first, second, taken] = customers as [Customer, Customer, Customer];
  const atWork = await Operator.atWork(browser, {}, desk);
  const { page } = atWork;
  await atWork.openRow(await atWork.rowOf(taken));
  await button(page, "Взять себе").click();
  await expect(page.getByText("Диалог закреплён за вами")).toBeVisible();

  model.answer("Да, конечно.");
  await failuresLink(page).click();
  await expect(failures(page)).toHaveCount(3);
  await button(page, "Повторить все").click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Бот ещё раз даст 3 ответа.");
  await button(dialog, "Повторить").click();
  await expect(dialog).toBeHidden();
  const batch = page.getByTestId("replay");
  await expect(batch).toContainText("Всё повторено");
  await expect(batch).toContainText("Повторено: 2. Пропущено: 1.");
  await button(batch, "Скрыть").click();
  await expect(batch).toBeHidden();
  for (const customer of [first, second]) expect(await customer.hears("bot", 1)).toContain("Да, конечно.");
  await expect(failures(page)).toHaveCount(1);

  await test.step("there the bot writes a draft, which a human sends", async () => {
    const row = failureOf(page, questions[2]!);
    await button(row, "Повторить").click();
    await button(page.getByRole("dialog"), "Открыть диалог с черновиком").click();
    await expect(atWork.composer).toHaveValue("Да, конечно.");
    await expect(taken.messages("bot")).toHaveCount(0);
    await atWork.composer.press("Enter");
    expect(await taken.hears("operator", 1)).toBe("Да, конечно.");
    await expect(failuresLink(page)).not.toContainText("ждут");
  });

  await test.step("the activity log tells who did it", async () => {
    await failuresLink(page).click();
    await page.getByRole("link", { name: "Журнал действий" }).click();
    await expect(page).toHaveURL(/\/#audit$/);
    const replays = page.locator("[data-testid=audit-entry][data-action=turn_replayed]");
    await expect(replays).toHaveCount(4);
    await expect(replays.first()).toContainText("бот написал черновик");
    await button(page, "Действие").click();
    await page.getByRole("menuitemradio", { name: "Диалог возвращён боту" }).click();
    await expect(page.getByText("Ничего не нашлось")).toBeVisible();
    await button(page, "Сбросить").click();
    await expect(replays).toHaveCount(4);
  });

  await atWork.hasNeverReloaded();
  for (const customer of customers) await customer.leave();
  await atWork.leave();
});

test("an operator who is no admin is not offered it, and is told so at the address", async ({ browser }) => {
  const boss = await Operator.atWork(browser, {}, desk);
  const made = await boss.page.request.post(`${product.url}/api/v1/operators`, { data: operator });
  expect(made.status()).toBe(201);
  await boss.leave();

  const { page, ...timur } = await Operator.atWork(browser, {}, await deskOf(browser, operator));
  await expect(page.getByRole("navigation", { name: "Разделы" })).toBeVisible();
  await expect(failuresLink(page)).toHaveCount(0);
  for (const section of ["failed-answers", "answers", "audit", "dead-letters"]) {
    await page.goto(`${product.url}/#${section}`);
    await expect(page.getByText("Эта страница только для администраторов")).toBeVisible();
  }
  await button(page, "К диалогам").click();
  await expect(page.getByRole("searchbox")).toBeVisible();
  await timur.context.close();
});

/** Has customers ask what the bot fails to answer, each for another reason. The last one's is the first row. */
async function fail(page: Page, questions: string[]): Promise<void> {
  for (const [index, refusal] of [refusals.badRequest, refusals.contentFilter, refusals.badKey].entries()) {
    model.fail(refusal);
    const session = await page.request.post(`${product.url}/widget/v1/sessions`, { data: { channel: "demo" } });
    const { token } = (await session.json()) as { token: string };
    const question = { client_id: randomUUID(), text: questions[index] };
    const asked = await page.request.post(`${product.url}/widget/v1/messages`, { headers: { Authorization: `Bearer ${token}` }, data: question });
    expect(asked.ok()).toBe(true);
    await expect(failures(page)).toHaveCount(index + 1);
  }
}

/** Leaves nobody waiting for the next test. */
async function settle(page: Page): Promise<void> {
  model.answer("Да.");
  await button(page, "Повторить все").click();
  await button(page.getByRole("dialog"), "Повторить").click();
  const batch = page.getByTestId("replay");
  await expect(batch).toContainText("Повторено: 3. Пропущено: 0.");
  await button(batch, "Скрыть").click();
  await expect(page.getByText("Никто не ждёт")).toBeVisible();
}

const sections = { answers: "Ответы бота", audit: "Журнал действий", "dead-letters": "Непонятые сообщения от каналов" };

for (const colorScheme of ["light", "dark"] as const) {
  test(`no barriers on the pages of admins, ${colorScheme}`, async ({ browser }) => {
    const atWork = await Operator.atWork(browser, { colorScheme, reducedMotion: "reduce" }, desk);
    const { page } = atWork;
    await failuresLink(page).click();
    await fail(page, ["Можно вернуть телефон?", "Какой ноутбук взять?", "Есть доставка?"]);
    model.answer("Да, есть.");
    const row = failureOf(page, "Есть доставка?");
    await button(row, "Проверить без отправки").click();
    await expect(row.getByTestId("trial")).toContainText("Да, есть.");
    expect(await barriers(page), "failed answers").toEqual([]);
    await settle(page);
    for (const [section, title] of Object.entries(sections)) {
      await page.getByRole("link", { name: title, exact: true }).click();
      await expect(page.getByRole("heading", { name: title })).toBeVisible();
      if (section === "answers") await expect(page.getByTestId("bot-turn").first()).toBeVisible();
      if (section === "audit") await expect(page.getByTestId("audit-entry").first()).toBeVisible();
      expect(await barriers(page), section).toEqual([]);
    }
    await atWork.leave();
  });
}

const languages = {
  ru: {
    locale: "ru-RU",
    questions: ["Можно ли вернуть телефон, если он не понравился?", "Какой ноутбук посоветуете для учёбы?", "Сколько стоит доставка в Караганду?"],
    try: "Проверить без отправки",
    answer: "Доставка в Караганду стоит 3 000 ₸ и занимает 2–5 рабочих дней.",
  },
  kk: {
    locale: "kk-KZ",
    questions: ["Ұнамаса, телефонды қайтаруға бола ма?", "Оқуға қандай ноутбук кеңес бересіз?", "Қарағандыға жеткізу қанша тұрады?"],
    try: "Жібермей тексеру",
    answer: "Қарағандыға жеткізу 3 000 ₸ тұрады, 2–5 жұмыс күнін алады.",
  },
  en: {
    locale: "en-US",
    questions: ["Can I return the phone if I do not like it?", "Which laptop do you recommend for studying?", "How much is delivery to Karaganda?"],
    try: "Try without sending",
    answer: "Delivery to Karaganda is 3,000 ₸ and takes 2 to 5 working days.",
  },
};

for (const [language, words] of Object.entries(languages)) {
  test(`the bot's answers, failed and all, in ${language}`, async ({ browser }, info) => {
    const atWork = await Operator.atWork(browser, {}, desk);
    await failuresLink(atWork.page).click();
    await fail(atWork.page, words.questions);
    model.answer(words.answer);
    const { page, ...looking } = await Operator.atWork(browser, { locale: words.locale, viewport: { width: 1366, height: 800 } }, desk);
    await failuresLink(page).click();
    const row = failureOf(page, words.questions[2]!);
    await button(row, words.try).click();
    await expect(row.getByTestId("trial")).toContainText(words.answer);
    await page.mouse.move(1200, 700);
    await picture(page, `failed-answers-${language}-light`, info);
    await page.goto(`${product.url}/#answers`);
    await expect(page.getByTestId("bot-turn").first()).toContainText(words.questions[2]!);
    await picture(page, `answers-${language}-light`, info);
    await looking.context.close();
    await settle(atWork.page);
    await atWork.leave();
  });
}
