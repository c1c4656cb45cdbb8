// The audit log in the words of a shop's owner.
import type { TFunction } from "i18next";
import type { AuditEntry } from "../../api/types";
import { causeOf } from "../failures/cause";

export const actions = [
  "handed_off",
  "taken_over",
  "returned_to_bot",
  "turn_replayed",
  "replay_started",
  "replay_stopped",
  "replay_ended",
  "channel_added",
  "channel_changed",
  "operator_added",
  "operator_changed",
  "api_token_made",
  "api_token_revoked",
  "bot_changed",
  "alarm_closed",
  "dead_letter_retried",
  "dead_letter_discarded",
] as const satisfies AuditEntry["action"][];

/** Why the bot hands over. */
const reasons = ["customer_asked", "no_answer", "bot_error", "rule"] as const;

/** Who did it. */
export function actorName(t: TFunction, { actor }: AuditEntry): string {
  switch (actor.kind) {
    case "command":
      return t("audit.command");
    case "bot":
      return t("audit.bot");
    case "customer":
      return t("audit.customer");
    case "operator":
      return actor.name;
  }
}

/** What it was done to; empty when the action says it already. */
export function objectName(t: TFunction, { object }: AuditEntry): string {
  if (object.kind === "bot" || object.kind === "replay") return "";
  if (object.kind === "alarm") return t(`cause.${causeOf(object.name)}`);
  // Customers without a name are logged by their number.
  const visitor = object.kind === "dialogue" ? /^visitor (\d+)$/.exec(object.name)?.[1] : undefined;
  return visitor === undefined ? object.name : t("customer.visitor", { number: visitor });
}

/** What else is known about it; what there are no words for is left out. */
export function detailsOf(t: TFunction, { action, detail }: AuditEntry): string[] {
  const text = (name: string) => (typeof detail[name] === "string" ? detail[name] : "");
  const is = (name: string) => detail[name] === true;
  const parts: (string | false)[] = [];
  switch (action) {
    case "handed_off": {
      const reason = reasons.find((known) => known === text("reason"));
      parts.push(reason !== undefined && t(`reasonInline.${reason}`));
      break;
    }
    case "turn_replayed": {
      const outcome = text("outcome");
      parts.push(t("audit.detail.cause", { cause: t(`cause.${causeOf(text("cause") || null)}`) }));
      parts.push((outcome === "returned_to_bot" || outcome === "suggested") && t(`failures.outcome.${outcome}`));
      break;
    }
    case "replay_started":
    case "replay_stopped":
    case "replay_ended": {
      const count = (name: string) => (typeof detail[name] === "number" ? detail[name] : 0);
      const counts = { replayed: count("replayed"), skipped: count("skipped"), total: count("total") };
      parts.push(text("state") === "failed" && t("audit.detail.broken"));
      parts.push(action === "replay_started" ? t("audit.detail.answers", { n: counts.total }) : t("audit.detail.progress", counts));
      parts.push(text("cause") !== "" && t("audit.detail.cause", { cause: t(`cause.${causeOf(text("cause"))}`) }));
      break;
    }
    case "channel_added": {
      const kind = text("kind");
      parts.push((kind === "widget" || kind === "telegram") && t(`channel.${kind}`));
      break;
    }
    case "channel_changed":
      parts.push(is("renamed") && t("audit.detail.renamed"));
      parts.push(is("secrets_changed") && t("audit.detail.secrets"));
      parts.push(is("settings_changed") && t("audit.detail.settings"));
      parts.push(typeof detail["enabled"] === "boolean" && (is("enabled") ? t("audit.detail.enabled") : t("audit.detail.disabled")));
      break;
    case "operator_added":
    case "operator_changed":
      parts.push(is("renamed") && t("audit.detail.renamed"));
      parts.push(is("password_changed") && t("audit.detail.password"));
      parts.push(text("role") !== "" && (text("role") === "admin" ? t("audit.detail.roleAdmin") : t("audit.detail.roleOperator")));
      parts.push(typeof detail["disabled"] === "boolean" && (is("disabled") ? t("audit.detail.locked") : t("audit.detail.unlocked")));
      break;
    case "bot_changed":
      parts.push(typeof detail["version"] === "number" && t("audit.detail.version", { n: detail["version"] }));
      break;
    case "dead_letter_retried":
      parts.push(text("outcome") === "ignored" && t("audit.detail.nothing"));
  }
  parts.push(text("channel") !== "" && t("audit.detail.channel", { name: text("channel") }));
  return parts.filter((part) => part !== false);
}
