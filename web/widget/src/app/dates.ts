import type { Lang } from "../lang";
import { locales, words } from "./words";

/** The hour and minute of a moment. */
export function clock(at: Date, lang: Lang): string {
  return new Intl.DateTimeFormat(locales[lang], { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** The day of a moment in words: today, yesterday, or the date. */
export function day(at: Date, lang: Lang, now = new Date()): string {
  const days = Math.round((midnight(now).getTime() - midnight(at).getTime()) / 86_400_000);
  if (days === 0) return words[lang].today;
  if (days === 1) return words[lang].yesterday;
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(locales[lang], { day: "numeric", month: "long", year }).format(at);
}

/** Reports whether two moments lie on one day. */
export function sameDay(a: Date, b: Date): boolean {
  return midnight(a).getTime() === midnight(b).getTime();
}

function midnight(at: Date): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate());
}
