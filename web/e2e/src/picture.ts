import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Page, PageScreenshotOptions, TestInfo } from "@playwright/test";

const documents = fileURLToPath(new URL("../../../docs/images", import.meta.url));

/** Keeps a picture with the test's results, and with UPDATE_SCREENSHOTS=1 in the documents. */
export async function picture(page: Page, name: string, info: TestInfo, clip?: PageScreenshotOptions["clip"]): Promise<void> {
  const folder = process.env["UPDATE_SCREENSHOTS"] ? documents : info.outputDir;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), animations: "disabled", caret: "hide", ...(clip ? { clip } : {}) });
}
