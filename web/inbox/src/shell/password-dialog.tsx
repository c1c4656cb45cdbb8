import { Alert, Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import { ProblemError } from "../api/client";
import { useMe } from "../session/session";
import { useProblemText } from "./problem";

type Place = "current" | "next" | "form";

interface Trouble {
  place: Place;
  text: string;
}

/** Where an operator gives themselves another password. */
export function PasswordDialog({ opened, onClose }: { opened: boolean; onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t("menu.password")} closeButtonProps={{ "aria-label": t("common.close") }} centered>
      <PasswordForm onClose={onClose} />
    </Modal>
  );
}

function PasswordForm({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const me = useMe();
  const problemText = useProblemText();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const troubleAt = (place: Place) => (trouble?.place === place ? trouble.text : null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    try {
      await api.changePassword(current, next);
      notifications.show({ id: "password", message: t("password.changed"), autoClose: 5_000, color: "accent", closeButtonProps: { "aria-label": t("common.dismiss") } });
      onClose();
    } catch (error) {
      setTrouble(troubleOf(error));
      setBusy(false);
    }
  };

  const troubleOf = (error: unknown): Trouble => {
    const code = error instanceof ProblemError ? error.code : null;
    if (code === "forbidden") return { place: "current", text: t("password.wrong") };
    if (code === "invalid") return { place: "next", text: t("password.refused") };
    return { place: "form", text: problemText(error) };
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text>{t("password.explain")}</Text>
        {/* Tells password managers whose password it is. */}
        <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
        <PasswordInput
          label={t("password.current")}
          name="current"
          autoComplete="current-password"
          required
          withAsterisk={false}
          data-autofocus
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
          error={troubleAt("current")}
          errorProps={{ role: "alert" }}
        />
        <PasswordInput
          label={t("password.next")}
          description={t("password.rule")}
          name="password"
          autoComplete="new-password"
          required
          withAsterisk={false}
          value={next}
          onChange={(event) => setNext(event.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
          error={troubleAt("next")}
          errorProps={{ role: "alert" }}
        />
        {trouble?.place === "form" && (
          <Alert color="red" variant="light" role="alert">
            {trouble.text}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("password.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
