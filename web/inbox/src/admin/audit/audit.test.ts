import type { i18n } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";
import { startI18n } from "../../i18n";
import { auditEntry, id } from "../../test/fixtures";
import { toQuery } from "./filter";
import { actorName, detailsOf, objectName } from "./words";

let instance: i18n;
beforeAll(async () => {
  instance = await startI18n();
  await instance.changeLanguage("ru");
});

describe("an entry in words", () => {
  it("names who did it", () => {
    expect(actorName(instance.t, auditEntry())).toBe("Дана");
    expect(actorName(instance.t, auditEntry({ actor: { kind: "command", id: null, name: "parley" } }))).toBe("Командная строка сервера");
  });

  it("names what it was done to, a customer without a name by number", () => {
    expect(objectName(instance.t, auditEntry())).toBe("Асель");
    expect(objectName(instance.t, auditEntry({ object: { kind: "dialogue", id: id(1), name: "visitor 12" } }))).toBe("Посетитель 12");
    expect(objectName(instance.t, auditEntry({ object: { kind: "channel", id: id(1), name: "visitor 12" } }))).toBe("visitor 12");
    expect(objectName(instance.t, auditEntry({ action: "alarm_closed", object: { kind: "alarm", id: id(1), name: "timeout" } }))).toBe("Модель не ответила вовремя");
    expect(objectName(instance.t, auditEntry({ object: { kind: "bot", id: "bot", name: "bot" } }))).toBe("");
    expect(objectName(instance.t, auditEntry({ object: { kind: "replay", id: id(1), name: "replay" } }))).toBe("");
  });

  it.each([
    [{ action: "taken_over", detail: { channel: "Сайт" } }, ["канал «Сайт»"]],
    [
      { action: "turn_replayed", detail: { turn_id: id(1), outcome: "returned_to_bot", cause: "bad_key", channel: "Сайт" } },
      ["причина сбоя: Ключ модели не подходит или не оплачен", "диалог вернулся к боту", "канал «Сайт»"],
    ],
    [{ action: "turn_replayed", detail: { outcome: "new one", cause: "new one" } }, ["причина сбоя: Другая причина"]],
    [{ action: "replay_started", object: { kind: "replay", id: id(1), name: "replay" }, detail: { total: 30, cause: "bad_key", channel: "Сайт" } }, ["ответов: 30", "причина сбоя: Ключ модели не подходит или не оплачен", "канал «Сайт»"]],
    [{ action: "replay_stopped", detail: { state: "stopped", replayed: 12, skipped: 1, total: 30 } }, ["повторено: 12 из 30, пропущено: 1"]],
    [{ action: "replay_ended", detail: { state: "failed", replayed: 1, skipped: 0, total: 3 } }, ["прервался", "повторено: 1 из 3, пропущено: 0"]],
    [{ action: "channel_added", detail: { kind: "telegram" } }, ["Telegram"]],
    [{ action: "channel_changed", detail: { enabled: false, renamed: true, secrets_changed: true, settings_changed: false } }, ["новое имя", "новые ключи доступа", "канал выключен"]],
    [{ action: "operator_changed", detail: { role: "operator", disabled: true, renamed: false, password_changed: true } }, ["новый пароль", "роль: оператор", "вход закрыт"]],
    [{ action: "bot_changed", detail: { version: 4 } }, ["версия 4"]],
    [{ action: "dead_letter_retried", detail: { dead_letter: id(1), outcome: "taken" } }, []],
    [{ action: "dead_letter_retried", detail: { dead_letter: id(1), outcome: "ignored" } }, ["в ней не было ничего для диалогов"]],
    [{ action: "dead_letter_discarded", detail: { dead_letter: id(1), reason: "the update is not understood" } }, []],
    [{ action: "api_token_made", detail: { token: { id: 1 } } }, []],
  ] as const)("tells the details of %j", (change, expected) => {
    expect(detailsOf(instance.t, auditEntry(change))).toEqual(expected);
  });
});

it("counts periods in whole days of the clock on the wall", () => {
  const now = new Date(2026, 10, 26, 15, 30);
  const none = { action: null, actor: null, period: null };
  expect(toQuery(none, now)).toEqual({});
  expect(toQuery({ ...none, period: "today" }, now)).toEqual({ from: new Date(2026, 10, 26).toISOString() });
  expect(toQuery({ action: "bot_changed", actor: id(1), period: "week" }, now)).toEqual({ action: "bot_changed", actor: id(1), from: new Date(2026, 10, 20).toISOString() });
});
