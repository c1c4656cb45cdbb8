// A transcript as lines on the screen: day separators, timeline, and runs of
// messages by one author.
import type { Message } from "../api/types";
import type { LiveText, Pending } from "../store/state";

export type Item =
  | { kind: "day"; key: string; at: string }
  | { kind: "event"; key: string; message: Message }
  | { kind: "message"; key: string; message: Message; first: boolean }
  | { kind: "pending"; key: string; pending: Pending; first: boolean }
  | { kind: "reply"; key: string; reply: LiveText; first: boolean };

/** Messages of one author within this time stand together under one name. */
const together = 5 * 60_000;

interface Side {
  who: string;
  at: number;
}

const localDay = (iso: string) => new Date(iso).toDateString();

function whoWrote(message: Message): string {
  return `${message.author}:${message.kind}:${message.operator?.id ?? ""}`;
}

export function transcriptItems(messages: Message[], pending: Pending[], reply: LiveText | undefined, me: string): Item[] {
  const items: Item[] = [];
  let day: string | null = null;
  let side: Side | null = null;

  const beginDay = (at: string) => {
    const next = localDay(at);
    if (next === day) return;
    items.push({ kind: "day", key: `day:${next}`, at });
    day = next;
    side = null;
  };
  const joins = (who: string, at: number) => {
    const first: boolean = side === null || side.who !== who || at - side.at > together;
    side = { who, at };
    return first;
  };

  for (const message of messages) {
    beginDay(message.created_at);
    if (message.kind === "event") {
      items.push({ kind: "event", key: message.id, message });
      side = null;
      continue;
    }
    const first = joins(whoWrote(message), Date.parse(message.created_at));
    // The key of one's own message stays what it was while it was on its way, so that it does not blink.
    const key = message.author === "operator" && message.client_id ? message.client_id : message.id;
    items.push({ kind: "message", key, message, first });
  }
  for (const item of pending) {
    beginDay(item.createdAt);
    items.push({ kind: "pending", key: item.clientID, pending: item, first: joins(`operator:${item.kind}:${me}`, Date.parse(item.createdAt)) });
  }
  if (reply) items.push({ kind: "reply", key: `reply:${reply.turnID}`, reply, first: joins("bot:text:", side === null ? 0 : (side as Side).at) });
  return items;
}
