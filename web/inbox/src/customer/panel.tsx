import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconExternalLink, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Dialogue, DialogueDetail } from "../api/types";
import { useFormats } from "../i18n/format";
import { ChannelIcon } from "./channel-icon";
import { useCustomerName } from "./name";
import classes from "./panel.module.css";

interface PanelProps {
  dialogue: Dialogue;
  detail: DialogueDetail | null;
  onClose(): void;
}

export function CustomerPanel({ dialogue, detail, onClose }: PanelProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const nameOf = useCustomerName();
  return (
    <aside className={classes.panel} aria-label={t("customer.panel")}>
      <div className={classes.head}>
        <h2 className={classes.title}>{t("customer.panel")}</h2>
        <ActionIcon variant="subtle" color="gray" aria-label={t("customer.hide")} onClick={onClose}>
          <IconX size={18} />
        </ActionIcon>
      </div>
      <div className={classes.name}>
        <bdi>{nameOf(dialogue.contact)}</bdi>
      </div>
      <dl className={classes.facts}>
        <Fact name={t("customer.id")}>{formats.number(dialogue.contact.number)}</Fact>
        <Fact name={t("customer.language")}>{dialogue.language ? t(`language.${dialogue.language}`) : t("customer.languageUnknown")}</Fact>
        <Fact name={t("customer.channel")}>
          <span className={classes.channel}>
            <ChannelIcon channel={dialogue.channel} />
            <bdi>{dialogue.channel.name}</bdi>
          </span>
        </Fact>
        <Fact name={t("customer.chatID")}>
          <Copyable text={dialogue.chat_id} />
        </Fact>
        <Fact name={t("customer.created")}>{formats.full(dialogue.created_at)}</Fact>
        <Fact name={t("customer.assignee")}>
          <bdi>{dialogue.assignee?.name ?? t("customer.nobody")}</bdi>
        </Fact>
      </dl>
      <details className={classes.developers}>
        <summary>{t("customer.developers")}</summary>
        <dl className={classes.facts}>
          <Fact name={t("customer.dialogueID")}>
            <Copyable text={dialogue.id} />
          </Fact>
        </dl>
        {detail?.workflow_url && (
          <a className={classes.link} href={detail.workflow_url} target="_blank" rel="noopener noreferrer">
            {t("customer.temporal")}
            <IconExternalLink size={15} stroke={1.8} aria-hidden />
          </a>
        )}
      </details>
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Copyable({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <span className={classes.copyable}>
      <bdi className={classes.code}>{text}</bdi>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t("customer.copied") : t("customer.copy")}>
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t("customer.copy")} onClick={copy}>
              {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </span>
  );
}
