import { Modal, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useAdvice, useCauseText } from "../admin/failures/cause";
import { useReplayText } from "../admin/failures/replay-text";
import { api } from "../api/calls";
import type { TurnDetail } from "../api/types";
import { useFormats } from "../i18n/format";
import { JSONBlock } from "./json-block";
import { Sources } from "./sources";
import classes from "./turn.module.css";
import { ToolCalls } from "./tool-calls";

/** How the bot came to an answer, or why it did not. */
export function TurnDetails({ turnID, onClose }: { turnID: string | null; onClose(): void }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["turn", turnID], queryFn: () => api.turn(turnID!), enabled: turnID !== null });
  const title = query.data?.state === "failed" ? t("turn.failedTitle") : t("turn.title");
  return (
    <Modal opened={turnID !== null} onClose={onClose} title={title} size={640} closeButtonProps={{ "aria-label": t("common.close") }}>
      {query.isPending && turnID !== null && <Skeleton height={160} />}
      {query.isError && <Text role="alert">{t("turn.gone")}</Text>}
      {query.data && <Details turn={query.data} />}
    </Modal>
  );
}

function Details({ turn }: { turn: TurnDetail }) {
  const { t } = useTranslation();
  const failed = turn.state === "failed";
  return (
    <Stack gap="md">
      {failed && <Failure turn={turn} />}
      {(!failed || turn.sources.length > 0) && (
        <section>
          <h3 className={classes.heading}>{t("turn.sources")}</h3>
          {turn.sources.length === 0 ? <Text c="dimmed">{t("turn.noSources")}</Text> : <Sources sources={turn.sources} />}
        </section>
      )}
      <ToolCalls calls={turn.tool_calls} />
      <Facts turn={turn} />
      <Developers turn={turn} />
    </Stack>
  );
}

function Failure({ turn }: { turn: TurnDetail }) {
  const causeText = useCauseText();
  const adviceOf = useAdvice();
  return (
    <section>
      <h3 className={classes.heading}>{causeText(turn.cause)}</h3>
      <Text>{adviceOf(turn.cause)}</Text>
    </section>
  );
}

function Facts({ turn }: { turn: TurnDetail }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const replayText = useReplayText();
  const took = turn.finished_at ? Date.parse(turn.finished_at) - Date.parse(turn.started_at) : null;
  const outcome = t(`turn.state.${turn.state}`);
  return (
    <dl className={classes.facts}>
      <Fact name={t("turn.outcome")} value={turn.handoff_reason ? `${outcome}: ${t(`reasonInline.${turn.handoff_reason}`)}` : outcome} />
      {turn.replay && <Fact name={t("turn.replay")} value={replayText(turn.replay)} />}
      <Fact name={t("turn.model")} value={turn.model === "offline" ? t("turn.offline") : (turn.model ?? "—")} />
      <Fact name={t("turn.attempts")} value={formats.number(turn.attempts)} />
      {turn.restarts > 0 && <Fact name={t("turn.restarts")} value={formats.number(turn.restarts)} hint={t("turn.restartsHint")} />}
      {took !== null && <Fact name={t("turn.took")} value={formats.took(took)} />}
      {turn.first_word_ms !== null && <Fact name={t("turn.firstWord")} value={formats.took(turn.first_word_ms)} />}
      {turn.model_ms !== null && turn.model !== "offline" && <Fact name={t("turn.modelTime")} value={formats.took(turn.model_ms)} />}
      {turn.cost_micros !== null && turn.currency !== null && <Fact name={t("turn.cost")} value={formats.money(turn.cost_micros, turn.currency)} />}
    </dl>
  );
}

function Developers({ turn }: { turn: TurnDetail }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const estimated = turn.tokens_estimated ? ` (${t("turn.estimated")})` : "";
  return (
    <details className={classes.developers}>
      <summary>{t("turn.developers")}</summary>
      <dl className={classes.facts}>
        <Fact name={t("turn.turnID")} value={turn.id} />
        {turn.prompt_version && <Fact name={t("turn.prompt")} value={turn.prompt_version} />}
        {turn.prompt_tokens !== null && <Fact name={t("turn.tokens")} value={`${formats.number(turn.prompt_tokens)} / ${formats.number(turn.completion_tokens ?? 0)}${estimated}`} />}
        {(turn.error ?? turn.cause) && <Fact name={t("turn.serverSaid")} value={[turn.cause, turn.error].filter(Boolean).join(": ")} />}
      </dl>
      <JSONBlock name={t("turn.request")} value={turn.request} />
      <JSONBlock name={t("turn.response")} value={turn.response} />
    </details>
  );
}

function Fact({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd title={hint}>{value}</dd>
    </div>
  );
}
