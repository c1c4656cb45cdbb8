import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";
import { startI18n } from "../i18n";
import { Live, LiveScope } from "../live";
import { SessionProvider } from "../session/session";
import { theme } from "../theme";
import { me } from "./fixtures";

/** Renders a part of the screen as the operator `me` sees it, in Russian, without a stream. */
export async function renderInbox(part: ReactElement) {
  const i18n = await startI18n();
  await i18n.changeLanguage("ru");
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const live = new Live(me, queries);
  const view = render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>
        <SessionProvider operator={me}>
          <LiveScope live={live}>{part}</LiveScope>
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, live };
}
