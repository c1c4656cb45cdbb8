import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ChannelIcon } from "../../customer/channel-icon";
import { useChannels } from "../../customer/channels";
import { ChoiceChip, ToggleChip } from "../../shell/chip";
import chips from "../../shell/chip.module.css";
import { periods } from "../period";
import { type AnswerFilter, outcomes } from "./answers";
import classes from "./answers.module.css";

interface AnswerFiltersProps {
  filter: AnswerFilter;
  onChange(change: Partial<AnswerFilter>): void;
  /** What can be done with the list. */
  children: ReactNode;
}

export function AnswerFilters({ filter, onChange, children }: AnswerFiltersProps) {
  const { t } = useTranslation();
  const channels = useChannels();
  return (
    <div className={classes.filters}>
      <div className={chips.chips} role="group" aria-label={t("list.filters")}>
        <ChoiceChip
          name={t("turn.outcome")}
          any={t("list.any")}
          value={filter.outcome}
          options={outcomes.map((outcome) => ({ value: outcome, text: t(`turn.state.${outcome}`), label: t(`turn.state.${outcome}`) }))}
          onChange={(outcome) => onChange({ outcome })}
        />
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
        <ChoiceChip
          name={t("admin.period")}
          any={t("admin.always")}
          value={filter.period}
          options={periods.map((period) => ({ value: period, text: t(`admin.${period}`), label: t(`admin.${period}`) }))}
          onChange={(period) => onChange({ period })}
        />
        {filter.version !== null && (
          <ToggleChip active onClick={() => onChange({ version: null })}>
            {t("answers.version", { version: filter.version })}
            <IconX size={14} stroke={2} aria-hidden />
          </ToggleChip>
        )}
      </div>
      {children}
    </div>
  );
}
