// The screen of a logged-in operator: rail, list, dialogue, customer.
import { useDebouncedValue, useMediaQuery } from "@mantine/hooks";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminPage } from "../admin/page";
import { AlarmBanners } from "../alerts/alarm-banners";
import { Alerts } from "../alerts/alerts";
import { DialoguePage } from "../dialogue/page";
import { NoDialogue } from "../dialogue/none";
import { emptyFilter, type Filter, type View } from "../list/filter";
import { Filters } from "../list/filters";
import { List } from "../list/list";
import { useDialogueList } from "../list/use-list";
import { useLive } from "../live";
import { dialoguePath, navigate, type Route } from "../router";
import { ConnectionLine } from "./connection";
import { HelpSheet } from "./help";
import { useHotkeys } from "./keyboard";
import { Rail } from "./rail";
import classes from "./workplace.module.css";

type Place = Exclude<Route, { page: "login" }>;

export function Workplace({ route }: { route: Route }) {
  const { t } = useTranslation();
  const place: Place = route.page === "login" ? { page: "inbox", dialogueID: null } : route;
  const narrow = useMediaQuery("(max-width: 899px)", window.innerWidth < 900, { getInitialValueInEffect: false });
  const [filter, setFilter] = useState<Filter>(emptyFilter);
  const [search, setSearch] = useState("");
  const [settledSearch] = useDebouncedValue(search.trim(), 250);
  const q = search.trim() === "" ? "" : settledSearch;
  const [helpOpen, setHelpOpen] = useState(false);
  const searchRef = useRef<HTMLInputElement>(null);
  const listRef = useRef<HTMLDivElement>(null);

  const wanted = { ...filter, q };
  const list = useDialogueList(wanted);
  const dialogueID = place.page === "inbox" ? place.dialogueID : null;
  useShownDialogue(dialogueID);

  const change = (next: Partial<Filter>) => setFilter((current) => ({ ...current, ...next }));
  const clear = () => {
    setSearch("");
    setFilter({ ...emptyFilter, view: filter.view });
  };
  const chooseView = (view: View) => {
    setFilter((current) => ({ ...current, view }));
    listRef.current?.scrollTo({ top: 0 });
    if (place.page !== "inbox" || narrow) navigate("/");
  };
  const step = useCallback(
    (by: 1 | -1) => {
      const at = dialogueID === null ? -1 : list.ids.indexOf(dialogueID);
      const next = at < 0 ? list.ids[0] : list.ids[at + by];
      if (next) navigate(dialoguePath(next), { replace: dialogueID !== null });
    },
    [dialogueID, list.ids],
  );
  const focusSearch = () => {
    searchRef.current?.focus();
    searchRef.current?.select();
  };

  useHotkeys({
    "Mod+K": focusSearch,
    Slash: focusSearch,
    Help: () => setHelpOpen(true),
    J: () => step(1),
    K: () => step(-1),
    Escape: () => {
      if (document.activeElement instanceof HTMLElement && document.activeElement !== document.body) document.activeElement.blur();
      else if (place.page === "admin" || dialogueID !== null) navigate("/");
    },
  });

  const inboxShown = place.page === "inbox";
  const listShown = inboxShown && (!narrow || dialogueID === null);
  const dialogueShown = inboxShown && (!narrow || dialogueID !== null);

  return (
    <div className={classes.workplace} data-narrow={narrow || undefined} data-page={place.page}>
      <Rail view={inboxShown ? filter.view : null} section={place.page === "admin" ? place.section : null} onView={chooseView} onHelp={() => setHelpOpen(true)} />
      {listShown && (
        <section className={classes.list} aria-label={t("list.label")}>
          <Filters filter={filter} onChange={change} search={search} onSearch={setSearch} searchRef={searchRef} onLeaveSearch={() => listRef.current?.querySelector("a")?.focus()} />
          <AlarmBanners />
          <List list={list} filter={wanted} activeID={dialogueID} onClear={clear} onStep={step} scrollRef={listRef} />
        </section>
      )}
      {dialogueShown && (
        <main className={classes.dialogue}>
          {dialogueID === null ? <NoDialogue empty={!list.loading && list.ids.length === 0} /> : <DialoguePage key={dialogueID} id={dialogueID} narrow={narrow} />}
        </main>
      )}
      {place.page === "admin" && (
        <main className={classes.page}>
          <AdminPage key={`${place.section}/${place.cause ?? ""}`} section={place.section} cause={place.cause} />
        </main>
      )}
      <div className={classes.connection}>
        <ConnectionLine />
      </div>
      <Alerts />
      <HelpSheet opened={helpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}

/** Tells the server which dialogue is on the screen. */
function useShownDialogue(dialogueID: string | null): void {
  const live = useLive();
  useEffect(() => live.show(dialogueID), [live, dialogueID]);
}
