// Finds the links in a text. Nothing else of a text is ever interpreted.

export interface TextPart {
  text: string;
  /** Where the part leads, when it is a link. */
  href: string | null;
}

const candidate = /\bhttps?:\/\/[^\s<>"'`«»“”\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const trailing = /[.,:;!?…)\]}]$/u;

/** Takes off what belongs to the sentence rather than to the address. */
function trim(address: string): string {
  let result = address;
  while (trailing.test(result)) {
    const last = result.at(-1)!;
    const open = { ")": "(", "]": "[", "}": "{" }[last];
    if (open && count(result, open) >= count(result, last)) break;
    result = result.slice(0, -1);
  }
  return result;
}

const count = (text: string, character: string) => text.split(character).length - 1;

function safeAddress(address: string): string | null {
  try {
    const url = new URL(address);
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    // user@host makes an address look like another one.
    return isWeb && url.username === "" && url.password === "" ? url.href : null;
  } catch {
    return null;
  }
}

export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(candidate)) {
    const address = trim(match[0]);
    const href = safeAddress(address);
    if (!href) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: null });
    parts.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}
