import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, type Browser, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { address } from "./address.ts";
import type { Customer } from "./customer.ts";

/** The cookies of the logged-in operator. */
export const sessionFile = path.join(fileURLToPath(new URL("..", import.meta.url)), "test-results", "session.json");

/** What the page of an operator has been seen to raise. */
interface Raised {
  notifications: { title: string; body: string }[];
  sounds: number;
}

/** An operator with the inbox open. */
export class Operator {
  readonly context: BrowserContext;
  readonly page: Page;
  private loads = 0;

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on("load", () => this.loads++);
  }

  /** Opens the inbox, logged in. */
  static async atWork(browser: Browser, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Operator> {
    const context = await browser.newContext({ ...options, storageState: sessionFile, permissions: ["notifications"] });
    await context.addInitScript(observe);
    const operator = new Operator(context, await context.newPage());
    await operator.page.goto(address());
    await expect(operator.page.getByRole("searchbox")).toBeVisible();
    return operator;
  }

  /** The row of a customer's dialogue, which is the newest one: tests take turns, and each brings its own customer. */
  async rowOf(customer: Customer): Promise<Locator> {
    await expect(customer.messages("customer").last()).toHaveAttribute("data-state", "sent");
    const response = await this.page.request.get(`${address()}/api/v1/dialogues?limit=20`);
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
