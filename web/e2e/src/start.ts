import { mkdir } from "node:fs/promises";
import { chromium, expect, type FullConfig } from "@playwright/test";
import { admin, Product } from "./product.ts";
import { sessionFile } from "./operator.ts";

/** Starts the product for all tests, and logs the operator in by the form, as they would. */
export default async function start(config: FullConfig): Promise<() => Promise<void>> {
  const running = process.env["PARLEY_E2E_URL"];
  const product = running ? null : await Product.start();
  const url = running ?? product?.url ?? "";
  process.env["PARLEY_E2E_URL"] = url;
  try {
    await logIn(url, config);
  } catch (error) {
    await product?.stop();
    throw error;
  }
  return async () => {
    await product?.stop();
  };
}

async function logIn(url: string, config: FullConfig): Promise<void> {
  const browser = await chromium.launch(config.projects[0]?.use.launchOptions);
  try {
    const page = await browser.newPage({ locale: "ru-RU" });
    await page.goto(url);
    await expect(page).toHaveURL(/\/login/);
    await page.getByLabel("Эл. почта").fill(admin.email);
    await page.getByLabel("Пароль", { exact: true }).fill(admin.password);
    await page.getByRole("button", { name: "Войти" }).click();
    await expect(page.getByLabel("Поиск по диалогам")).toBeVisible();
    await mkdir("test-results", { recursive: true });
    await page.context().storageState({ path: sessionFile });
  } finally {
    await browser.close();
  }
}
