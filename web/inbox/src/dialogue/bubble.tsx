import { Button } from "@mantine/core";
import { IconNote, IconRobot, IconSparkles, IconSpeakerphone } from "@tabler/icons-react";
import { memo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "../api/types";
import { useFormats } from "../i18n/format";
import { useLive } from "../live";
import { useMe } from "../session/session";
import type { LiveText, Pending } from "../store/state";
import classes from "./bubble.module.css";
import { Attachments, Edited } from "./attachments";
import { Delivery } from "./delivery";
import { PlainText } from "./plain-text";
import { Trouble } from "./trouble";

type Look = "customer" | "bot" | "operator" | "note" | "notice";

function lookOf(message: Message): Look {
  if (message.kind === "note") return "note";
  if (message.kind === "notice") return "notice";
  return message.author === "system" ? "notice" : message.author;
}

interface FrameProps {
  look: Look;
  first: boolean;
  name: string | null;
  mark?: ReactNode;
  data: Record<`data-${string}`, string | number | undefined>;
  children: ReactNode;
}

function Frame({ look, first, name, mark, data, children }: FrameProps) {
  return (
    <div className={classes.frame} data-look={look} data-first={first || undefined} data-testid="message" {...data}>
      {first && name !== null && (
        <div className={classes.who}>
          {mark}
          <bdi>{name}</bdi>
        </div>
      )}
      <div className={classes.bubble}>{children}</div>
    </div>
  );
}

interface BubbleProps {
  message: Message;
  first: boolean;
  onWhy(turnID: string): void;
}

export const Bubble = memo(function Bubble({ message, first, onWhy }: BubbleProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const me = useMe();
  const look = lookOf(message);
  const operator = message.operator;
  const name = {
    customer: null,
    bot: t("author.bot"),
    operator: operator === null ? t("author.operator") : operator.id === me.id ? t("header.you") : operator.name,
    note: `${t("transcript.note")}${operator ? ` · ${operator.name}` : ""}`,
    notice: t("transcript.notice"),
  }[look];
  const mark = { customer: null, operator: null, bot: <IconRobot size={15} stroke={1.8} aria-hidden />, note: <IconNote size={15} stroke={1.8} aria-hidden />, notice: <IconSpeakerphone size={15} stroke={1.8} aria-hidden /> }[look];
  const outgoing = look === "bot" || look === "operator" || look === "notice";
  const turnID = message.turn_id;
  return (
    <Frame
      look={look}
      first={first}
      name={name}
      mark={mark}
      data={{ "data-author": message.author, "data-kind": message.kind, "data-state": message.state, "data-seq": message.seq, "data-message-id": message.id }}
    >
      {first && <span className="visually-hidden">{t(`author.${message.author}`)}: </span>}
      {message.attachments && <Attachments attachments={message.attachments} />}
      {message.text !== "" && <PlainText text={message.text} />}
      <Trouble message={message} />
      <span className={classes.meta}>
        {look === "bot" && turnID && (
          <button type="button" className={classes.why} onClick={() => onWhy(turnID)}>
            {t("transcript.why")}
          </button>
        )}
        {look === "operator" && turnID && (
          <button type="button" className={classes.why} onClick={() => onWhy(turnID)} title={t("turn.state.drafted")} aria-label={t("turn.state.drafted")}>
            <IconSparkles size={14} stroke={1.8} aria-hidden />
          </button>
        )}
        {message.former && <Edited former={message.former} />}
        <time dateTime={message.created_at} title={formats.full(message.created_at)}>
          {formats.time(message.created_at)}
        </time>
        {outgoing && <Delivery state={message.state} />}
      </span>
    </Frame>
  );
});

/** A message of this operator that is still on its way to the server. */
export function PendingBubble({ pending, first, onEdit }: { pending: Pending; first: boolean; onEdit(pending: Pending): void }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { outbox } = useLive();
  const note = pending.kind === "note";
  const state = pending.status === "failed" ? "failed" : "queued";
  const problem = pending.problem;
  return (
    <Frame
      look={note ? "note" : "operator"}
      first={first}
      name={note ? t("transcript.note") : t("header.you")}
      mark={note ? <IconNote size={15} stroke={1.8} aria-hidden /> : null}
      data={{ "data-author": "operator", "data-kind": pending.kind, "data-state": state }}
    >
      <PlainText text={pending.text} />
      {pending.status === "waiting" && problem !== null && <p className={classes.trouble}>{t("pending.waiting")}</p>}
      {pending.status === "failed" && (
        <div className={classes.trouble} role="alert">
          <p className={classes.reason}>
            {t("pending.failed")} {isKnownProblem(problem) ? t(`error.${problem}`) : ""}
          </p>
          <div className={classes.actions}>
            <Button size="compact-sm" variant="white" color="dark" onClick={() => outbox.retry(pending.clientID)}>
              {t("pending.retry")}
            </Button>
            <Button size="compact-sm" variant="white" color="dark" onClick={() => onEdit(pending)}>
              {t("pending.discard")}
            </Button>
          </div>
        </div>
      )}
      <span className={classes.meta}>
        <time dateTime={pending.createdAt}>{formats.time(pending.createdAt)}</time>
        <Delivery state={state} />
      </span>
    </Frame>
  );
}

const knownProblems = ["invalid", "forbidden", "not_found", "conflict", "too_large"] as const;

function isKnownProblem(problem: string | null): problem is (typeof knownProblems)[number] {
  return (knownProblems as readonly (string | null)[]).includes(problem);
}

/** What the bot is writing right now. */
export function ReplyBubble({ reply, first }: { reply: LiveText; first: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={classes.frame} data-look="bot" data-first={first || undefined} data-testid="draft-bubble" aria-live="off">
      {first && (
        <div className={classes.who}>
          <IconRobot size={15} stroke={1.8} aria-hidden />
          {t("author.bot")}
        </div>
      )}
      <div className={classes.bubble}>
        {reply.text !== "" && <PlainText text={reply.text} />}
        <span className={classes.meta}>
          <span className={classes.writing}>{t("transcript.botWriting")}</span>
          <Dots />
        </span>
      </div>
    </div>
  );
}

export function Dots() {
  return (
    <span className={classes.dots} aria-hidden>
      <i />
      <i />
      <i />
    </span>
  );
}
