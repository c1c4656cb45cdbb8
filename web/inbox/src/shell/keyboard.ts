// Hotkeys by the physical key, so that they work on Russian and Kazakh layouts too.
import { useEffect, useRef } from "react";

export type Hotkeys = Partial<Record<string, (event: KeyboardEvent) => void>>;

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** The name of a key combination: `J`, `Mod+K`, `Shift+Slash`; letters and slash by place, the rest by meaning. */
export function combination(event: Pick<KeyboardEvent, "code" | "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">): string {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  let key = letter ?? event.key;
  if (!letter && (event.key === "/" || (event.code === "Slash" && !event.shiftKey))) key = "Slash";
  if (!letter && (event.key === "?" || (event.code === "Slash" && event.shiftKey))) key = "Help";
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && key !== "Help" && key !== "Slash") parts.push("Shift");
  return [...parts, key].join("+");
}

/** Calls the handler of a pressed combination. While a text is typed only combinations with Mod and Escape count. */
export function useHotkeys(hotkeys: Hotkeys): void {
  const latest = useRef(hotkeys);
  useEffect(() => {
    latest.current = hotkeys;
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const name = combination(event);
      if (isTyping(event.target) && !name.startsWith("Mod+") && name !== "Escape") return;
      // An open dialog, menu or popover has the keyboard to itself.
      if (document.querySelector('[role="dialog"][aria-modal="true"], [role="menu"]')) return;
      const handler = latest.current[name];
      if (!handler) return;
      handler(event);
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}
