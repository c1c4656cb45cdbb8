import { expect, it } from "vitest";
import { renderInbox } from "../test/render";
import { PlainText } from "./plain-text";

it.each([
  ["iPhone стоит 1 450 000 ₸, скидка 20 %, см. https://shop.kz/100 000 за 12 дней", ["1 450 000 ₸", "20 %"]],
  ["1\u00a0500\u202f₸ или 99,90 €", ["1\u00a0500\u202f₸", "99,90 €"]],
  ["1 500 тг., 2 000 тенге, 300 Теңге, 5 тгк", ["1 500 тг", "2 000 тенге", "300 Теңге"]],
  ["12 12 2026 в 10 часов", []],
  ["111 ".repeat(9).trim(), ["111 111 111 111 111", "111 111 111 111"]],
])("keeps prices on one line, and the text what it was: %s", async (text, prices) => {
  const { container } = await renderInbox(<PlainText text={text} />);
  expect([...container.querySelectorAll(".price")].map((price) => price.textContent)).toEqual(prices);
  expect(container.querySelector(".text")!.textContent).toBe(text);
});
