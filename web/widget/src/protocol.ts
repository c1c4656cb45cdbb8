/**
 * What the loader on the shop's page and the app in the frame tell each other by postMessage.
 *
 * Why this is safe:
 *
 * - The loader knows the app's origin: it is the origin of its own script. It posts to that origin only, and takes
 *   messages only from that origin and from the window of the frame that it made itself.
 * - The app does not know in advance on whose page it is. The browser does: the frame is served with
 *   `Content-Security-Policy: frame-ancestors <the channel's allowed origins>`, so no page outside the list ever shows
 *   it. The app stays silent until its parent window speaks; the origin of that first message is stamped by the browser
 *   and cannot be forged. The app keeps that origin and from then on posts to it alone, and takes messages only from it
 *   and only from the parent window. Should the frame's parent be navigated elsewhere, nothing reaches the new page.
 * - Nobody ever posts to "*", and no token ever stands in an address.
 */

import type { Lang } from "./lang";

/** The public part of a channel, from GET /widget/v1/config. */
export interface Config {
  channel: string;
  name: string;
  bot_name: string;
  disclose_bot: boolean;
}

/**
 * What is kept in the storage of the shop's page: the session's token, the seq read so far, when the dialogue was last
 * active, the text being typed, and one entry for each message that is not yet sent, so that tabs do not overwrite each
 * other's.
 */
export type StoredKey = "session" | "read" | "active" | "draft" | `out:${string}`;

/** From the loader to the app. */
export type ToApp =
  | { parley: 1; type: "init"; config: Config; lang: Lang; open: boolean; focus: boolean; stored: Record<string, string> }
  | { parley: 1; type: "open"; open: boolean; focus: boolean }
  | { parley: 1; type: "lang"; lang: Lang }
  | { parley: 1; type: "stored"; key: StoredKey; value: string | null };

/** From the app to the loader. */
export type ToLoader =
  | { parley: 1; type: "store"; key: StoredKey; value: string | null }
  | { parley: 1; type: "load"; key: StoredKey }
  | { parley: 1; type: "unread"; count: number }
  | { parley: 1; type: "close" };

const keyPattern = /^(session|read|active|draft|out:[\w-]{1,64})$/;

/** Reports whether a key may be kept on the shop's page. */
export function isStoredKey(key: unknown): key is StoredKey {
  return typeof key === "string" && keyPattern.test(key);
}

/** Reports whether data is a message of this protocol; its fields are still to be checked. */
export function isProtocolMessage(data: unknown): data is { parley: 1; type: string } {
  return typeof data === "object" && data !== null && "parley" in data && data.parley === 1 && "type" in data && typeof data.type === "string";
}
