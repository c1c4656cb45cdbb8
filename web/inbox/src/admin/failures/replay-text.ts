import { useTranslation } from "react-i18next";
import type { Replay } from "../../api/types";
import { useFormats } from "../../i18n/format";

/** Who replayed an answer, when, and what came of it. */
export function useReplayText(): (replay: Replay) => string {
  const { t } = useTranslation();
  const formats = useFormats();
  return ({ at, by, outcome }) => {
    const what = { time: formats.full(at), outcome: t(`failures.outcome.${outcome}`) };
    return by === null ? t("failures.replayed", what) : t("failures.replayedBy", { ...what, name: by });
  };
}
