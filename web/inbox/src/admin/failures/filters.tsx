import { IconClockHour4 } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ChannelIcon } from "../../customer/channel-icon";
import { useChannels } from "../../customer/channels";
import { ChoiceChip, ToggleChip } from "../../shell/chip";
import chips from "../../shell/chip.module.css";
import { useCauseText } from "./cause";
import type { FailureCounts, FailureFilter } from "./failures";
import classes from "./filters.module.css";

interface FailureFiltersProps {
  filter: FailureFilter;
  counts: FailureCounts | null;
  onChange(change: Partial<FailureFilter>): void;
  /** What can be done with all that is found. */
  children: ReactNode;
}

export function FailureFilters({ filter, counts, onChange, children }: FailureFiltersProps) {
  const { t } = useTranslation();
  const causeText = useCauseText();
  const channels = useChannels();
  return (
    <div className={classes.filters}>
      <div className={chips.chips} role="group" aria-label={t("list.filters")}>
        <ToggleChip active={filter.waiting} onClick={() => onChange({ waiting: !filter.waiting })}>
          <IconClockHour4 size={14} stroke={2} aria-hidden />
          {t("failures.waiting")}
        </ToggleChip>
        <ChoiceChip
          name={t("list.channel")}
          any={t("list.any")}
          value={filter.channel}
          options={channels.map((channel) => ({
            value: channel.id,
            text: channel.name,
            label: (
              <span className={chips.option}>
                <ChannelIcon channel={channel} />
                <bdi>{channel.name}</bdi>
              </span>
            ),
          }))}
          onChange={(channel) => onChange({ channel })}
        />
        {causeCounts(counts, filter).map(({ cause, count }) => (
          <ToggleChip key={cause} active={filter.cause === cause} onClick={() => onChange({ cause: filter.cause === cause ? null : cause })}>
            {causeText(cause)}
            <span className={classes.count}>{count}</span>
          </ToggleChip>
        ))}
      </div>
      {children}
      {!filter.waiting && counts !== null && counts.causes.length > 0 && <p className={classes.hint}>{t("failures.week")}</p>}
    </div>
  );
}

/** The causes to choose from; the chosen one stays to be taken back. */
export function causeCounts(counts: FailureCounts | null, filter: FailureFilter): { cause: string; count: number }[] {
  const list = (counts?.causes ?? []).map(({ cause, failed, open }) => ({ cause, count: filter.waiting ? open : failed }));
  const shown = list.filter(({ cause, count }) => count > 0 || cause === filter.cause);
  const { cause } = filter;
  return cause === null || shown.some((one) => one.cause === cause) ? shown : [...shown, { cause, count: 0 }];
}
