// Keeps the rows where they are while the pointer is among them.
import { useEffect, useRef, useState } from "react";

/** A pointer that has not moved for this long is not about to click. */
const pointerRests = 3_000;

/** How many rows would come, go or move if the shown order became the current one. */
export function countChanges(shown: readonly string[], current: readonly string[]): number {
  const before = new Set(shown);
  const after = new Set(current);
  const gone = shown.filter((id) => !after.has(id)).length;
  const come = current.filter((id) => !before.has(id)).length;
  const stayedBefore = shown.filter((id) => after.has(id));
  const stayedAfter = current.filter((id) => before.has(id));
  let moved = 0;
  let next = 0;
  for (const id of stayedAfter) {
    if (stayedBefore[next] === id) next++;
    else moved++;
  }
  return gone + come + moved;
}

export interface HeldOrder {
  ids: readonly string[];
  changes: number;
  apply(): void;
  onPointerMove(event: { pointerType: string }): void;
  onPointerLeave(): void;
}

/** The order to show: `current`, or while the pointer moves over the list the order as it was. `scope` names the list: another list is shown at once. */
export function useHeldOrder(current: readonly string[], scope: string): HeldOrder {
  const [held, setHeld] = useState<{ ids: readonly string[]; scope: string } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const release = () => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
    setHeld(null);
  };
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
    },
    [],
  );
  // Older pages are loaded below what is held, and always shown.
  const ids = held && held.scope === scope ? withTail(held.ids, current) : current;
  return {
    ids,
    changes: ids === current ? 0 : countChanges(ids, current),
    apply: release,
    onPointerMove(event) {
      if (event.pointerType !== "mouse") return;
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = setTimeout(release, pointerRests);
      if (!held || held.scope !== scope) setHeld({ ids: current, scope });
    },
    onPointerLeave: release,
  };
}

function withTail(held: readonly string[], current: readonly string[]): readonly string[] {
  const known = new Set(held);
  const end = current.findLastIndex((id) => known.has(id));
  if (end < 0) return held;
  const tail = current.slice(end + 1).filter((id) => !known.has(id));
  return tail.length > 0 ? [...held, ...tail] : held;
}
