import { Button, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** What is used of an infinite query. */
interface Pages {
  data: unknown;
  isPending: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  refetch(): unknown;
  fetchNextPage(): unknown;
}

interface ListingProps {
  pages: Pages;
  /** Nothing was found. */
  isEmpty: boolean;
  empty: ReactNode;
  children: ReactNode;
}

/** A list of an admin's page: while it loads, when it does not, empty, and page by page. */
export function Listing({ pages, isEmpty, empty, children }: ListingProps) {
  const { t } = useTranslation();
  if (pages.isPending) return <Skeleton height={120} />;
  if (pages.data === undefined) {
    return (
      <div role="alert">
        <p>{t("admin.failed")}</p>
        <Button variant="default" onClick={() => void pages.refetch()}>
          {t("common.retry")}
        </Button>
      </div>
    );
  }
  return (
    <>
      {isEmpty ? empty : children}
      {pages.hasNextPage && (
        <Button variant="default" mt="md" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {t("admin.more")}
        </Button>
      )}
    </>
  );
}
