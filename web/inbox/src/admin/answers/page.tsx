import { Button } from "@mantine/core";
import { IconMessages, IconRefresh, IconSearchOff } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TurnDetails } from "../../dialogue/turn";
import { Empty } from "../empty";
import { Listing } from "../listing";
import { type AnswerFilter, noFilter, useAnswers } from "./answers";
import classes from "./answers.module.css";
import { AnswerFilters } from "./filters";
import { AnswerRow } from "./row";

/** What the bot was asked, and what came of it. */
export function AnswersPage() {
  const { t } = useTranslation();
  const [filter, setFilter] = useState<AnswerFilter>(noFilter);
  const [detailsOf, setDetailsOf] = useState<string | null>(null);
  const query = useAnswers(filter);
  const turns = query.data?.pages.flatMap((page) => page.turns) ?? [];
  const change = (part: Partial<AnswerFilter>) => setFilter((current) => ({ ...current, ...part }));
  const narrowed = Object.values(filter).some((value) => value !== null);
  const empty = narrowed ? (
    <Empty icon={IconSearchOff} title={t("list.emptyFilter")} text={t("list.emptyFilterText")}>
      <Button variant="default" onClick={() => setFilter(noFilter)}>
        {t("list.clear")}
      </Button>
    </Empty>
  ) : (
    <Empty icon={IconMessages} title={t("answers.empty")} text={t("answers.emptyText")} />
  );
  return (
    <>
      <AnswerFilters filter={filter} onChange={change}>
        <Button size="compact-md" variant="default" leftSection={<IconRefresh size={14} stroke={2} aria-hidden />} loading={query.isRefetching} onClick={() => void query.refetch()}>
          {t("answers.refresh")}
        </Button>
      </AnswerFilters>
      <Listing pages={query} isEmpty={turns.length === 0} empty={empty}>
        <ul className={classes.rows}>
          {turns.map((turn) => (
            <li key={turn.id}>
              <AnswerRow turn={turn} onDetails={() => setDetailsOf(turn.id)} onVersion={(version) => change({ version })} />
            </li>
          ))}
        </ul>
      </Listing>
      <TurnDetails turnID={detailsOf} onClose={() => setDetailsOf(null)} />
    </>
  );
}
