// Choices of this browser that several parts of the screen follow.
import { useSyncExternalStore } from "react";
import { isBoolean, readStored, writeStored } from "../storage";

const panelKey = "parley.customer-panel";
const listeners = new Set<() => void>();
let panelOpen: boolean | null = readStored(panelKey, isBoolean);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether the customer panel is unfolded; null: not chosen, so it depends on the width. */
export function usePanelChoice(): [boolean | null, (open: boolean) => void] {
  const open = useSyncExternalStore(subscribe, () => panelOpen);
  return [
    open,
    (next) => {
      panelOpen = next;
      writeStored(panelKey, next);
      listeners.forEach((listener) => listener());
    },
  ];
}
