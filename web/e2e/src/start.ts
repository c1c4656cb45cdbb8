import { mkdir } from "node:fs/promises";
import { chromium, type FullConfig } from "@playwright/test";
import { admin, Product } from "./product.ts";
import { logIn, sessionFile } from "./operator.ts";

/** Starts the product for all tests, and logs the operator in by the form, as they would. */
export default async function start(config: FullConfig): Promise<() => Promise<void>> {
  const running = process.env["PARLEY_E2E_URL"];
  const product = running ? null : await Product.start();
  const url = running ?? product?.url ?? "";
  process.env["PARLEY_E2E_URL"] = url;
  try {
    await keepSession(url, config);
  } catch (error) {
    await product?.stop();
    throw error;
  }
  return async () => {
    await product?.stop();
  };
}

async function keepSession(url: string, config: FullConfig): Promise<void> {
  const browser = await chromium.launch(config.projects[0]?.use.launchOptions);
  try {
    const page = await browser.newPage({ locale: "ru-RU" });
    await logIn(page, url, admin);
    await mkdir("test-results", { recursive: true });
    await page.context().storageState({ path: sessionFile });
  } finally {
    await browser.close();
  }
}
