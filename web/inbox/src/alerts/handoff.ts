// When a dialogue begins to need a human, and whom that concerns.
import type { Dialogue } from "../api/types";

export interface HandoffAlert {
  kind: "handoff" | "wrote";
  dialogue: Dialogue;
}

/** News this old, met for the first time, is no alarm any more. */
const freshFor = 60_000;

/**
 * What to tell the operator `me` when `next` follows on `known`. Nothing for one's own takeover, for a
 * colleague's dialogue, or for the dialogue being looked at.
 */
export function handoffAlert(
  known: Dialogue | undefined,
  next: Dialogue,
  context: { me: string; lookingAt: string | null; now: number },
): HandoffAlert | null {
  if (known && known.version >= next.version) return null;
  if (next.mode !== "operator" || next.status === "closed") return null;
  if (next.assignee && next.assignee.id !== context.me) return null;

  const handedOff = known?.mode === "bot" && next.handoff_reason !== "operator" && next.handoff_reason !== null;
  const beganWaiting = next.waiting_since !== null && (known ? known.waiting_since === null : context.now - Date.parse(next.waiting_since) < freshFor);
  const byMyself = next.handoff_reason === "operator" && known?.mode === "bot";
  if (byMyself || (!handedOff && !beganWaiting)) return null;
  if (context.lookingAt === next.id) return null;

  return { kind: handedOff || (!known && next.status === "new") ? "handoff" : "wrote", dialogue: next };
}
