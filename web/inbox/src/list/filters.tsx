import { ActionIcon, TextInput, Tooltip } from "@mantine/core";
import { IconMail, IconSearch, IconX } from "@tabler/icons-react";
import type { RefObject } from "react";
import { useTranslation } from "react-i18next";
import type { Mode, Status } from "../api/types";
import { ChannelIcon } from "../customer/channel-icon";
import { useChannels } from "../customer/channels";
import { Choice, MenuChip, ToggleChip } from "../shell/chip";
import chips from "../shell/chip.module.css";
import { type Filter, longestSearch } from "./filter";
import classes from "./filters.module.css";

const statuses: Status[] = ["new", "open", "snoozed", "closed"];
const modes: Mode[] = ["bot", "operator"];

interface FiltersProps {
  filter: Filter;
  onChange(change: Partial<Filter>): void;
  search: string;
  onSearch(text: string): void;
  searchRef: RefObject<HTMLInputElement | null>;
  /** The operator goes from the search box into the list. */
  onLeaveSearch(): void;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Filters({ filter, onChange, search, onSearch, searchRef, onLeaveSearch }: FiltersProps) {
  const { t } = useTranslation();
  const channels = useChannels();
  const chosen = channels.filter((channel) => filter.channels.includes(channel.id));
  return (
    <div className={classes.filters}>
      <TextInput
        ref={searchRef}
        type="search"
        role="searchbox"
        aria-label={t("list.searchLabel")}
        placeholder={t("list.search")}
        value={search}
        maxLength={longestSearch}
        onChange={(event) => onSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            if (search !== "") onSearch("");
            else event.currentTarget.blur();
          }
          if (event.key === "ArrowDown" || event.key === "Enter") {
            event.preventDefault();
            onLeaveSearch();
          }
        }}
        leftSection={<IconSearch size={16} stroke={1.8} aria-hidden />}
        rightSectionWidth={search === "" ? 58 : 36}
        rightSection={
          search === "" ? (
            <kbd className={classes.kbd} aria-hidden>
              {isMac ? "⌘K" : "Ctrl K"}
            </kbd>
          ) : (
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t("list.clearSearch")} onClick={() => onSearch("")}>
              <IconX size={16} />
            </ActionIcon>
          )
        }
      />
      <div className={chips.chips} role="group" aria-label={t("list.filters")}>
        <MenuChip
          label={chosen.length === 0 ? t("list.channel") : chosen.map((channel) => channel.name).join(", ")}
          name={t("list.channel")}
          active={chosen.length > 0}
        >
          <Choice checked={filter.channels.length === 0} onClick={() => onChange({ channels: [] })}>
            {t("list.any")}
          </Choice>
          {channels.map((channel) => (
            <Choice key={channel.id} checked={filter.channels.includes(channel.id)} onClick={() => onChange({ channels: toggle(filter.channels, channel.id) })}>
              <span className={chips.option}>
                <ChannelIcon channel={channel} />
                <bdi>{channel.name}</bdi>
              </span>
            </Choice>
          ))}
        </MenuChip>
        {filter.view !== "closed" && (
          <MenuChip
            label={filter.statuses.length === 0 ? t("list.status") : filter.statuses.map((status) => t(`status.${status}`)).join(", ")}
            name={t("list.status")}
            active={filter.statuses.length > 0}
          >
            <Choice checked={filter.statuses.length === 0} onClick={() => onChange({ statuses: [] })}>
              {t("list.any")}
            </Choice>
            {statuses.map((status) => (
              <Choice key={status} checked={filter.statuses.includes(status)} onClick={() => onChange({ statuses: toggle(filter.statuses, status) })}>
                {t(`status.${status}`)}
              </Choice>
            ))}
          </MenuChip>
        )}
        {filter.view !== "bot" && (
          <MenuChip label={filter.mode === null ? t("list.mode") : t(`mode.${filter.mode}`)} name={t("list.mode")} active={filter.mode !== null}>
            <Choice checked={filter.mode === null} onClick={() => onChange({ mode: null })}>
              {t("list.anyMode")}
            </Choice>
            {modes.map((mode) => (
              <Choice key={mode} checked={filter.mode === mode} onClick={() => onChange({ mode })}>
                {t(`mode.${mode}`)}
              </Choice>
            ))}
          </MenuChip>
        )}
        <Tooltip label={t("list.unread")}>
          <ToggleChip label={t("list.unread")} active={filter.unread} onClick={() => onChange({ unread: !filter.unread })}>
            <IconMail size={16} stroke={1.8} aria-hidden />
          </ToggleChip>
        </Tooltip>
      </div>
    </div>
  );
}

function toggle<T>(values: T[], value: T): T[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}
