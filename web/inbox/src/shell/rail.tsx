import { ActionIcon, Indicator, Tooltip, UnstyledButton } from "@mantine/core";
import { IconArchive, IconBell, IconBellOff, IconBellRinging, IconClockHour4, IconInbox, IconRobot, IconUser, IconVolume, IconVolumeOff } from "@tabler/icons-react";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { askForDesktop, useDesktopPermission } from "../alerts/desktop";
import type { View } from "../list/filter";
import { views } from "../list/filter";
import { useLive } from "../live";
import { useWaitingCount } from "../store/selectors";
import { AccountMenu } from "./account-menu";
import { Logo } from "./logo";
import classes from "./rail.module.css";

const icons = { waiting: IconClockHour4, mine: IconUser, bot: IconRobot, all: IconInbox, closed: IconArchive };

interface RailProps {
  view: View | null;
  onView(view: View): void;
  onHelp(): void;
}

export function Rail({ view, onView, onHelp }: RailProps) {
  const { t } = useTranslation();
  const waiting = useWaitingCount();
  return (
    <aside className={classes.rail}>
      <div className={classes.logo}>
        <Logo mark />
      </div>
      <nav className={classes.views} aria-label={t("views.label")}>
        {views.map((name) => {
          const Icon = icons[name];
          return (
            <UnstyledButton key={name} className={classes.view} data-active={view === name || undefined} aria-current={view === name ? "page" : undefined} onClick={() => onView(name)}>
              <Icon size={22} stroke={1.6} aria-hidden />
              <span className={classes.viewName}>{t(`views.${name}`)}</span>
              {name === "waiting" && waiting > 0 && (
                <span className={classes.count}>{waiting > 99 ? "99+" : waiting}</span>
              )}
            </UnstyledButton>
          );
        })}
      </nav>
      <div className={classes.bottom}>
        <DesktopButton />
        <SoundButton />
        <AccountMenu onHelp={onHelp} />
      </div>
    </aside>
  );
}

function SoundButton() {
  const { t } = useTranslation();
  const { chime } = useLive();
  const on = useSyncExternalStore(chime.subscribe, chime.isOn);
  const Icon = on ? IconVolume : IconVolumeOff;
  return (
    <Tooltip label={on ? t("alerts.soundOn") : t("alerts.soundOff")} position="right">
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("alerts.sound")} aria-pressed={on} onClick={() => chime.setOn(!on)}>
        <Icon size={20} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}

/** Asks for desktop notifications, once, when the operator wants them. */
function DesktopButton() {
  const { t } = useTranslation();
  const permission = useDesktopPermission();
  const [Icon, label] = {
    default: [IconBell, t("alerts.desktopAsk")] as const,
    granted: [IconBellRinging, t("alerts.desktopOn")] as const,
    denied: [IconBellOff, t("alerts.desktopDenied")] as const,
    unsupported: [IconBellOff, t("alerts.desktopNone")] as const,
  }[permission];
  return (
    <Tooltip label={label} position="right" multiline maw={260} events={{ hover: true, focus: true, touch: true }}>
      <Indicator disabled={permission !== "default"} size={8} offset={6} color="accent">
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={() => void askForDesktop()}>
          <Icon size={20} stroke={1.6} />
        </ActionIcon>
      </Indicator>
    </Tooltip>
  );
}
