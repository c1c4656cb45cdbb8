// The languages of the interface: chosen by the browser's, changeable, remembered.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { isString, readStored, writeStored } from "../storage";
import { en } from "./en";
import { kk } from "./kk";
import { ru } from "./ru";

export const languages = ["ru", "kk", "en"] as const;
export type Language = (typeof languages)[number];

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof ru };
  }
}

const storageKey = "parley.language";
const isLanguage = (value: unknown): value is Language => isString(value) && (languages as readonly string[]).includes(value);

/** The first language of the browser that the interface speaks; Russian when there is none. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0];
    if (isLanguage(language)) return language;
  }
  return "ru";
}

/**
 * The tree with a text for every plural form that any language has. Browsers that do not know the plural rules of
 * Kazakh count by those of another language.
 */
function withAllForms(tree: object): Record<string, string | object> {
  const result: Record<string, string | object> = {};
  for (const [key, value] of Object.entries(tree) as [string, string | object][]) {
    const plural = /^(.+)_other$/.exec(key)?.[1];
    for (const form of plural ? ["zero", "one", "two", "few", "many"] : []) result[`${plural}_${form}`] ??= value;
    result[key] = typeof value === "string" ? value : withAllForms(value);
  }
  return result;
}

/** Creates the translator. */
export async function startI18n(): Promise<typeof i18next> {
  i18next.on("languageChanged", (language) => {
    document.documentElement.lang = language;
  });
  await i18next.use(initReactI18next).init({
    lng: readStored(storageKey, isLanguage) ?? preferredLanguage(navigator.languages),
    fallbackLng: "ru",
    supportedLngs: languages,
    resources: { ru: { translation: ru }, kk: { translation: withAllForms(kk) }, en: { translation: withAllForms(en) } },
    interpolation: { escapeValue: false }, // React escapes
  });
  return i18next;
}

export function chooseLanguage(language: Language): void {
  writeStored(storageKey, language);
  void i18next.changeLanguage(language);
}
