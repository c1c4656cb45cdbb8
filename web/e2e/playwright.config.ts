import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const chromium = process.env["PARLEY_CHROMIUM"] ?? "/usr/bin/chromium";
const asRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: "tests",
  globalSetup: "./src/start.ts",
  // One product serves all tests, and its inbox shows every customer: they take turns.
  workers: 1,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  forbidOnly: Boolean(process.env["CI"]),
  use: {
    locale: "ru-RU",
    timezoneId: "Asia/Almaty",
    viewport: { width: 1500, height: 860 },
    // A trace doubles the time of a test; `npx playwright test --trace on` writes one.
    trace: "off",
    screenshot: "only-on-failure",
    launchOptions: {
      // Without the system's Chromium, Playwright takes the one that it has installed itself.
      ...(existsSync(chromium) ? { executablePath: chromium } : {}),
      args: [
        ...(asRoot ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
