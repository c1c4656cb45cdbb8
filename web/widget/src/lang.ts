/** The languages of the widget. */
export type Lang = "ru" | "kk" | "en";

/** Every language of the widget, in the order in which a choice is offered. */
export const languages: readonly Lang[] = ["ru", "kk", "en"];

/** Reads a language tag such as `kk-KZ`; null when the widget does not speak it. */
export function parseLang(tag: string | null | undefined): Lang | null {
  const primary = tag?.trim().toLowerCase().split(/[-_]/)[0];
  return languages.find((lang) => lang === primary) ?? null;
}

/** The language asked for, else the first of the browser's languages that the widget speaks, else English. */
export function chooseLang(asked: string | null | undefined, browser: readonly string[]): Lang {
  const candidates = [asked, ...browser];
  for (const tag of candidates) {
    const lang = parseLang(tag);
    if (lang) return lang;
  }
  return "en";
}
