import { Loader } from "@mantine/core";
import type { UseMutationResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Tried } from "../../api/types";
import { PlainText } from "../../dialogue/plain-text";
import { SourcePopover } from "../../dialogue/source-popover";
import { useAdvice, useCauseText } from "./cause";
import { useReplayProblem } from "./problem";
import classes from "./trial.module.css";

/** What the bot would answer today. */
export function Trial({ trial }: { trial: UseMutationResult<Tried, Error, void> }) {
  const { t } = useTranslation();
  const problemText = useReplayProblem();
  return (
    <section className={classes.trial} aria-label={t("failures.try")} aria-live="polite" data-testid="trial">
      {trial.isPending && (
        <p className={classes.line}>
          <Loader size={14} aria-hidden /> {t("failures.trying")}
        </p>
      )}
      {trial.isError && (
        <p className={classes.line} role="alert">
          {problemText(trial.error)}
        </p>
      )}
      {trial.isSuccess && <Outcome tried={trial.data} />}
    </section>
  );
}

function Outcome({ tried }: { tried: Tried }) {
  const { t } = useTranslation();
  const causeText = useCauseText();
  const adviceOf = useAdvice();
  if (tried.error !== null) {
    return (
      <>
        <p className={classes.line}>{t("failures.triedFailed", { cause: causeText(tried.error) })}</p>
        <p className={classes.hint}>{adviceOf(tried.error)}</p>
      </>
    );
  }
  return (
    <>
      <p className={classes.line}>{tried.handoff === null ? t("failures.tried") : t("failures.triedHandoff", { reason: tried.limit ? t(`limit.${tried.limit}`) : t(`reasonInline.${tried.handoff}`) })}</p>
      {tried.text.trim() !== "" && (
        <div className={classes.answer}>
          <PlainText text={tried.text} />
        </div>
      )}
      {tried.sources.length > 0 && (
        <div className={classes.sources}>
          <span>{t("composer.basedOn")}</span>
          {tried.sources.map((source) => (
            <SourcePopover key={source.item_id} title={source.title} text={source.text} />
          ))}
        </div>
      )}
    </>
  );
}
