// The addresses of the inbox: `/`, `/d/<dialogue id>`, `/login`, and for admins `/#<section>`, `/#failed-answers/<cause>`.
import { useSyncExternalStore } from "react";

/** The pages of admins, in the order in which they are offered. */
export const adminSections = ["failed-answers", "answers", "audit", "dead-letters"] as const;
export type AdminSection = (typeof adminSections)[number];

export type Route = { page: "inbox"; dialogueID: string | null } | { page: "login" } | { page: "admin"; section: AdminSection; cause?: string };

/** The page of failed answers may be opened at one cause. */
export const adminPath = (section: AdminSection, cause?: string) => `/#${section}${cause === undefined ? "" : `/${cause}`}`;

/** What an address, as path and fragment, shows. */
export function parseRoute(address: string): Route {
  const [path = "/", fragment] = address.split("#");
  if (path === "/login") return { page: "login" };
  const [name, cause] = fragment?.split("/") ?? [];
  const section = adminSections.find((known) => known === name);
  if (path === "/" && section) return { page: "admin", section, ...(section === "failed-answers" && /^[a-z_]+$/.test(cause ?? "") ? { cause: cause! } : {}) };
  const dialogue = /^\/d\/([0-9a-fA-F-]{36})\/?$/.exec(path);
  return { page: "inbox", dialogueID: dialogue?.[1]?.toLowerCase() ?? null };
}

const listeners = new Set<() => void>();
const changed = () => listeners.forEach((listener) => listener());

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("popstate", changed);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", changed);
  };
}

interface NavigateOptions {
  replace?: boolean;
  /** The operator opened it to write. */
  toWrite?: boolean;
}

export function navigate(path: string, options: NavigateOptions = {}): void {
  if (path === window.location.pathname + window.location.search + window.location.hash) return;
  const state = options.toWrite ? { toWrite: true } : null;
  if (options.replace) window.history.replaceState(state, "", path);
  else window.history.pushState(state, "", path);
  changed();
}

/** Whether the present page was opened to write on it. */
export function openedToWrite(): boolean {
  const state: unknown = window.history.state;
  return typeof state === "object" && state !== null && "toWrite" in state;
}

export function useAddress(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname + window.location.hash);
}

export const dialoguePath = (id: string) => `/d/${id}`;

/** Where to go after a login: only a path of this application. */
export function returnPath(search: string): string {
  const wanted = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(wanted) && !wanted.startsWith("/login") ? wanted : "/";
}
