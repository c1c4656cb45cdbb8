import type { Lang } from "../lang";

/** One text in every language. */
export type Text = Record<Lang, string>;

/** The name of the demo shop, as its bot knows it. */
export const shopName = "Tumar Electronics";

/** What the pictures of the products are called in art.ts. */
export type Art = "phone" | "laptop" | "tv" | "headphones" | "console" | "watch" | "tablet" | "earbuds";

/** One product. Its price is the one that the bot tells. */
export interface Product {
  name: string;
  about: Text;
  /** In tenge. */
  price: number;
  art: Art;
}

export const products: Product[] = [
  { name: "iPhone 16", about: { ru: "128 ГБ, четыре цвета", kk: "128 ГБ, төрт түсі бар", en: "128 GB, four colours" }, price: 450_000, art: "phone" },
  { name: "Samsung Galaxy S25", about: { ru: "256 ГБ, чехол в подарок", kk: "256 ГБ, қорғаныс қабы сыйға", en: "256 GB, a case as a gift" }, price: 420_000, art: "phone" },
  { name: "MacBook Air 13\"", about: { ru: "M4, 16 ГБ, SSD 256 ГБ", kk: "M4, 16 ГБ, SSD 256 ГБ", en: "M4, 16 GB, 256 GB SSD" }, price: 560_000, art: "laptop" },
  { name: "Lenovo IdeaPad Slim 5", about: { ru: "14\", 16 ГБ, до 12 часов без зарядки", kk: "14\", 16 ГБ, зарядтаусыз 12 сағатқа дейін", en: "14\", 16 GB, up to 12 hours on battery" }, price: 330_000, art: "laptop" },
  { name: "LG OLED 55\"", about: { ru: "Smart TV, гарантия 24 месяца", kk: "Smart TV, 24 ай кепілдік", en: "Smart TV, 24-month warranty" }, price: 650_000, art: "tv" },
  { name: "Sony WH-1000XM6", about: { ru: "Полноразмерные, с шумоподавлением", kk: "Үлкен құлаққап, шуды басады", en: "Over-ear, noise cancelling" }, price: 210_000, art: "headphones" },
  { name: "PlayStation 5 Slim", about: { ru: "С дисководом, один геймпад", kk: "Дискісі бар, бір геймпад", en: "With a disc drive, one gamepad" }, price: 300_000, art: "console" },
  { name: "Apple Watch Series 11", about: { ru: "Умные часы", kk: "Ақылды сағат", en: "Smart watch" }, price: 230_000, art: "watch" },
  { name: "iPad 11\"", about: { ru: "128 ГБ, студентам скидка 5 %", kk: "128 ГБ, студенттерге 5 % жеңілдік", en: "128 GB, 5% off for students" }, price: 220_000, art: "tablet" },
  { name: "AirPods Pro 3", about: { ru: "С шумоподавлением", kk: "Шуды басады", en: "Noise cancelling" }, price: 140_000, art: "earbuds" },
];

/** What the shop promises, in short. */
export const services: { title: Text; text: Text }[] = [
  {
    title: { ru: "Доставка завтра", kk: "Ертең жеткіземіз", en: "Delivery tomorrow" },
    text: { ru: "Алматы и Астана, от 50\u00a0000\u00a0₸ бесплатно", kk: "Алматы мен Астана, 50\u00a0000\u00a0₸\u2011ден тегін", en: "Almaty and Astana, free from 50\u00a0000\u00a0₸" },
  },
  {
    title: { ru: "Рассрочка 0-0-12", kk: "Бөліп төлеу 0-0-12", en: "Instalments 0-0-12" },
    text: { ru: "Без первого взноса и переплаты", kk: "Бастапқы жарнасыз, үстемеақысыз", en: "No down payment, no overpayment" },
  },
  {
    title: { ru: "Гарантия 12 месяцев", kk: "12 ай кепілдік", en: "12-month warranty" },
    text: { ru: "На телевизоры — 24 месяца", kk: "Теледидарларға — 24 ай", en: "24 months for TVs" },
  },
  {
    title: { ru: "Возврат 14 дней", kk: "14 күнде қайтару", en: "Returns within 14 days" },
    text: { ru: "В любом магазине или с курьером", kk: "Кез келген дүкенде немесе курьер арқылы", en: "In any store or by courier" },
  },
];

/** The rest of the page. */
export const page = {
  demo: { ru: "Демо", kk: "Демо", en: "Demo" },
  demoText: {
    ru: "Это выдуманный магазин. Напишите в чат справа внизу как покупатель, а отвечайте как оператор:",
    kk: "Бұл — ойдан шығарылған дүкен. Оң жақ төмендегі чатқа сатып алушы болып жазып, оператор болып жауап беріңіз:",
    en: "This shop is invented. Write in the chat at the bottom right as a customer, and answer as an operator:",
  },
  inbox: { ru: "открыть инбокс", kk: "инбоксты ашу", en: "open the inbox" },
  title: { ru: "Техника с доставкой на следующий день", kk: "Техниканы келесі күні жеткіземіз", en: "Electronics delivered the next day" },
  lead: {
    ru: "Новая оригинальная техника от официальных поставщиков. Не знаете, что выбрать? Спросите в чате.",
    kk: "Ресми жеткізушілерден алынған жаңа түпнұсқа техника. Не таңдарыңызды білмесеңіз, чатта сұраңыз.",
    en: "New, original devices from official suppliers. Not sure what to choose? Ask in the chat.",
  },
  try: { ru: "Попробуйте спросить", kk: "Сұрап көріңіз", en: "Try asking" },
  products: { ru: "Популярное", kk: "Танымал тауарлар", en: "Popular" },
  from: { ru: "от", kk: "", en: "from" },
  perMonth: { ru: "в месяц, 12 месяцев", kk: "айына, 12 ай", en: "a month for 12 months" },
  ask: { ru: "Спросить в чате", kk: "Чатта сұрау", en: "Ask in the chat" },
  askAbout: { ru: "Спросить в чате про", kk: "Чатта сұрау:", en: "Ask in the chat about" },
  stores: { ru: "Магазины", kk: "Дүкендер", en: "Stores" },
  almaty: { ru: "Алматы, проспект Абая, 150", kk: "Алматы, Абай даңғылы, 150", en: "Almaty, 150 Abay Avenue" },
  astana: { ru: "Астана, проспект Мәңгілік Ел, 28", kk: "Астана, Мәңгілік Ел даңғылы, 28", en: "Astana, 28 Mangilik El Avenue" },
  hours: { ru: "Ежедневно с 10:00 до 21:00", kk: "Күн сайын 10:00-ден 21:00-ге дейін", en: "Every day from 10:00 to 21:00" },
  contacts: { ru: "Контакты", kk: "Байланыс", en: "Contacts" },
  language: { ru: "Язык", kk: "Тіл", en: "Language" },
} satisfies Record<string, Text>;

/** Questions that the demo answers well, the last one calls a human. */
export const questions: Record<Lang, string[]> = {
  ru: ["Сколько стоит iPhone 16?", "А в рассрочку?", "Когда доставите в Астану?", "Позовите оператора"],
  kk: ["iPhone 16 қанша тұрады?", "Бөліп төлеуге бола ма?", "Астанаға қашан жеткізесіздер?", "Операторға қосыңыз"],
  en: ["How much is the iPhone 16?", "Can I pay in instalments?", "When do you deliver to Astana?", "Can I talk to a person?"],
};

/** The languages by their own names. */
export const languageNames: Record<Lang, string> = { ru: "Русский", kk: "Қазақша", en: "English" };
