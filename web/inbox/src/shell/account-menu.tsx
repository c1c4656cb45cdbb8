import { Avatar, Button, Group, Menu, Modal, Text, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconKeyboard, IconLogout, IconMailQuestion, IconMoon, IconSun } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { deadLettersPath, navigate } from "../router";
import { useLogout, useMe } from "../session/session";
import { useSelected } from "../store/store";
import { LanguageChoice } from "./language";
import classes from "./rail.module.css";

const schemes = [
  { value: "auto", Icon: IconDeviceDesktop },
  { value: "light", Icon: IconSun },
  { value: "dark", Icon: IconMoon },
] as const;

export function AccountMenu({ onHelp }: { onHelp(): void }) {
  const { t } = useTranslation();
  const me = useMe();
  const logout = useLogout();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const unsent = useSelected((state) => state.pending.length);
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Menu position="right-end" width={300}>
        <Menu.Target>
          <UnstyledButton className={classes.avatar} aria-label={t("menu.account")}>
            <Avatar name={me.name} color="accent" size={36} radius="xl" alt="" />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <div style={{ padding: "8px 12px" }}>
            <Text fw={600}>{me.name}</Text>
            <Text c="dimmed" fz={13} style={{ overflowWrap: "anywhere" }}>
              {me.email} · {me.role === "admin" ? t("menu.roleAdmin") : t("menu.roleOperator")}
            </Text>
          </div>
          <Menu.Divider />
          <Menu.Label>{t("language.label")}</Menu.Label>
          <div style={{ padding: "0 12px 8px" }}>
            <LanguageChoice fullWidth />
          </div>
          <Menu.Label>{t("theme.label")}</Menu.Label>
          {schemes.map(({ value, Icon }) => (
            <Menu.Item
              key={value}
              role="menuitemradio"
              aria-checked={colorScheme === value}
              closeMenuOnClick={false}
              leftSection={<Icon size={16} aria-hidden />}
              rightSection={colorScheme === value ? <IconCheck size={16} aria-hidden /> : null}
              onClick={() => setColorScheme(value)}
            >
              {t(`theme.${value}`)}
            </Menu.Item>
          ))}
          {me.role === "admin" && (
            <>
              <Menu.Divider />
              <Menu.Label>{t("menu.admin")}</Menu.Label>
              <Menu.Item leftSection={<IconMailQuestion size={16} aria-hidden />} onClick={() => navigate(deadLettersPath)}>
                {t("menu.deadLetters")}
              </Menu.Item>
            </>
          )}
          <Menu.Divider />
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
    </>
  );
}
