import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import type { TimelineEvent } from "../api/types";
import { message } from "../test/fixtures";
import { renderInbox } from "../test/render";
import { TimelineLine } from "./timeline";

const dana = { id: "d", name: "Дана" };

it.each<["ru" | "kk" | "en", TimelineEvent, string]>([
  ["ru", { type: "replayed", operator: dana }, "Дана: бот пробует ответить ещё раз"],
  ["kk", { type: "replayed", operator: dana }, "Дана боттың жауабын қайталады"],
  ["en", { type: "replayed", operator: dana }, "Дана had the bot try to answer again"],
  ["ru", { type: "replayed" }, "Бот пробует ответить ещё раз"],
  ["ru", { type: "closed", detail: "silence" }, "Диалог закрыт: в нём давно никто не писал"],
  ["kk", { type: "closed", detail: "silence" }, "Диалог жабылды: көптен бері ешкім жазбады"],
  ["ru", { type: "returned_to_bot", detail: "message" }, "Клиент написал снова: отвечает бот"],
  ["kk", { type: "returned_to_bot", detail: "message" }, "Клиент қайта жазды: бот жауап береді"],
  ["en", { type: "returned_to_bot", detail: "message" }, "The customer has written again: the bot answers from here on"],
  ["ru", { type: "returned_to_bot", detail: "inactivity" }, "Оператор долго не отвечал: дальше отвечает бот"],
  ["en", { type: "woken" }, "The dialogue is back: its time has come"],
  ["kk", { type: "woken", operator: dana }, "Дана диалогты қайта қолға алды"],
  ["ru", { type: "overdue", detail: "first_reply" }, "Первый ответ клиенту просрочен"],
  ["en", { type: "overdue", detail: "next_reply" }, "The answer to the customer is overdue"],
  ["ru", { type: "handoff", reason: "rule", detail: "loop_same_text" }, "Бот передал диалог: похоже, отвечает другая программа: один и тот же текст снова и снова"],
  ["kk", { type: "handoff", reason: "rule", detail: "loop_rate" }, "Бот диалогты берді: басқа бағдарлама жауап беріп тұрған сияқты: хабарлама тым жиі келеді"],
  ["en", { type: "handoff", reason: "rule", detail: "loop_rate" }, "The bot handed over: it looks like another program is answering: too many messages in a row"],
  ["en", { type: "closed", detail: "silence" }, "Dialogue closed: nobody has written for a long time"],
])("says in %s what happened: %j", async (language, data, text) => {
  await renderInbox(<TimelineLine message={message(1, { kind: "event", author: "system", text: "", data })} />, { language });
  expect(screen.queryByText(text)).not.toBeNull();
});
