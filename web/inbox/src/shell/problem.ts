// Errors in words: what happened, whether anything was lost, what to do next.
import { notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";
import { NetworkError, ProblemError } from "../api/client";

export type ProblemKind = ProblemError["code"] | "network";

export function problemKind(error: unknown): ProblemKind {
  if (error instanceof ProblemError) return error.code;
  return error instanceof NetworkError ? "network" : "internal";
}

export function useProblemText(): (error: unknown) => string {
  const { t } = useTranslation();
  return (error) => t(`error.${problemKind(error)}`);
}

/** Shows an error, in words of its place where there are better ones. */
export function useShowProblem(): (error: unknown, words?: string) => void {
  const { t } = useTranslation();
  const text = useProblemText();
  return (error, words) => {
    notifications.show({ id: `problem-${problemKind(error)}`, title: t("error.title"), message: words ?? text(error), color: "red", autoClose: 8000, closeButtonProps: { "aria-label": t("common.dismiss") } });
  };
}
