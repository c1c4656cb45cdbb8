import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { address } from "./address.ts";

/** A shop of somebody else: a site on an origin of its own, with the snippet on its page. */
export class Shop {
  private readonly server: Server;
  /** The channel that the snippet names. */
  channel = "";

  private constructor() {
    this.server = createServer((_request, response) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      // What a careful shop sends: nothing of the widget may need more than this.
      response.setHeader("Content-Security-Policy", `default-src 'none'; script-src ${address()}; connect-src ${address()}; frame-src ${address()}`);
      response.setHeader("Referrer-Policy", "no-referrer");
      response.end(`<!doctype html><html lang="ru"><title>Магазин</title><h1>Магазин</h1><script async src="${address()}/widget.js" data-channel="${this.channel}"></script></html>`);
    });
  }

  /** Opens a shop on a free port. */
  static async open(): Promise<Shop> {
    const shop = new Shop();
    shop.server.listen(0, "127.0.0.1");
    await once(shop.server, "listening");
    return shop;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
