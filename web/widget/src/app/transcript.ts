import type { Message } from "./api";

/** The transcript with more messages in it: each once, in order of seq. The same array when nothing is new. */
export function merge(known: readonly Message[], more: readonly Message[]): readonly Message[] {
  const seqs = new Set(known.map((message) => message.seq));
  const fresh: Message[] = [];
  for (const message of more) {
    if (seqs.has(message.seq)) continue;
    seqs.add(message.seq);
    fresh.push(message);
  }
  if (fresh.length === 0) return known;
  return [...known, ...fresh].sort((a, b) => a.seq - b.seq);
}

/** The seq of the shop's newest message; 0 when the shop has not written yet. */
export function newestFromShop(messages: readonly Message[]): number {
  return messages.findLast((message) => message.author !== "customer")?.seq ?? 0;
}

/** How many messages of the shop the visitor has not seen. */
export function countUnread(messages: readonly Message[], read: number): number {
  return messages.filter((message) => message.author !== "customer" && message.seq > read).length;
}
