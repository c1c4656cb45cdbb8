import { expect, type Browser, type BrowserContext, type FrameLocator, type Locator, type Page } from "@playwright/test";
import { address } from "./address.ts";

type ContextOptions = Parameters<Browser["newContext"]>[0];
type Author = "customer" | "bot" | "operator" | "system";

/** A customer on a shop's page, with the chat as they see it. */
export class Customer {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly chat: FrameLocator;
  private readonly url: string;

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.context = context;
    this.url = url;
    this.page = page;
    this.chat = page.frameLocator("parley-widget iframe");
  }

  /** Comes to a shop, the demo shop if no other is named, in a browser of their own. */
  static async visit(browser: Browser, options: ContextOptions = {}, url = `${address()}/demo`): Promise<Customer> {
    const context = await browser.newContext(options);
    return new Customer(context, await context.newPage(), url).goto();
  }

  /** Opens another page of the shop in the same browser. */
  async anotherTab(): Promise<Customer> {
    return new Customer(this.context, await this.context.newPage(), this.url).goto();
  }

  private async goto(): Promise<this> {
    await this.page.goto(this.url);
    await expect(this.launcher).toBeVisible();
    return this;
  }

  get launcher(): Locator {
    return this.page.locator("parley-widget .launcher");
  }

  get field(): Locator {
    return this.chat.getByTestId("widget-input");
  }

  async open(): Promise<this> {
    await this.launcher.click();
    await expect(this.field).toBeFocused();
    return this;
  }

  async write(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press("Enter");
  }

  messages(author?: Author): Locator {
    return this.chat.locator(author ? `[data-testid=widget-message][data-author=${author}]` : "[data-testid=widget-message]");
  }

  /** The texts of the transcript, each with its author. */
  async transcript(): Promise<string[]> {
    return this.messages().evaluateAll((all) => all.map((one) => `${one.getAttribute("data-author")}: ${one.querySelector(".text")?.textContent ?? ""}`));
  }

  /** Waits for so many messages of an author in all, and returns the last one's text. */
  async hears(author: Author, count: number): Promise<string> {
    await expect(this.messages(author)).toHaveCount(count);
    return (await this.messages(author).last().locator(".text").textContent()) ?? "";
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
