import { IconFile, IconMapPin, IconMicrophone, IconMusic, IconPaperclip, IconPhoto, IconSticker, IconUser, IconVideo } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Attachment } from "../api/types";
import classes from "./attachments.module.css";

const icons = {
  photo: IconPhoto,
  voice: IconMicrophone,
  audio: IconMusic,
  video: IconVideo,
  sticker: IconSticker,
  file: IconFile,
  location: IconMapPin,
  contact: IconUser,
  other: IconPaperclip,
} satisfies Record<Attachment["kind"], typeof IconFile>;

/** What a customer sent that is no text. */
export function Attachments({ attachments }: { attachments: Attachment[] }) {
  return attachments.map((attachment, index) => <AttachmentLine key={index} attachment={attachment} />);
}

function AttachmentLine({ attachment }: { attachment: Attachment }) {
  const { t } = useTranslation();
  const { kind, name, seconds, size, latitude, longitude } = attachment;
  const Icon = icons[kind];
  const details = [seconds ? clock(seconds) : "", size ? bytes(size) : ""].filter((part) => part !== "").join(" · ");
  return (
    <div className={classes.attachment} data-testid="attachment" data-attachment={kind}>
      {kind === "sticker" && name ? <span className={classes.sticker}>{name}</span> : <Icon size={20} stroke={1.6} aria-hidden />}
      <span>
        {t(`attachment.${kind}`)}
        {name && kind !== "sticker" && <bdi className={classes.name}> {name}</bdi>}
        {details && <span className={classes.details}> {details}</span>}
        {latitude !== undefined && longitude !== undefined && (
          <a className={classes.map} href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`} target="_blank" rel="noreferrer noopener">
            {t("attachment.map")}
          </a>
        )}
      </span>
    </div>
  );
}

/** Says that the customer changed the message, and what it was. */
export function Edited({ former }: { former: string[] }) {
  const { t } = useTranslation();
  const before = former.map((text) => t("attachment.before", { text })).join("\n");
  return (
    <span className={classes.edited} title={before}>
      {t("attachment.edited")}
      <span className="visually-hidden">. {before}</span>
    </span>
  );
}

const clock = (seconds: number) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${Math.round(size / 1024)} KB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}
