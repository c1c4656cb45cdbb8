import type { Lang } from "../lang";

/** Everything the app says, in one language. */
export interface Words {
  chat: string;
  whoAnswers: string;
  greeting: string;
  disclosure: string;
  bot: string;
  operator: string;
  you: string;
  placeholder: string;
  send: string;
  close: string;
  loading: string;
  sending: string;
  waiting: string;
  sent: string;
  tooLong: string;
  refused: string;
  retry: string;
  edit: string;
  botTyping: string;
  operatorTyping: string;
  down: string;
  today: string;
  yesterday: string;
  newMessages: string;
  left: (characters: number) => string;
  notAlone: string;
}

/** The words of the app in all its languages. */
export const words: Record<Lang, Words> = {
  ru: {
    chat: "Чат",
    whoAnswers: "Бот и сотрудники магазина",
    greeting: "Здравствуйте! Чем можем помочь?",
    disclosure: "На вопросы отвечает бот. Если нужен человек, напишите «оператор».",
    bot: "Бот",
    operator: "Сотрудник магазина",
    you: "Вы",
    placeholder: "Сообщение…",
    send: "Отправить",
    close: "Свернуть чат",
    loading: "Загружаем переписку…",
    sending: "Отправляется…",
    waiting: "Ждёт отправки",
    sent: "Отправлено",
    tooLong: "Не отправлено: сообщение слишком длинное. Сократите его и отправьте снова.",
    refused: "Не отправлено. Текст сохранён, попробуйте ещё раз.",
    retry: "Повторить",
    edit: "Изменить",
    botTyping: "Бот печатает",
    operatorTyping: "Сотрудник печатает",
    down: "Нет связи. Ничего не потеряется: сообщения отправятся сами.",
    today: "Сегодня",
    yesterday: "Вчера",
    newMessages: "Новые сообщения",
    left: (n) => `Осталось символов: ${n}`,
    notAlone: "Этот чат открывается кнопкой на сайте магазина.",
  },
  kk: {
    chat: "Чат",
    whoAnswers: "Бот пен дүкен қызметкерлері",
    greeting: "Сәлеметсіз бе! Қалай көмектесе аламыз?",
    disclosure: "Сұрақтарға бот жауап береді. Адам керек болса, «оператор» деп жазыңыз.",
    bot: "Бот",
    operator: "Дүкен қызметкері",
    you: "Сіз",
    placeholder: "Хабарлама…",
    send: "Жіберу",
    close: "Чатты жию",
    loading: "Хат алмасу жүктелуде…",
    sending: "Жіберілуде…",
    waiting: "Жіберілуін күтуде",
    sent: "Жіберілді",
    tooLong: "Жіберілмеді: хабарлама тым ұзын. Қысқартып, қайта жіберіңіз.",
    refused: "Жіберілмеді. Мәтін сақталды, қайталап көріңіз.",
    retry: "Қайталау",
    edit: "Өзгерту",
    botTyping: "Бот жазып жатыр",
    operatorTyping: "Қызметкер жазып жатыр",
    down: "Байланыс жоқ. Ештеңе жоғалмайды: хабарламалар өздігінен жіберіледі.",
    today: "Бүгін",
    yesterday: "Кеше",
    newMessages: "Жаңа хабарламалар",
    left: (n) => `Қалған таңба саны: ${n}`,
    notAlone: "Бұл чат дүкен сайтындағы батырма арқылы ашылады.",
  },
  en: {
    chat: "Chat",
    whoAnswers: "Bot and store staff",
    greeting: "Hello! How can we help?",
    disclosure: "A bot answers your questions. To talk to a person, just write “operator”.",
    bot: "Bot",
    operator: "Store staff",
    you: "You",
    placeholder: "Message…",
    send: "Send",
    close: "Minimise chat",
    loading: "Loading the conversation…",
    sending: "Sending…",
    waiting: "Waiting to be sent",
    sent: "Sent",
    tooLong: "Not sent: the message is too long. Shorten it and send it again.",
    refused: "Not sent. Your text is kept, please try again.",
    retry: "Retry",
    edit: "Edit",
    botTyping: "The bot is typing",
    operatorTyping: "Store staff are typing",
    down: "No connection. Nothing is lost: your messages will be sent as soon as it is back.",
    today: "Today",
    yesterday: "Yesterday",
    newMessages: "New messages",
    left: (n) => `Characters left: ${n}`,
    notAlone: "This chat opens with the button on the store's website.",
  },
};

/** The locale for dates and times. */
export const locales: Record<Lang, string> = { ru: "ru-RU", kk: "kk-KZ", en: "en-GB" };
