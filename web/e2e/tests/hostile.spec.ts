import { expect, test, type APIRequestContext, type Page } from "@playwright/test";
import { address } from "../src/address.ts";
import { Operator } from "../src/operator.ts";

const texts = {
  script: `<script>window.harmed=1</script><img src=x onerror="window.harmed=2"><svg/onload=window.harmed=3> javascript:window.harmed=4`,
  controls: "bell\u0007 escape\u001b[31m delete\u007f end",
  reversed: "\u202egnp.exe annual-report\u202c \u200f\u061c",
  unclosed: "\u202e\u2067".repeat(40) + "never closed",
  zeroWidth: "in" + "\u200b\u200d\u2060\ufeff".repeat(300) + "visible",
  towers: ("Z" + "\u0336\u0315\u0489\u035c\u030f\u0311".repeat(20)).repeat(30),
  links: Array.from({ length: 120 }, (_, n) => `https://farm-${n}.example/win`).join(" "),
  longWord: "w".repeat(4000),
  lines: "top" + "\n".repeat(500) + "bottom",
};

/** A visitor who writes through the widget's own API, which no page keeps from sending anything. */
async function write(api: APIRequestContext, messages: string[]): Promise<void> {
  const session = await api.post(`${address()}/widget/v1/sessions`, { data: { channel: "demo" } });
  const { token } = (await session.json()) as { token: string };
  for (const [n, text] of messages.entries()) {
    const response = await api.post(`${address()}/widget/v1/messages`, {
      headers: { Authorization: `Bearer ${token}` },
      data: { client_id: `hostile-${n}`, text },
    });
    expect(response.status()).toBe(200);
  }
}

async function newestDialogue(operator: Operator): Promise<string> {
  const response = await operator.page.request.get(`${address()}/api/v1/dialogues?limit=20`);
  const { dialogues } = (await response.json()) as { dialogues: { id: string; created_at: string }[] };
  return dialogues.reduce((a, b) => (Date.parse(b.created_at) > Date.parse(a.created_at) ? b : a)).id;
}

/** What sticks out of the page, or of a part that must not scroll sideways. */
async function sticksOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const parts = [document.documentElement, ...document.querySelectorAll("[data-testid=transcript], [data-testid=dialogue-row], [data-testid=message]")];
    return parts.filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => `${part.tagName} ${part.getAttribute("data-testid") ?? ""}`);
  });
}

test("hostile texts neither run nor break the inbox", async ({ browser, request }) => {
  const operator = await Operator.atWork(browser);
  const { page } = operator;
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await write(request, ["Здравствуйте, обычный вопрос"]);
  const usual = page.locator(`[data-testid=dialogue-row][data-dialogue-id="${await newestDialogue(operator)}"]`);
  await expect(usual).toBeVisible();
  const height = (await usual.boundingBox())?.height ?? 0;

  for (const [name, text] of Object.entries(texts)) {
    await write(request, [text]);
    const row = page.locator(`[data-testid=dialogue-row][data-dialogue-id="${await newestDialogue(operator)}"]`);
    await expect(row, name).toBeVisible();
    expect((await row.boundingBox())?.height, `the row of ${name} is as high as any`).toBe(height);
  }
  expect(await sticksOut(page), "the list").toEqual([]);

  await write(request, Object.values(texts));
  const id = await newestDialogue(operator);
  await operator.openRow(page.locator(`[data-testid=dialogue-row][data-dialogue-id="${id}"]`));
  await expect(operator.messages("customer").last()).toBeVisible();
  expect(await sticksOut(page), "the dialogue").toEqual([]);

  // Whatever a text turns around, it turns only itself around.
  const isolated = await operator.messages("customer").evaluateAll((all) =>
    all.map((one) => {
      const text = [...one.querySelectorAll("*")].find((e) => ["isolate", "plaintext", "isolate-override"].includes(getComputedStyle(e).unicodeBidi));
      return text !== undefined;
    }),
  );
  expect(isolated.length).toBeGreaterThan(0);
  expect(isolated.every(Boolean)).toBe(true);
  expect(await page.locator("a[href^='javascript' i]").count()).toBe(0);
  for (const link of await operator.transcript.locator("a[href]").all()) expect(await link.getAttribute("rel")).toContain("noopener");

  await operator.reply("Здравствуйте! Чем помочь?");
  await expect(operator.messages("operator")).toHaveCount(1);
  await expect(operator.composer).toBeInViewport();
  await page.screenshot({ path: "test-results/hostile.png" });
  await operator.transcript.evaluate((list) => {
    list.scrollTop = 0;
  });
  await page.screenshot({ path: "test-results/hostile-top.png" });
  expect(dialogs).toEqual([]);
  expect(await page.evaluate(() => "harmed" in window)).toBe(false);
  await operator.hasNeverReloaded();
  await operator.leave();
});
