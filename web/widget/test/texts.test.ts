import { describe, expect, test } from "vitest";
import { day } from "../src/app/dates";
import { splitLinks, splitText } from "../src/app/links";
import { words } from "../src/app/words";
import { chooseLang, languages } from "../src/lang";
import { words as launcherWords } from "../src/loader/words";

describe("splitLinks", () => {
  test.each<[string, (string | [string, string])[]]>([
    ["no link", ["no link"]],
    ["see https://shop.kz/a?b=1#c now", ["see ", ["https://shop.kz/a?b=1#c", "https://shop.kz/a?b=1#c"], " now"]],
    ["(http://shop.kz).", ["(", ["http://shop.kz", "http://shop.kz/"], ")."]],
    ["https://kk.wikipedia.org/wiki/A_(b), да", [["https://kk.wikipedia.org/wiki/A_(b)", "https://kk.wikipedia.org/wiki/A_(b)"], ", да"]],
    ["«https://shop.kz/чай»", ["«", ["https://shop.kz/чай", "https://shop.kz/%D1%87%D0%B0%D0%B9"], "»"]],
    ["javascript:alert(1) data:text/html,x //shop.kz ftp://shop.kz", ["javascript:alert(1) data:text/html,x //shop.kz ftp://shop.kz"]],
    ["https://bank.kz@evil.example/", ["https://bank.kz@evil.example/"]],
    ["https://", ["https://"]],
    ['<a href="https://shop.kz">x</a>', ['<a href="', ["https://shop.kz", "https://shop.kz/"], '">x</a>']],
  ])("%s", (text, pieces) => {
    const split = splitLinks(text);
    expect(split).toEqual(pieces.map((piece) => (typeof piece === "string" ? { text: piece } : { text: piece[0], href: piece[1] })));
    expect(split.map((piece) => piece.text).join("")).toBe(text);
  });
});

test.each([
  ["iPhone стоит 1 450 000 ₸, скидка 20 %, см. https://shop.kz/100 000 за 12 дней", ["1 450 000 ₸", "20 %"]],
  ["1\u00a0500\u202f₸ или 99,90 €", ["1\u00a0500\u202f₸", "99,90 €"]],
  ["1 500 тг., 2 000 тенге, 300 Теңге, 5 тгк", ["1 500 тг", "2 000 тенге", "300 Теңге"]],
  ["12 12 2026 в 10 часов", []],
  ["111 ".repeat(9).trim(), ["111 111 111 111 111", "111 111 111 111"]],
])("prices stay on one line, and the text stays what it was: %s", (text, unbroken) => {
  const pieces = splitText(text);
  expect(pieces.filter((piece) => piece.unbroken).map((piece) => piece.text)).toEqual(unbroken);
  expect(pieces.map((piece) => piece.text).join("")).toBe(text);
});

test("the language is the one asked for, else the browser's first that is known, else English", () => {
  expect(chooseLang("kk", ["ru"])).toBe("kk");
  expect(chooseLang("KK-kz", [])).toBe("kk");
  expect(chooseLang("fr", ["de-DE", "ru-RU", "en"])).toBe("ru");
  expect(chooseLang(undefined, ["de"])).toBe("en");
});

test("every language says everything", () => {
  for (const lang of languages) {
    for (const [key, value] of Object.entries(words[lang])) expect(typeof value === "function" ? value(3) : value, `${lang} ${key}`).not.toBe("");
  }
});

test("numbers and their words agree", () => {
  expect([1, 2, 5, 11, 21, 112].map((n) => launcherWords.ru.unread(n))).toEqual([
    "1 новое сообщение",
    "2 новых сообщения",
    "5 новых сообщений",
    "11 новых сообщений",
    "21 новое сообщение",
    "112 новых сообщений",
  ]);
  expect([1, 2].map((n) => launcherWords.en.unread(n))).toEqual(["1 new message", "2 new messages"]);
});

test("days are named as people name them", () => {
  const now = new Date(2026, 0, 2, 0, 30);
  expect(day(new Date(2026, 0, 2, 0, 1), "ru", now)).toBe("Сегодня");
  expect(day(new Date(2026, 0, 1, 23, 59), "kk", now)).toBe("Кеше");
  expect(day(new Date(2025, 11, 30), "ru", now)).toBe("30 декабря 2025 г.");
});
