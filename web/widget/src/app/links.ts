/** A piece of a message: plain text, a link when it has an href, or a number that must stay on one line. */
export interface Piece {
  text: string;
  href?: string;
  unbroken?: true;
}

const candidate = /https?:\/\/[^\s<>"'`\u0000-\u001f\u2028\u2029]+/gi;
const trailing = /[.,;:!?…»”’)\]}]$/;

// Grouped digits, and the sign or the word of a currency after them: 450 000 ₸, 20 %. Never so long that it does not
// fit on a line.
const number = /\d{1,3}(?:[ \u00a0\u202f]\d{3}){1,4}(?!\d)(?:[.,]\d{1,2})?(?:[ \u00a0\u202f](?:[₸₽$€£%]|(?:тг|тенге|теңге|KZT|руб)(?!\p{L})))?|\d{1,9}(?:[.,]\d{1,2})?[ \u00a0\u202f](?:[₸₽$€£%]|(?:тг|тенге|теңге|KZT|руб)(?!\p{L}))/giu;

/** Splits a message into text, links and numbers. */
export function splitText(text: string): Piece[] {
  return splitLinks(text).flatMap((piece) => (piece.href ? [piece] : splitNumbers(piece.text)));
}

function splitNumbers(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(number)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: match[0], unbroken: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** Splits a message into text and links. Only whole http and https addresses become links. */
export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(candidate)) {
    const address = trimmed(match[0]);
    const href = safe(address);
    if (!href) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

// Punctuation after an address belongs to the sentence; a closing bracket to the address only if it opens there.
function trimmed(address: string): string {
  while (trailing.test(address)) {
    if (address.endsWith(")") && count(address, "(") >= count(address, ")")) break;
    address = address.slice(0, -1);
  }
  return address;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function safe(address: string): string | null {
  try {
    const url = new URL(address);
    // An address with a user name in it is a favourite disguise for another site.
    if (url.username !== "" || url.password !== "") return null;
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
