import { ActionIcon, Indicator, Tooltip, UnstyledButton } from "@mantine/core";
import { IconArchive, IconBell, IconBellOff, IconBellRinging, IconClockHour4, IconInbox, IconMessageReport, IconRobot, IconUser, IconVolume, IconVolumeOff } from "@tabler/icons-react";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { useFailureCounts } from "../admin/failures/failures";
import { askForDesktop, useDesktopPermission } from "../alerts/desktop";
import type { View } from "../list/filter";
import { views } from "../list/filter";
import { useLive } from "../live";
import { type AdminSection, adminPath } from "../router";
import { useMe } from "../session/session";
import { useWaitingCount } from "../store/selectors";
import { AccountMenu } from "./account-menu";
import { Link } from "./link";
import { Logo } from "./logo";
import classes from "./rail.module.css";

const icons = { waiting: IconClockHour4, mine: IconUser, bot: IconRobot, all: IconInbox, closed: IconArchive };

interface RailProps {
  view: View | null;
  /** The page of admins that is shown. */
  section: AdminSection | null;
  onView(view: View): void;
  onHelp(): void;
}

export function Rail({ view, section, onView, onHelp }: RailProps) {
  const { t } = useTranslation();
  const me = useMe();
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
                <span className={classes.count}>{short(waiting)}</span>
              )}
            </UnstyledButton>
          );
        })}
      </nav>
      <div className={classes.bottom}>
        {me.role === "admin" && <FailuresLink active={section === "failed-answers"} />}
        <DesktopButton />
        <SoundButton />
        <AccountMenu onHelp={onHelp} />
      </div>
    </aside>
  );
}

const short = (count: number) => (count > 99 ? "99+" : String(count));

/** Where an admin sees what the bot could not answer, and for how many that is still so. */
function FailuresLink({ active }: { active: boolean }) {
  const { t } = useTranslation();
  const open = useFailureCounts()?.open ?? 0;
  return (
    <Tooltip label={t("admin.section.failed-answers")} position="right">
      <Link to={adminPath("failed-answers")} className={classes.view} data-testid="failures-link" data-active={active || undefined} aria-current={active ? "page" : undefined}>
        <IconMessageReport size={22} stroke={1.6} aria-hidden />
        <span className={classes.viewName}>{t("failures.rail")}</span>
        {open > 0 && (
          <span className={classes.count}>
            <span aria-hidden>{short(open)}</span>
            <span className="visually-hidden">{t("failures.railCount", { count: open })}</span>
          </span>
        )}
      </Link>
    </Tooltip>
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
