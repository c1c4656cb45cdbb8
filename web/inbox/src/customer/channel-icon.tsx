import { IconBrandTelegram, IconWorld } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Channel } from "../api/types";

const icons = { widget: IconWorld, telegram: IconBrandTelegram };

export function ChannelIcon({ channel, size = 16 }: { channel: Channel; size?: number }) {
  const { t } = useTranslation();
  const Icon = icons[channel.kind];
  const label = `${t(`channel.${channel.kind}`)}: ${channel.name}`;
  return <Icon size={size} stroke={1.8} role="img" aria-label={label} style={{ flex: "none" }} />;
}
