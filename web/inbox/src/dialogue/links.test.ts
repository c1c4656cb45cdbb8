// @vitest-environment node
import { expect, it } from "vitest";
import { splitLinks } from "./links";

const links = (text: string) => splitLinks(text).flatMap((part) => (part.href === null ? [] : [part.href]));

it("loses no character of the text", () => {
  for (const text of ["", "просто текст", "см. https://a.kz/x, и http://b.kz!", "https://a.kz", "\u202eabc https://a.kz \u0000"]) {
    expect(splitLinks(text).map((part) => part.text).join("")).toBe(text);
  }
});

it("finds web addresses and leaves the sentence's punctuation out", () => {
  expect(links("Смотрите https://shop.kz/a?b=1&c=2#d. И (http://x.kz/y), ещё «https://z.kz»!")).toEqual(["https://shop.kz/a?b=1&c=2#d", "http://x.kz/y", "https://z.kz/"]);
  expect(links("https://ru.wikipedia.org/wiki/Чат_(связь)")).toEqual([new URL("https://ru.wikipedia.org/wiki/Чат_(связь)").href]);
});

it("makes nothing clickable but http and https", () => {
  expect(links("javascript:alert(1) data:text/html,x file:///etc/passwd ftp://x.kz vbscript:x JAVASCRIPT:https")).toEqual([]);
});

it("does not trust an address that pretends to be another", () => {
  expect(links("https://kaspi.kz@evil.example/pay")).toEqual([]);
});

it("ends an address at a direction mark, so that no other text hides in it", () => {
  expect(links("https://a.kz/\u202egpj.exe")).toEqual(["https://a.kz/"]);
});
