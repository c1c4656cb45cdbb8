import { Button, UnstyledButton } from "@mantine/core";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { ListedTurn } from "../../api/types";
import { ChannelIcon } from "../../customer/channel-icon";
import { useCustomerName } from "../../customer/name";
import { useFormats } from "../../i18n/format";
import { useMinute } from "../../i18n/now";
import { dialoguePath } from "../../router";
import { Link } from "../../shell/link";
import { useCauseText } from "../failures/cause";
import classes from "./answers.module.css";

interface AnswerRowProps {
  turn: ListedTurn;
  onDetails(): void;
  /** Only those of this version of the bot. */
  onVersion(version: string): void;
}

export function AnswerRow({ turn, onDetails, onVersion }: AnswerRowProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useMinute();
  const nameOf = useCustomerName();
  const causeText = useCauseText();
  const nameID = useId();
  const { dialogue } = turn;
  const took = turn.finished_at ? Date.parse(turn.finished_at) - Date.parse(turn.started_at) : null;
  const why = turn.state === "failed" ? causeText(turn.cause) : turn.handoff_reason ? t(`reasonInline.${turn.handoff_reason}`) : null;
  return (
    <article className={classes.row} data-testid="bot-turn" data-state={turn.state} aria-labelledby={nameID}>
      <div className={classes.head}>
        <ChannelIcon channel={dialogue.channel} />
        <Link id={nameID} to={dialoguePath(dialogue.id)} className={classes.name} title={t("failures.dialogue")}>
          <bdi>{nameOf(dialogue.contact)}</bdi>
        </Link>
        <span className={classes.outcome} data-state={turn.state}>
          {turn.kind === "suggestion" ? t("answers.suggestion") : t(`turn.state.${turn.state}`)}
        </span>
        <time className={classes.time} dateTime={turn.started_at} title={formats.full(turn.started_at)}>
          {formats.ago(turn.started_at, now)}
        </time>
      </div>
      <p className={classes.question} dir="auto">
        {turn.question.trim() === "" ? <span className={classes.none}>{t("failures.noText")}</span> : turn.question}
      </p>
      {turn.answer && (
        <p className={classes.answer} dir="auto">
          {turn.answer}
        </p>
      )}
      <div className={classes.facts}>
        {why && <span>{why}</span>}
        {/* Of a failure it says nothing that no model is on record. */}
        {(turn.model || turn.state !== "failed") && <span>{turn.model === "offline" ? t("turn.offline") : (turn.model ?? t("answers.noModel"))}</span>}
        {took !== null && <span>{formats.took(took)}</span>}
        {turn.prompt_tokens !== null && <span>{t("answers.tokens", { count: turn.prompt_tokens + (turn.completion_tokens ?? 0) })}</span>}
        {turn.cost_micros !== null && turn.currency !== null && <span>{formats.money(turn.cost_micros, turn.currency)}</span>}
        {turn.prompt_version && (
          <UnstyledButton className={classes.version} onClick={() => onVersion(turn.prompt_version!)}>
            {t("answers.version", { version: turn.prompt_version })}
          </UnstyledButton>
        )}
        <Button size="compact-sm" variant="subtle" color="gray" onClick={onDetails}>
          {t("failures.details")}
        </Button>
      </div>
    </article>
  );
}
