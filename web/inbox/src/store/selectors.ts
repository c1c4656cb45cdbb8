import type { Dialogue } from "../api/types";
import type { State } from "./state";
import { useSelected } from "./store";

export function waitingCount(dialogues: Record<string, Dialogue>): number {
  let count = 0;
  for (const dialogue of Object.values(dialogues)) if (dialogue.waiting_since !== null && dialogue.status !== "closed") count++;
  return count;
}

const selectWaiting = (state: State) => waitingCount(state.dialogues);

/** How many customers wait for a human. */
export const useWaitingCount = (): number => useSelected(selectWaiting);
