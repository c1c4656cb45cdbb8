import { Avatar, Button, Group, type MantineColorScheme, Menu, Modal, Text, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconHistory, IconKey, IconKeyboard, IconLogout, IconMailQuestion, IconMessageReport, IconMessages } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseLanguage, type Language, languages } from "../i18n";
import { adminPath, adminSections, navigate } from "../router";
import { useLogout, useMe } from "../session/session";
import { useSelected } from "../store/store";
import { PasswordDialog } from "./password-dialog";
import classes from "./rail.module.css";

const sectionIcons = { "failed-answers": IconMessageReport, answers: IconMessages, audit: IconHistory, "dead-letters": IconMailQuestion };
const schemes: MantineColorScheme[] = ["auto", "light", "dark"];

export function AccountMenu({ onHelp }: { onHelp(): void }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const logout = useLogout();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const unsent = useSelected((state) => state.pending.length);
  const [asking, setAsking] = useState(false);
  const [changingPassword, setChangingPassword] = useState(false);
  return (
    <>
      <Menu position="right-end" width={300}>
        <Menu.Target>
          <UnstyledButton className={classes.avatar}>
            <span className="visually-hidden">{t("menu.account")}</span>
            <Avatar name={me.name} color="accent" size={36} radius="xl" alt="" aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <Text fw={600} c="var(--parley-text)">
              {me.name}
            </Text>
            <Text fz={13} style={{ overflowWrap: "anywhere" }}>
              {me.email} · {me.role === "admin" ? t("menu.roleAdmin") : t("menu.roleOperator")}
            </Text>
          </Menu.Label>
          <Menu.Divider />
          <Menu.Label>{t("language.label")}</Menu.Label>
          <Menu.RadioGroup value={i18n.language} onChange={(value) => chooseLanguage(value as Language)}>
            {languages.map((language) => (
              <Menu.RadioItem key={language} value={language} lang={language}>
                {t(`language.${language}`)}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
          <Menu.Label>{t("theme.label")}</Menu.Label>
          <Menu.RadioGroup value={colorScheme} onChange={(value) => setColorScheme(value as MantineColorScheme)}>
            {schemes.map((scheme) => (
              <Menu.RadioItem key={scheme} value={scheme}>
                {t(`theme.${scheme}`)}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
          {me.role === "admin" && (
            <>
              <Menu.Divider />
              <Menu.Label>{t("admin.label")}</Menu.Label>
              {adminSections.map((section) => {
                const Icon = sectionIcons[section];
                return (
                  <Menu.Item key={section} leftSection={<Icon size={16} aria-hidden />} onClick={() => navigate(adminPath(section))}>
                    {t(`admin.section.${section}`)}
                  </Menu.Item>
                );
              })}
            </>
          )}
          <Menu.Divider />
          <Menu.Item leftSection={<IconKey size={16} aria-hidden />} onClick={() => setChangingPassword(true)}>
            {t("menu.password")}
          </Menu.Item>
          <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} rightSection={<kbd>?</kbd>} onClick={onHelp}>
            {t("menu.help")}
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => (unsent > 0 ? setAsking(true) : void logout())}>
            {t("menu.logout")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={asking} onClose={() => setAsking(false)} title={t("menu.logout")} closeButtonProps={{ "aria-label": t("common.close") }} centered>
        <Text>{t("menu.logoutPending", { count: unsent })}</Text>
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setAsking(false)}>
            {t("common.cancel")}
          </Button>
          <Button onClick={() => void logout()}>{t("menu.logoutAnyway")}</Button>
        </Group>
      </Modal>
      <PasswordDialog opened={changingPassword} onClose={() => setChangingPassword(false)} />
    </>
  );
}
