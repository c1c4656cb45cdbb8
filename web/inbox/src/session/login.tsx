import { Alert, Button, Paper, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "../api/client";
import { useProblemText } from "../shell/problem";
import { LanguageChoice } from "../shell/language";
import { Logo } from "../shell/logo";
import classes from "./login.module.css";
import { useLogin } from "./session";

export function LoginPage() {
  const { t } = useTranslation();
  const login = useLogin();
  const problemText = useProblemText();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const returning = new URLSearchParams(window.location.search).has("ended");

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await login(email.trim(), password);
    } catch (problem) {
      const refused = problem instanceof ProblemError && (problem.code === "unauthorized" || problem.code === "invalid");
      setError(refused ? t("login.wrong") : problemText(problem));
      setBusy(false);
    }
  };

  return (
    <main className={classes.page}>
      <Paper className={classes.card} withBorder radius="md" p="xl">
        <form onSubmit={submit}>
          <Stack gap="md">
            <Logo />
            <Title order={1} size={20}>
              {t("login.title")}
            </Title>
            {returning && !error && (
              <Alert color="gray" variant="light">
                {t("login.again")}
              </Alert>
            )}
            <TextInput label={t("login.email")} type="email" name="email" autoComplete="username" required autoFocus withAsterisk={false} value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
            <PasswordInput label={t("login.password")} name="password" autoComplete="current-password" required withAsterisk={false} visibilityToggleButtonProps={{ "aria-label": t("password.show") }} value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
            {error && (
              <Alert color="red" variant="light" role="alert">
                {error}
              </Alert>
            )}
            <Button type="submit" loading={busy} fullWidth>
              {t("login.submit")}
            </Button>
          </Stack>
        </form>
      </Paper>
      <LanguageChoice />
    </main>
  );
}
