import type { Lang } from "../lang";

interface Words {
  open: string;
  close: string;
  frame: string;
  unread: (count: number) => string;
}

/** What the button and the frame are called. */
export const words: Record<Lang, Words> = {
  ru: {
    open: "Открыть чат",
    close: "Свернуть чат",
    frame: "Чат с магазином",
    unread: (n) => `${n} ${russianPlural(n, "новое сообщение", "новых сообщения", "новых сообщений")}`,
  },
  kk: {
    open: "Чатты ашу",
    close: "Чатты жию",
    frame: "Дүкенмен чат",
    unread: (n) => `${n} жаңа хабарлама`,
  },
  en: {
    open: "Open chat",
    close: "Minimise chat",
    frame: "Chat with the store",
    unread: (n) => (n === 1 ? "1 new message" : `${n} new messages`),
  },
};

function russianPlural(n: number, one: string, few: string, many: string): string {
  const tens = n % 100;
  const ones = n % 10;
  if (tens >= 11 && tens <= 14) return many;
  if (ones === 1) return one;
  return ones >= 2 && ones <= 4 ? few : many;
}
