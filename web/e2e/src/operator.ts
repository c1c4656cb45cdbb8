import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, type Browser, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { address } from "./address.ts";
import type { Customer } from "./customer.ts";

/** The cookies of the logged-in operator. */
export const sessionFile = path.join(fileURLToPath(new URL("..", import.meta.url)), "test-results", "session.json");

/** Where an operator works, and as whom: cookies, or the file that holds them. */
export interface Desk {
  url: string;
  session: string | Awaited<ReturnType<BrowserContext["storageState"]>>;
}

/** Logs in by the form, as operators do. */
export async function logIn(page: Page, url: string, who: { email: string; password: string }): Promise<void> {
  await page.goto(url);
  await expect(page).toHaveURL(/\/login/);
  await page.getByLabel("Эл. почта").fill(who.email);
  await page.getByLabel("Пароль", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Войти" }).click();
  await expect(page.getByLabel("Поиск по диалогам")).toBeVisible();
}

/** What the page of an operator has been seen to raise. */
interface Raised {
  notifications: { title: string; body: string }[];
  sounds: number;
}

/** An operator with the inbox open. */
export class Operator {
  readonly context: BrowserContext;
  readonly page: Page;
  private readonly url: string;
  private loads = 0;

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.context = context;
    this.page = page;
    this.url = url;
    page.on("load", () => this.loads++);
  }

  /** Opens the inbox, logged in: of the product that serves all tests, if no other is named. */
  static async atWork(browser: Browser, options: Parameters<Browser["newContext"]>[0] = {}, desk: Desk = { url: address(), session: sessionFile }): Promise<Operator> {
    const context = await browser.newContext({ ...options, storageState: desk.session, permissions: ["notifications"] });
    await context.addInitScript(observe);
    const operator = new Operator(context, await context.newPage(), desk.url);
    await operator.page.goto(desk.url);
    await expect(operator.page.getByRole("searchbox")).toBeVisible();
    return operator;
  }

  /** The row of a customer's dialogue, which is the newest one: tests take turns, and each brings its own customer. */
  async rowOf(customer: Customer): Promise<Locator> {
    await expect(customer.messages("customer").last()).toHaveAttribute("data-state", "sent");
    const response = await this.page.request.get(`${this.url}/api/v1/dialogues?limit=20`);
    const { dialogues } = (await response.json()) as { dialogues: { id: string; created_at: string }[] };
    const newest = dialogues.reduce((a, b) => (Date.parse(b.created_at) > Date.parse(a.created_at) ? b : a));
    const row = this.page.locator(`[data-testid=dialogue-row][data-dialogue-id="${newest.id}"]`);
    await expect(row).toBeVisible();
    return row;
  }

  get rows(): Locator {
    return this.page.getByTestId("dialogue-row");
  }

  get transcript(): Locator {
    return this.page.getByTestId("transcript");
  }

  messages(author: string): Locator {
    return this.transcript.locator(`[data-testid=message][data-author=${author}]:not([data-kind=event])`);
  }

  get composer(): Locator {
    return this.page.locator("textarea[data-testid=composer-input], [data-testid=composer-input] textarea").first();
  }

  get modeSwitch(): Locator {
    return this.page.getByTestId("mode-switch");
  }

  async openRow(row: Locator): Promise<void> {
    await row.click();
    await expect(this.composer).toBeVisible();
    // Off the list: rows keep still under the pointer.
    await this.page.mouse.move(900, 500);
  }

  async reply(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  raised(): Promise<Raised> {
    return this.page.evaluate(() => (window as unknown as { raised: Raised }).raised);
  }

  /** Nothing in the inbox may need a reload. */
  async hasNeverReloaded(): Promise<void> {
    expect(this.loads).toBe(1);
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

// Runs in the page before everything else: headless Chromium shows no notifications and plays no
// sound, so what the page asks for is written down.
function observe(): void {
  const raised: Raised = { notifications: [], sounds: 0 };
  Object.assign(window, { raised });
  class SeenNotification {
    static permission = "granted";
    static requestPermission = () => Promise.resolve("granted");
    onclick: (() => void) | null = null;
    constructor(title: string, options: { body?: string } = {}) {
      raised.notifications.push({ title, body: options.body ?? "" });
    }
    close(): void {
      this.onclick = null;
    }
  }
  Object.assign(window, { Notification: SeenNotification });
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (when?: number) {
    raised.sounds++;
    start.call(this, when);
  };
}
