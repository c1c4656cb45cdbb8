import { Button } from "@mantine/core";
import { IconHistory, IconSearchOff } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/calls";
import { serverNow } from "../../server-clock";
import { ChoiceChip } from "../../shell/chip";
import chips from "../../shell/chip.module.css";
import { Empty } from "../empty";
import { Listing } from "../listing";
import { periods } from "../period";
import { Days } from "./days";
import { type AuditFilter, toQuery } from "./filter";
import classes from "./audit.module.css";
import { actions } from "./words";

const noFilter: AuditFilter = { action: null, actor: null, period: null };

/** Who did what, and when. */
export function AuditPage() {
  const { t } = useTranslation();
  const [filter, setFilter] = useState(noFilter);
  const query = useInfiniteQuery({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam, signal }) => api.audit({ ...toQuery(filter, new Date(serverNow())), ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  const narrowed = Object.values(filter).some((value) => value !== null);
  const empty = narrowed ? (
    <Empty icon={IconSearchOff} title={t("list.emptyFilter")} text={t("list.emptyFilterText")}>
      <Button variant="default" onClick={() => setFilter(noFilter)}>
        {t("list.clear")}
      </Button>
    </Empty>
  ) : (
    <Empty icon={IconHistory} title={t("audit.empty")} text={t("audit.emptyText")} />
  );
  return (
    <>
      <AuditFilters filter={filter} onChange={(change) => setFilter((current) => ({ ...current, ...change }))} />
      <Listing pages={query} isEmpty={entries.length === 0} empty={empty}>
        <Days entries={entries} />
      </Listing>
    </>
  );
}

function AuditFilters({ filter, onChange }: { filter: AuditFilter; onChange(change: Partial<AuditFilter>): void }) {
  const { t } = useTranslation();
  const operators = useQuery({ queryKey: ["operators", "all"], queryFn: async () => (await api.operators({ all: true })).operators, staleTime: 60_000 });
  return (
    <div className={`${chips.chips} ${classes.filters}`} role="group" aria-label={t("list.filters")}>
      <ChoiceChip
        name={t("audit.action")}
        any={t("audit.everything")}
        value={filter.action}
        options={actions.map((action) => ({ value: action, text: t(`audit.actions.${action}`), label: t(`audit.actions.${action}`) }))}
        onChange={(action) => onChange({ action })}
      />
      <ChoiceChip
        name={t("audit.actor")}
        any={t("audit.anyone")}
        value={filter.actor}
        options={(operators.data ?? []).map(({ id, name }) => ({ value: id, text: name, label: <bdi>{name}</bdi> }))}
        onChange={(actor) => onChange({ actor })}
      />
      <ChoiceChip
        name={t("admin.period")}
        any={t("admin.always")}
        value={filter.period}
        options={periods.map((period) => ({ value: period, text: t(`admin.${period}`), label: t(`admin.${period}`) }))}
        onChange={(period) => onChange({ period })}
      />
    </div>
  );
}
