// Which of two pieces of news about the same thing is the newer one.
import type { Dialogue, Message, MessageState } from "../api/types";

/** The dialogue with the higher version; the known one when they are equal. */
export function mergeDialogue(known: Dialogue | undefined, incoming: Dialogue): Dialogue {
  return known && known.version >= incoming.version ? known : incoming;
}

const progress: Record<MessageState, number> = {
  received: 0,
  queued: 0,
  sending: 1,
  unconfirmed: 2,
  failed: 3,
  sent: 4,
  delivered: 5,
  read: 6,
};

/** Whether a message may go from one delivery state to another: never backwards; a provider may refuse what was sent. */
export function movesForward(from: MessageState, to: MessageState): boolean {
  if (from === "sent" && to === "failed") return true;
  return progress[to] > progress[from];
}

/** Whether a message did not reach the customer, or perhaps not, and leaves again only when an operator sends it. */
export const stopped = ({ state }: Message) => state === "failed" || state === "unconfirmed";

function mergeMessage(known: Message, incoming: Message, later: boolean): Message {
  return known.state === incoming.state || movesForward(known.state, incoming.state) || (later && stopped(known)) ? incoming : known;
}

/**
 * The known messages with the incoming ones put in by seq; the same array when nothing is new. What is known to be of
 * a later time than all that came before may also be a message sent again.
 */
export function mergeMessages(known: Message[], incoming: Message[], later = false): Message[] {
  if (incoming.length === 0) return known;
  const lastKnown = known.at(-1);
  if (lastKnown === undefined || incoming[0]!.seq > lastKnown.seq) return [...known, ...incoming];
  const bySeq = new Map(known.map((message) => [message.seq, message]));
  let changed = false;
  for (const message of incoming) {
    const before = bySeq.get(message.seq);
    const after = before ? mergeMessage(before, message, later) : message;
    if (after === before) continue;
    bySeq.set(message.seq, after);
    changed = true;
  }
  return changed ? [...bySeq.values()].sort((a, b) => a.seq - b.seq) : known;
}
