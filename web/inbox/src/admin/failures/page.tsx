import { Button } from "@mantine/core";
import { IconArrowUp, IconMessageCheck, IconMoodSmile, IconSearchOff } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ListedTurn } from "../../api/types";
import { TurnDetails } from "../../dialogue/turn";
import { useHeldOrder } from "../../list/held-order";
import { Empty } from "../empty";
import { Listing } from "../listing";
import { useAdvice } from "./cause";
import { type FailureCounts, type FailureFilter, firstFilter, useFailureCounts, useFailures } from "./failures";
import { FailureFilters } from "./filters";
import classes from "./page.module.css";
import { ReplayAll } from "./replay-all";
import { ReplayProgress } from "./replay-progress";
import { isOf, isRunning, useReplays } from "./replays";
import { FailureRow } from "./row";
import { type Draft, SuggestedDialog } from "./suggested";

/** Answers of the bot that came to nothing, and what can be done about them. */
export function FailuresPage({ cause: opened }: { cause?: string | undefined }) {
  const { t } = useTranslation();
  const adviceOf = useAdvice();
  const [filter, setFilter] = useState<FailureFilter>({ ...firstFilter, cause: opened ?? null });
  const counts = useFailureCounts();
  const replays = useReplays();
  const query = useFailures(filter);
  const turns = query.data?.pages.flatMap((page) => page.turns) ?? [];
  const order = useHeldOrder(
    turns.map((turn) => turn.id),
    JSON.stringify(filter),
  );
  const known = useKnown(turns);
  const [detailsOf, setDetailsOf] = useState<string | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const [replayingAll, setReplayingAll] = useState(false);

  const shown = order.ids.flatMap((id) => known.get(id) ?? []);
  const cause = filter.cause ?? onlyCause(shown);
  return (
    <>
      <FailureFilters filter={filter} counts={counts} onChange={(change) => setFilter((current) => ({ ...current, ...change }))}>
        {turns.some((turn) => turn.open) && !replays.shown.some((batch) => isRunning(batch) && isOf(batch, filter)) && (
          <Button size="compact-md" variant="default" onClick={() => setReplayingAll(true)}>
            {t("failures.replayAll")}
          </Button>
        )}
      </FailureFilters>
      {replays.shown.map((batch) => (
        <ReplayProgress key={batch.id} batch={batch} onDismiss={() => replays.dismiss(batch.id)} />
      ))}
      {cause !== undefined && shown.length > 0 && <p className={classes.advice}>{adviceOf(cause)}</p>}
      {order.changes > 0 && (
        <Button size="compact-sm" variant="subtle" mb="xs" leftSection={<IconArrowUp size={14} stroke={2} aria-hidden />} onClick={order.apply}>
          {t("list.held", { count: order.changes })}
        </Button>
      )}
      <Listing pages={query} isEmpty={shown.length === 0} empty={<NoFailures filter={filter} counts={counts} onChange={setFilter} />}>
        <ul className={classes.rows} onPointerMove={order.onPointerMove} onPointerLeave={order.onPointerLeave}>
          {shown.map((turn) => (
            <li key={turn.id}>
              <FailureRow turn={turn} onDetails={() => setDetailsOf(turn.id)} onDraft={setDraft} onReplayed={order.apply} />
            </li>
          ))}
        </ul>
      </Listing>
      <TurnDetails turnID={detailsOf} onClose={() => setDetailsOf(null)} />
      <SuggestedDialog draft={draft} onClose={() => setDraft(null)} />
      <ReplayAll opened={replayingAll} filter={filter} onClose={() => setReplayingAll(false)} />
    </>
  );
}

/** Rows that are gone stay on the screen while their place is held, so what they showed is kept. */
function useKnown(turns: ListedTurn[]): Map<string, ListedTurn> {
  const known = useRef(new Map<string, ListedTurn>());
  for (const turn of turns) known.current.set(turn.id, turn);
  return known.current;
}

/** The cause that all rows share. */
function onlyCause(turns: ListedTurn[]): string | null | undefined {
  const causes = new Set(turns.map((turn) => turn.cause));
  return causes.size === 1 ? turns[0]!.cause : undefined;
}

interface NoFailuresProps {
  filter: FailureFilter;
  counts: FailureCounts | null;
  onChange(filter: FailureFilter): void;
}

function NoFailures({ filter, counts, onChange }: NoFailuresProps) {
  const { t } = useTranslation();
  if (filter.cause !== null || filter.channel !== null) {
    return (
      <Empty icon={IconSearchOff} title={t("list.emptyFilter")} text={t("list.emptyFilterText")}>
        <Button variant="default" onClick={() => onChange(firstFilter)}>
          {t("list.clear")}
        </Button>
      </Empty>
    );
  }
  if (filter.waiting && counts && counts.causes.length > 0) {
    return (
      <Empty icon={IconMessageCheck} title={t("failures.settled")} text={t("failures.settledText")}>
        <Button variant="default" onClick={() => onChange({ ...firstFilter, waiting: false })}>
          {t("failures.showAll")}
        </Button>
      </Empty>
    );
  }
  return <Empty icon={IconMoodSmile} title={t("failures.empty")} text={t("failures.emptyText")} />;
}
