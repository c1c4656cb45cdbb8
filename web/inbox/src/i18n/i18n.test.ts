import { beforeAll, describe, expect, it } from "vitest";
import type { i18n } from "i18next";
import { Formats, waitingTime } from "./format";
import { en } from "./en";
import { languages, preferredLanguage, startI18n } from "./index";
import { kk } from "./kk";
import { ru } from "./ru";

function flatten(tree: object, prefix = ""): Map<string, string> {
  const result = new Map<string, string>();
  for (const [key, value] of Object.entries(tree) as [string, string | object][]) {
    if (typeof value === "string") result.set(prefix + key, value);
    else flatten(value, `${prefix}${key}.`).forEach((text, name) => result.set(name, text));
  }
  return result;
}

const base = (key: string) => key.replace(/_(one|few|many|other)$/, "");
const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();
const trees = { ru: flatten(ru), kk: flatten(kk), en: flatten(en) };

let instance: i18n;
beforeAll(async () => {
  instance = await startI18n();
});

describe("the three languages", () => {
  const keys = (language: keyof typeof trees) => new Set([...trees[language].keys()].map(base));

  it.each(["kk", "en"] as const)("%s has exactly the keys of Russian", (language) => {
    expect([...keys(language)].sort()).toEqual([...keys("ru")].sort());
  });

  it.each(languages)("%s has every plural form that it needs", (language) => {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const plural = new Set([...trees[language].keys()].filter((key) => base(key) !== key).map(base));
    for (const key of plural) {
      for (const form of needed) expect(trees[language].has(`${key}_${form}`), `${key}_${form}`).toBe(true);
    }
  });

  it.each(["kk", "en"] as const)("%s fills in what Russian fills in", (language) => {
    for (const [key, text] of trees[language]) {
      const russian = trees.ru.get(key);
      if (russian !== undefined) expect(placeholders(text), key).toEqual(placeholders(russian));
    }
  });

  it("leave nothing empty", () => {
    for (const tree of Object.values(trees)) for (const [key, text] of tree) expect(text.trim(), key).not.toBe("");
  });

  it("use the agreed words for the three buttons", () => {
    const words = (tree: Map<string, string>) => [tree.get("header.toBot"), tree.get("header.toOperator"), tree.get("composer.suggest")];
    expect(words(trees.ru)).toEqual(["Переключить на бота", "Переключить на оператора", "Попросить бота ответить"]);
    expect(words(trees.kk)).toEqual(["Ботқа ауыстыру", "Операторға ауыстыру", "Боттан жауап сұрау"]);
    expect(words(trees.en)).toEqual(["Switch to bot", "Switch to operator", "Ask the bot to answer"]);
  });

  it("use the agreed words for what the bot could not answer", () => {
    const words = (tree: Map<string, string>) => [tree.get("admin.section.failed-answers"), tree.get("failures.replay"), tree.get("failures.try")];
    expect(words(trees.ru)).toEqual(["Несостоявшиеся ответы бота", "Повторить", "Проверить без отправки"]);
    expect(words(trees.kk)).toEqual(["Боттың сәтсіз жауаптары", "Қайталау", "Жібермей тексеру"]);
    expect(words(trees.en)).toEqual(["Failed bot answers", "Replay", "Try without sending"]);
  });

  it("never fall back to Russian where a browser counts otherwise", async () => {
    await instance.changeLanguage("kk");
    for (const form of ["one", "two", "few", "many", "other"]) expect(instance.exists(`alerts.title_${form}`, { lng: "kk", fallbackLng: [] }), form).toBe(true);
  });

  it("are chosen by the browser's wishes", () => {
    expect(preferredLanguage(["kk-KZ", "ru"])).toBe("kk");
    expect(preferredLanguage(["de-DE", "en-US"])).toBe("en");
    expect(preferredLanguage(["de"])).toBe("ru");
  });

  it("count properly", async () => {
    await instance.changeLanguage("ru");
    expect([1, 3, 5].map((count) => instance.t("alerts.title", { count }))).toEqual(["1 ждёт", "3 ждут", "5 ждут"]);
    expect([1, 2, 21, 11].map((count) => instance.t("list.unreadCount", { count }))).toEqual(["1 непрочитанное", "2 непрочитанных", "21 непрочитанное", "11 непрочитанных"]);
  });
});

describe("times", () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;

  it.each([
    [0, "0:00"],
    [-5 * second, "0:00"],
    [4 * minute + 12 * second, "4:12"],
    [59 * minute + 59 * second, "59:59"],
    [hour + 4 * minute, "1 ч 04 мин"],
    [51 * hour, "2 д 3 ч"],
  ])("waiting for %d ms is %s", async (passed, expected) => {
    await instance.changeLanguage("ru");
    expect(waitingTime(instance.t, passed)).toBe(expected);
  });

  it("in the list get coarser with age", async () => {
    await instance.changeLanguage("ru");
    const formats = new Formats("ru", instance.t);
    const now = new Date(2026, 2, 10, 15, 0, 0).getTime();
    const ago = (date: Date) => formats.ago(date.toISOString(), now);
    expect(ago(new Date(2026, 2, 10, 14, 59, 30))).toBe("сейчас");
    expect(ago(new Date(2026, 2, 10, 14, 58, 0))).toBe("2 мин");
    expect(ago(new Date(2026, 2, 10, 9, 5, 0))).toBe("09:05");
    expect(ago(new Date(2026, 2, 9, 23, 0, 0))).toBe("вчера");
    expect(ago(new Date(2026, 2, 6, 12, 0, 0))).toBe("пт");
    expect(ago(new Date(2026, 0, 6, 12, 0, 0))).toMatch(/^6 янв/);
    expect(ago(new Date(2025, 0, 6, 12, 0, 0))).toBe("06.01.25");
  });

  it("are named in Kazakh too, whatever the browser knows", async () => {
    await instance.changeLanguage("kk");
    const formats = new Formats("kk", instance.t);
    const now = new Date(2026, 2, 10, 15, 0, 0).getTime();
    expect(formats.full(new Date(2026, 10, 3, 9, 5).toISOString())).toBe("2026 ж. 3 қараша, 09:05");
    expect(formats.day(new Date(2026, 0, 6).toISOString(), now)).toBe("6 қаңтар");
    expect(formats.ago(new Date(2026, 2, 6).toISOString(), now)).toBe("жм");
  });
});

describe("money", () => {
  const spaced = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");
  const format = async (language: string, micros: number, currency: string) => {
    await instance.changeLanguage(language);
    return spaced(new Formats(language, instance.t).money(micros, currency));
  };

  it.each([
    ["ru", 250_000_000_000, "KZT", "250 000 ₸"],
    ["kk", 1_250_000, "KZT", "1,25 ₸"],
    ["en", 1_250_000, "KZT", "1.25 ₸"],
    ["ru", 423, "USD", "0,00042 $"],
    ["en", 423, "USD", "$0.00042"],
    ["en", 12_300_000, "EUR", "€12.3"],
    ["en", 0, "USD", "$0"],
  ])("in %s: %d millionths of %s", async (language, micros, currency, expected) => {
    expect(await format(language, micros, currency)).toBe(expected);
  });
});
