import { Button, Paper } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { ListedTurn } from "../../api/types";
import { ChannelIcon } from "../../customer/channel-icon";
import { useCustomerName } from "../../customer/name";
import { useFormats } from "../../i18n/format";
import { useMinute } from "../../i18n/now";
import { WaitingBadge } from "../../list/waiting-badge";
import { dialoguePath } from "../../router";
import { Link } from "../../shell/link";
import { useSelected } from "../../store/store";
import { useCauseText } from "./cause";
import { useReplayText } from "./replay-text";
import classes from "./row.module.css";
import type { Draft } from "./suggested";
import { Trial } from "./trial";
import { useReplay, useTrial } from "./use-replay";

interface FailureRowProps {
  turn: ListedTurn;
  onDetails(): void;
  /** The bot wrote a draft instead of an answer. */
  onDraft(draft: Draft): void;
  /** The row has done its duty, and may go. */
  onReplayed(): void;
}

export function FailureRow({ turn, onDetails, onDraft, onReplayed }: FailureRowProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useMinute();
  const nameOf = useCustomerName();
  const dialogue = useSelected((state) => state.dialogues[turn.dialogue_id]) ?? turn.dialogue;
  const replay = useReplay(turn, { onDraft, onReplayed });
  const trial = useTrial(turn.id);
  const nameID = useId();
  const at = turn.finished_at ?? turn.started_at;
  return (
    <Paper component="article" withBorder p="md" className={classes.row} data-testid="failed-answer" data-dialogue-id={dialogue.id} data-open={turn.open} aria-labelledby={nameID}>
      <div className={classes.head}>
        <ChannelIcon channel={dialogue.channel} />
        <Link id={nameID} to={dialoguePath(dialogue.id)} className={classes.name} title={t("failures.dialogue")}>
          <bdi>{nameOf(dialogue.contact)}</bdi>
        </Link>
        <span className={classes.channel}>
          <bdi>{dialogue.channel.name}</bdi>
        </span>
        <time className={classes.time} dateTime={at} title={formats.full(at)}>
          {formats.ago(at, now)}
        </time>
      </div>
      <p className={classes.question} dir="auto">
        {turn.question.trim() === "" ? <span className={classes.none}>{t("failures.noText")}</span> : turn.question}
      </p>
      <Facts turn={turn} waitingSince={dialogue.waiting_since ?? at} holder={dialogue.assignee?.name ?? null} />
      {trial.status !== "idle" && <Trial trial={trial} />}
      <div className={classes.actions}>
        {turn.open && (
          <Button variant={trial.data?.text ? "filled" : "default"} loading={replay.isPending} onClick={() => replay.mutate()}>
            {t("failures.replay")}
          </Button>
        )}
        <Button variant="default" loading={trial.isPending} disabled={replay.isPending} onClick={() => trial.mutate()}>
          {t("failures.try")}
        </Button>
        <Button variant="subtle" color="gray" onClick={onDetails}>
          {t("failures.details")}
        </Button>
      </div>
    </Paper>
  );
}

function Facts({ turn, waitingSince, holder }: { turn: ListedTurn; waitingSince: string; holder: string | null }) {
  const { t } = useTranslation();
  const causeText = useCauseText();
  const replayText = useReplayText();
  return (
    <div className={classes.facts}>
      {turn.open && <WaitingBadge since={waitingSince} />}
      <span className={classes.cause}>
        <IconAlertTriangle size={15} stroke={1.8} aria-hidden />
        {causeText(turn.cause)}
      </span>
      <span>{t("failures.attempts", { count: turn.attempts })}</span>
      {turn.open && holder !== null && <bdi>{t("failures.holder", { name: holder })}</bdi>}
      {!turn.open && <bdi>{turn.replay ? replayText(turn.replay) : t("failures.answered")}</bdi>}
    </div>
  );
}
