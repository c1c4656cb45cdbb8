import { Button, Group, Progress, Text } from "@mantine/core";
import { IconPlayerStop } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ReplayBatch } from "../../api/types";
import { useChannels } from "../../customer/channels";
import { useCauseText } from "./cause";
import classes from "./replay-progress.module.css";
import { isRunning, useStopReplay } from "./replays";

interface ReplayProgressProps {
  batch: ReplayBatch;
  onDismiss(): void;
}

/** How far a replay of many is, and what came of it. */
export function ReplayProgress({ batch, onDismiss }: ReplayProgressProps) {
  const { t } = useTranslation();
  const running = isRunning(batch);
  const done = batch.replayed + batch.skipped;
  const title = batch.state === "running" ? t("failures.batch.running", { done, total: Math.max(done, batch.total) }) : t(`failures.batch.${batch.state}`);
  return (
    <section className={classes.batch} aria-label={title} data-testid="replay" data-state={batch.state}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Text fw={600} role="status">
            {title}
          </Text>
          <Text size="sm" c="dimmed">
            <Concerns batch={batch} />
          </Text>
        </div>
        {running ? (
          <Stop batch={batch} />
        ) : (
          <Button size="compact-md" variant="default" onClick={onDismiss}>
            {t("common.dismiss")}
          </Button>
        )}
      </Group>
      <Progress value={percent(batch)} aria-label={title} my={8} />
      <Text>{t("failures.done", { replayed: batch.replayed, skipped: batch.skipped })}</Text>
      {batch.skipped > 0 && <Text>{t("failures.doneSkipped")}</Text>}
      {running && <Text>{t("failures.batch.leave")}</Text>}
      {batch.state === "stopped" && done < batch.total && <Text>{t("failures.batch.left")}</Text>}
      {batch.error !== null && <Text role="alert">{t("failures.batch.problem", { detail: batch.error })}</Text>}
    </section>
  );
}

/** Who began it, for which answers. */
function Concerns({ batch: { by, filter } }: { batch: ReplayBatch }) {
  const { t } = useTranslation();
  const causeText = useCauseText();
  const channel = useChannels().find(({ id }) => id === filter.channel);
  return (
    <>
      {by === null ? t("failures.batch.command") : t("failures.batch.by", { name: by })}
      {filter.cause !== null && ` · ${causeText(filter.cause)}`}
      {channel && (
        <>
          {" · "}
          <bdi>{channel.name}</bdi>
        </>
      )}
    </>
  );
}

function Stop({ batch }: { batch: ReplayBatch }) {
  const { t } = useTranslation();
  const stop = useStopReplay(batch.id);
  return (
    <Button size="compact-md" variant="default" leftSection={<IconPlayerStop size={14} stroke={2} aria-hidden />} loading={stop.isPending} onClick={() => stop.mutate()}>
      {t("failures.batch.stop")}
    </Button>
  );
}

/** What is worked off, in percent; what was replayed by others meanwhile counts when it is over. */
function percent({ state, total, replayed, skipped }: ReplayBatch): number {
  if (state === "done" || total === 0) return 100;
  return Math.min(100, (100 * (replayed + skipped)) / total);
}
