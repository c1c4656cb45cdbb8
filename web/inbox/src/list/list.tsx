import { Button, Skeleton } from "@mantine/core";
import { IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useSelected } from "../store/store";
import { EmptyList } from "./empty";
import { type Filter, isNarrowed, toQuery } from "./filter";
import { useHeldOrder } from "./held-order";
import classes from "./list.module.css";
import { Row, rowHeight } from "./row";
import type { DialogueList } from "./use-list";

interface ListProps {
  list: DialogueList;
  filter: Filter;
  activeID: string | null;
  onClear(): void;
  onStep(by: 1 | -1): void;
  scrollRef: RefObject<HTMLDivElement | null>;
}

export function List({ list, filter, activeID, onClear, onStep, scrollRef }: ListProps) {
  const { t } = useTranslation();
  const order = useHeldOrder(list.ids, `${filter.view}:${JSON.stringify(toQuery(filter))}`);
  const { ids } = order;
  const virtualizer = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => ids[index]!,
    overscan: 6,
  });
  const rows = virtualizer.getVirtualItems();

  useSteadyScroll(scrollRef, ids);
  const lastRow = rows.at(-1)?.index ?? 0;
  const nearEnd = lastRow >= ids.length - 10;
  const { hasMore, loadMore } = list;
  useEffect(() => {
    if (nearEnd && hasMore) loadMore();
  });
  useEffect(() => {
    const index = activeID === null ? -1 : ids.indexOf(activeID);
    if (index >= 0) virtualizer.scrollToIndex(index, { align: "auto" });
    // Only when another dialogue is opened: rows that move must not move the list.
  }, [activeID]);

  const stepByArrows = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    onStep(event.key === "ArrowDown" ? 1 : -1);
  };

  return (
    <div className={classes.list}>
      {order.changes > 0 && (
        <button type="button" className={classes.held} onClick={order.apply}>
          <IconArrowUp size={14} stroke={2} aria-hidden />
          {t("list.held", { count: order.changes })}
        </button>
      )}
      <nav
        ref={scrollRef}
        className={classes.scroll}
        aria-label={t("list.label")}
        tabIndex={-1}
        onPointerMove={order.onPointerMove}
        onPointerLeave={order.onPointerLeave}
        onKeyDown={stepByArrows}
      >
        {list.loading && <Skeletons />}
        {list.failed && (
          <div className={classes.failed} role="alert">
            <p>{t("list.failed")}</p>
            <Button variant="default" onClick={list.retry}>
              {t("list.retry")}
            </Button>
          </div>
        )}
        {!list.loading && !list.failed && ids.length === 0 && <EmptyList filter={filter} onClear={onClear} />}
        <ul className={classes.rows} style={{ height: virtualizer.getTotalSize() }}>
          {rows.map((item) => (
            <li key={item.key} className={classes.item} style={{ height: rowHeight, transform: `translateY(${item.start}px)` }} aria-posinset={item.index + 1} aria-setsize={list.hasMore ? -1 : ids.length}>
              <ListRow id={ids[item.index]!} active={ids[item.index] === activeID} />
            </li>
          ))}
        </ul>
        {list.loadingMore && (
          <p className={classes.end} role="status">
            {t("list.loadingMore")}
          </p>
        )}
        {list.moreFailed && !list.loadingMore && (
          <p className={classes.end} role="alert">
            {t("list.failed")}{" "}
            <Button size="compact-sm" variant="default" onClick={list.retryMore}>
              {t("list.retry")}
            </Button>
          </p>
        )}
        {!list.loading && !list.hasMore && ids.length > 12 && !isNarrowed(filter) && <p className={classes.end}>{t("list.end")}</p>}
      </nav>
    </div>
  );
}

function ListRow({ id, active }: { id: string; active: boolean }) {
  const dialogue = useSelected((state) => state.dialogues[id]);
  return dialogue ? <Row dialogue={dialogue} active={active} /> : null;
}

function Skeletons() {
  return (
    <div aria-hidden>
      {Array.from({ length: 7 }, (_, index) => (
        <div key={index} className={classes.skeleton} style={{ height: rowHeight }}>
          <Skeleton height={14} width="55%" />
          <Skeleton height={12} width="85%" />
          <Skeleton height={18} width="40%" />
        </div>
      ))}
    </div>
  );
}

/** Keeps the rows in view where they are when rows come or go above them. */
function useSteadyScroll(scrollRef: RefObject<HTMLDivElement | null>, ids: readonly string[]): void {
  const before = useRef(ids);
  useLayoutEffect(() => {
    const element = scrollRef.current;
    const previous = before.current;
    before.current = ids;
    if (!element || previous === ids || element.scrollTop < rowHeight / 2) return;
    const first = Math.floor(element.scrollTop / rowHeight);
    for (let index = first; index < previous.length; index++) {
      const now = ids.indexOf(previous[index]!);
      if (now < 0) continue;
      if (now !== index) element.scrollTop += (now - index) * rowHeight;
      return;
    }
  }, [ids, scrollRef]);
}
