import { expect, test } from "@playwright/test";
import { Customer } from "../src/customer.ts";
import { Operator } from "../src/operator.ts";
import { picture } from "../src/picture.ts";

/** The chat and a strip of the shop around it. */
const chatPart = { x: 760, y: 0, width: 520, height: 800 };

const languages = {
  ru: { locale: "ru-RU", question: "Сколько стоит iPhone 16?", human: "Хочу поговорить с человеком", reply: "Здравствуйте! Чем помочь?", next: "Можно забрать сегодня?", composer: "Напишите ответ…" },
  kk: { locale: "kk-KZ", question: "iPhone 16 бағасы қанша?", human: "Операторға қосыңыз", reply: "Сәлеметсіз бе! Қандай көмек керек?", next: "Бүгін алып кетуге бола ма?", composer: "Жауап жазыңыз…" },
  en: { locale: "en-US", question: "How much is the iPhone 16?", human: "Can I talk to a person?", reply: "Hello! How can I help?", next: "Can I pick it up today?", composer: "Write a reply…" },
};

for (const [language, words] of Object.entries(languages)) {
  test(`the inbox and the chat in ${language}, light and dark`, async ({ browser }, info) => {
    const customer = await (await Customer.visit(browser, { locale: words.locale, viewport: { width: 1280, height: 800 } })).open();
    await customer.write(words.question);
    expect(await customer.hears("bot", 1)).toContain("450 000 ₸");
    await customer.write(words.human);
    await customer.hears("system", 1);

    const operator = await Operator.atWork(browser, { locale: words.locale, viewport: { width: 1366, height: 800 } });
    await operator.openRow(await operator.rowOf(customer));
    await operator.reply(words.reply);
    await customer.hears("operator", 1);
    await customer.write(words.next);
    await expect(operator.messages("customer").last()).toContainText(words.next);
    await expect(operator.page.getByPlaceholder(words.composer)).toBeVisible();
    await expect(operator.page.getByTestId("waiting-badge").first()).toBeVisible();
    for (const scheme of ["light", "dark"] as const) {
      for (const page of [operator.page, customer.page]) {
        await page.emulateMedia({ colorScheme: scheme });
      }
      await expect(operator.page.locator("html")).toHaveAttribute("data-mantine-color-scheme", scheme);
      await picture(operator.page, `inbox-${language}-${scheme}`, info);
      await picture(customer.page, `widget-${language}-${scheme}`, info, chatPart);
    }
    await customer.leave();
    await operator.leave();
  });
}
