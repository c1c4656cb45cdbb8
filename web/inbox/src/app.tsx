import { Button, Center, Loader, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { LiveProvider } from "./live";
import { navigate, parseRoute, returnPath, useAddress } from "./router";
import { LoginPage } from "./session/login";
import { SessionProvider, useSession } from "./session/session";
import { useProblemText } from "./shell/problem";
import { Workplace } from "./shell/workplace";

export function App() {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const session = useSession();
  const address = useAddress();
  const route = parseRoute(address);
  const wasLoggedIn = useRef(false);
  const atLogin = route.page === "login";

  useEffect(() => {
    if (session.loading || session.error) return;
    if (session.operator) {
      wasLoggedIn.current = true;
      if (atLogin) navigate(returnPath(window.location.search), { replace: true });
    } else if (!atLogin) {
      const query = new URLSearchParams({ next: address });
      if (wasLoggedIn.current) query.set("ended", "1");
      navigate(address === "/" && !wasLoggedIn.current ? "/login" : `/login?${query}`, { replace: true });
    }
  }, [session.loading, session.error, session.operator, atLogin, address]);

  if (session.error && !session.operator) {
    return (
      <Center h="100%" p="xl">
        <Stack align="center" maw={420}>
          <Text ta="center">{problemText(session.error)}</Text>
          <Button onClick={session.retry}>{t("common.retry")}</Button>
        </Stack>
      </Center>
    );
  }
  if (session.loading) {
    return (
      <Center h="100%" role="status">
        <Stack align="center" gap="xs">
          <Loader size="sm" />
          <Text c="dimmed">{t("app.loading")}</Text>
        </Stack>
      </Center>
    );
  }
  if (!session.operator) return <LoginPage />;
  return (
    <SessionProvider operator={session.operator}>
      <LiveProvider key={session.operator.id} operator={session.operator}>
        <Workplace route={route} />
      </LiveProvider>
    </SessionProvider>
  );
}
