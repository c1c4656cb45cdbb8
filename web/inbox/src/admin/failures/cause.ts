// Why an answer failed, in the words of a shop's owner.
import { useTranslation } from "react-i18next";

const causes = ["bad_key", "rate_limited", "unavailable", "timeout", "content_filter", "bad_request", "malformed", "internal"] as const;
export type Cause = (typeof causes)[number] | "other";

/** The cause that there are words for. */
export function causeOf(name: string | null): Cause {
  if (name === null) return "internal";
  return causes.find((known) => known === name) ?? "other";
}

export function useCauseText(): (name: string | null) => string {
  const { t } = useTranslation();
  return (name) => t(`cause.${causeOf(name)}`);
}

/** What to do about it. */
export function useAdvice(): (name: string | null) => string {
  const { t } = useTranslation();
  return (name) => t(`advice.${causeOf(name)}`);
}
