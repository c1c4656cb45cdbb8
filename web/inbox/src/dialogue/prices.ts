// Finds the prices in a text, which must stay on one line.

// Grouped digits, and the sign or the word of a currency after them: 450 000 ₸, 20 %. Never so long that it does not
// fit on a line.
const price = /(\d{1,3}(?:[ \u00a0\u202f]\d{3}){1,4}(?!\d)(?:[.,]\d{1,2})?(?:[ \u00a0\u202f](?:[₸₽$€£%]|(?:тг|тенге|теңге|KZT|руб)(?!\p{L})))?|\d{1,9}(?:[.,]\d{1,2})?[ \u00a0\u202f](?:[₸₽$€£%]|(?:тг|тенге|теңге|KZT|руб)(?!\p{L})))/iu;

/** Splits a text into other words and prices, by turns; other words come first, and may be empty. */
export const splitPrices = (text: string): string[] => text.split(price);
