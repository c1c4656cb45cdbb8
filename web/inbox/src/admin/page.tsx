// The pages of admins, in one frame.
import { Button } from "@mantine/core";
import { IconArrowLeft, IconLock } from "@tabler/icons-react";
import type { ComponentType, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type AdminSection, adminPath, adminSections, navigate } from "../router";
import { useMe } from "../session/session";
import { Link } from "../shell/link";
import { AnswersPage } from "./answers/page";
import { AuditPage } from "./audit/page";
import { DeadLettersPage } from "./dead-letters";
import { Empty } from "./empty";
import { FailuresPage } from "./failures/page";
import classes from "./page.module.css";

/** Each may be opened at one cause; only failed answers have any. */
const pages: Record<AdminSection, ComponentType<{ cause: string | undefined }>> = { "failed-answers": FailuresPage, answers: AnswersPage, audit: AuditPage, "dead-letters": DeadLettersPage };

export function AdminPage({ section, cause }: { section: AdminSection; cause?: string | undefined }) {
  const { t } = useTranslation();
  const me = useMe();
  if (me.role !== "admin") {
    return (
      <Frame section={section}>
        <Empty icon={IconLock} title={t("admin.forbidden")} text={t("admin.forbiddenText")} />
      </Frame>
    );
  }
  const Page = pages[section];
  return (
    <Frame section={section} tabs={<Tabs section={section} />}>
      <p className={classes.explain}>{t(`admin.explain.${section}`)}</p>
      <Page cause={cause} />
    </Frame>
  );
}

function Frame({ section, tabs, children }: { section: AdminSection; tabs?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className={classes.page}>
      <Button variant="subtle" color="gray" leftSection={<IconArrowLeft size={16} aria-hidden />} onClick={() => navigate("/")}>
        {t("admin.back")}
      </Button>
      {tabs}
      <h1 className={tabs ? "visually-hidden" : classes.title}>{t(`admin.section.${section}`)}</h1>
      {children}
    </div>
  );
}

function Tabs({ section }: { section: AdminSection }) {
  const { t } = useTranslation();
  return (
    <nav className={classes.tabs} aria-label={t("admin.label")}>
      {adminSections.map((name) => (
        <Link key={name} to={adminPath(name)} className={classes.tab} aria-current={name === section ? "page" : undefined}>
          {t(`admin.section.${name}`)}
        </Link>
      ))}
    </nav>
  );
}
