import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";
import type { Operator } from "../api/types";
import { type Language, startI18n } from "../i18n";
import { Live, LiveScope } from "../live";
import { SessionProvider } from "../session/session";
import { theme } from "../theme";
import { me } from "./fixtures";

/** Renders a part of the screen as an operator sees it, without a stream: `me`, in Russian, unless told otherwise. */
export async function renderInbox(part: ReactElement, { operator = me, language = "ru" }: { operator?: Operator; language?: Language } = {}) {
  const i18n = await startI18n();
  await i18n.changeLanguage(language);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const live = new Live(operator, queries);
  const view = render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>
        <Notifications />
        <SessionProvider operator={operator}>
          <LiveScope live={live}>{part}</LiveScope>
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, live };
}
