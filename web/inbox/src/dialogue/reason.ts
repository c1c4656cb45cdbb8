// Why the bot handed a dialogue over, in the words of an operator.
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";

/** The limits that a bot can reach: those of the shop, and those that only another program comes to. */
const limits = ["dialogue_turns", "day_calls", "day_tokens", "day_cost", "loop_same_text", "loop_rate"] as const;

export function isLimit(detail: string | null | undefined): detail is (typeof limits)[number] {
  return limits.some((limit) => limit === detail);
}

/** Why a human is waited for; empty while the bot holds the dialogue. */
export function useReason(): (dialogue: Dialogue) => string {
  const { t } = useTranslation();
  return ({ handoff_reason: reason, handoff_detail: detail }) => {
    if (reason === null) return "";
    if (reason === "rule" && (detail === "loop_same_text" || detail === "loop_rate")) return t(`reason.${detail}`);
    return t(`reason.${reason}`);
  };
}
