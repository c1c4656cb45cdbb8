import { Accordion, Badge, Modal, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import type { Turn } from "../api/types";
import { useFormats } from "../i18n/format";
import { PlainText } from "./plain-text";
import classes from "./turn.module.css";

/** How the bot came to an answer. */
export function TurnDetails({ turnID, onClose }: { turnID: string | null; onClose(): void }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["turn", turnID], queryFn: () => api.turn(turnID!), enabled: turnID !== null });
  return (
    <Modal opened={turnID !== null} onClose={onClose} title={t("turn.title")} size={600} closeButtonProps={{ "aria-label": t("common.close") }}>
      {query.isPending && turnID !== null && <Skeleton height={160} />}
      {query.isError && <Text role="alert">{t("turn.gone")}</Text>}
      {query.data && <Details turn={query.data} />}
    </Modal>
  );
}

function Details({ turn }: { turn: Turn }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const took = turn.finished_at ? (Date.parse(turn.finished_at) - Date.parse(turn.started_at)) / 1000 : null;
  return (
    <Stack gap="md">
      <section>
        <h3 className={classes.heading}>{t("turn.sources")}</h3>
        {turn.sources.length === 0 ? (
          <Text c="dimmed">{t("turn.noSources")}</Text>
        ) : (
          <Accordion variant="separated" chevronPosition="right" defaultValue={turn.sources[0]!.item_id} transitionDuration={100}>
            {turn.sources.map((source) => (
              <Accordion.Item key={source.item_id} value={source.item_id}>
                <Accordion.Control>
                  <span className={classes.source}>
                    <bdi className={classes.sourceTitle}>{source.title}</bdi>
                    {source.score > 0 && source.score <= 1 && (
                      <Badge variant="light" tt="none" fw={500} fz={13}>
                        {t("turn.match", { percent: formats.percent(source.score) })}
                      </Badge>
                    )}
                  </span>
                </Accordion.Control>
                <Accordion.Panel>
                  <PlainText text={source.text} />
                </Accordion.Panel>
              </Accordion.Item>
            ))}
          </Accordion>
        )}
      </section>
      <dl className={classes.facts}>
        <Fact name={t("turn.outcome")} value={turn.handoff_reason ? `${t(`turn.state.${turn.state}`)}: ${t(`reasonInline.${turn.handoff_reason}`)}` : t(`turn.state.${turn.state}`)} />
        <Fact name={t("turn.model")} value={turn.model === "offline" ? t("turn.offline") : (turn.model ?? "—")} />
        <Fact name={t("turn.attempts")} value={formats.number(turn.attempts)} />
        {turn.restarts > 0 && <Fact name={t("turn.restarts")} value={formats.number(turn.restarts)} hint={t("turn.restartsHint")} />}
        {took !== null && <Fact name={t("turn.took")} value={took < 0.1 ? t("turn.instant") : t("turn.seconds", { n: formats.number(took) })} />}
        {(turn.error ?? turn.cause) && <Fact name={t("turn.error")} value={[turn.cause, turn.error].filter(Boolean).join(": ")} />}
      </dl>
      <details className={classes.developers}>
        <summary>{t("turn.developers")}</summary>
        <dl className={classes.facts}>
          <Fact name={t("turn.turnID")} value={turn.id} />
          {turn.prompt_version && <Fact name={t("turn.prompt")} value={turn.prompt_version} />}
          {turn.prompt_tokens !== null && <Fact name={t("turn.tokens")} value={`${formats.number(turn.prompt_tokens)} / ${formats.number(turn.completion_tokens ?? 0)}`} />}
        </dl>
      </details>
    </Stack>
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
