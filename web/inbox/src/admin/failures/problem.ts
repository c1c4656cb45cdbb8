import { useTranslation } from "react-i18next";
import { ProblemError } from "../../api/client";
import { useProblemText } from "../../shell/problem";

/** Why an answer could not be tried or replayed, and what to do. */
export function useReplayProblem(): (error: unknown) => string {
  const { t } = useTranslation();
  const text = useProblemText();
  return (error) => {
    if (error instanceof ProblemError && error.code === "conflict") return t("failures.conflict", { detail: error.detail });
    if (error instanceof ProblemError && error.code === "unavailable") return t("failures.notNow");
    return text(error);
  };
}
