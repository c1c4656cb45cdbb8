import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import { ProblemError } from "../api/client";
import type { Dialogue, DialogueDetail } from "../api/types";
import { Composer, type ComposerHandle } from "../composer/composer";
import { CustomerPanel } from "../customer/panel";
import { useLive } from "../live";
import { openedToWrite } from "../router";
import { useHotkeys } from "../shell/keyboard";
import { useProblemText } from "../shell/problem";
import { usePanelChoice } from "../shell/settings";
import { useSelected, useStore } from "../store/store";
import { useDialogueActions, waitsForAnybody } from "./actions";
import { Header } from "./header";
import noneClasses from "./none.module.css";
import classes from "./page.module.css";
import { Transcript } from "./transcript";

export function DialoguePage({ id, narrow }: { id: string; narrow: boolean }) {
  const { t } = useTranslation();
  const store = useStore();
  const problemText = useProblemText();
  const dialogue = useSelected((state) => state.dialogues[id]);
  const detail = useQuery({
    queryKey: ["dialogue", id],
    queryFn: async ({ signal }) => {
      const found = await api.dialogue(id, signal);
      store.dispatch({ type: "dialogues", dialogues: [found] });
      store.dispatch({ type: "presence", presence: { dialogue_id: id, operators: found.viewers } });
      return found;
    },
    staleTime: 0,
  });

  if (!dialogue) {
    if (!detail.error) return null;
    const missing = detail.error instanceof ProblemError && (detail.error.code === "not_found" || detail.error.code === "invalid");
    return (
      <div className={noneClasses.none} role="alert">
        <p className={noneClasses.title}>{missing ? t("transcript.notFound") : t("error.title")}</p>
        <p className={noneClasses.text}>{missing ? t("transcript.notFoundText") : problemText(detail.error)}</p>
        {!missing && (
          <Button variant="default" mt="sm" onClick={() => void detail.refetch()}>
            {t("common.retry")}
          </Button>
        )}
      </div>
    );
  }
  return <OpenDialogue dialogue={dialogue} detail={detail.data ?? null} narrow={narrow} />;
}

function OpenDialogue({ dialogue, detail, narrow }: { dialogue: Dialogue; detail: DialogueDetail | null; narrow: boolean }) {
  const { outbox } = useLive();
  const [keepUnread, setKeepUnread] = useState(false);
  const actions = useDialogueActions(dialogue, () => setKeepUnread(true));
  const composer = useRef<ComposerHandle>(null);

  // As in a messenger; on a small screen the keyboard would cover what is to be read.
  useEffect(() => {
    if (openedToWrite() && !narrow) composer.current?.focusInput();
  }, []);

  // Beside the dialogue where there is room; over it, and folded at first, where there is not.
  const roomy = useMediaQuery("(min-width: 1400px)", window.innerWidth >= 1400, { getInitialValueInEffect: false });
  const wide = useMediaQuery("(min-width: 1600px)", window.innerWidth >= 1600, { getInitialValueInEffect: false });
  const [choice, setChoice] = usePanelChoice();
  const [overlaid, setOverlaid] = useState(false);
  const panelOpen = roomy ? (choice ?? wide) : overlaid;
  const togglePanel = () => (roomy ? setChoice(!panelOpen) : setOverlaid(!overlaid));

  useHotkeys({
    R: () => composer.current?.focus("text"),
    N: () => composer.current?.focus("note"),
    G: () => composer.current?.suggest(),
    "Mod+J": () => composer.current?.suggest(),
    B: () => void actions.setMode(dialogue.mode === "bot" || waitsForAnybody(dialogue) ? "operator" : "bot"),
    E: () => void actions.toggleStatus(),
    U: () => void actions.markUnread(),
    I: togglePanel,
  });

  return (
    <div className={classes.page} data-overlaid={(!roomy && panelOpen) || undefined}>
      <div className={classes.main}>
        <Header dialogue={dialogue} actions={actions} narrow={narrow} panelOpen={panelOpen} onPanel={togglePanel} />
        <Transcript
          dialogue={dialogue}
          keepUnread={keepUnread}
          onEdit={(pending) => {
            composer.current?.bringBack(pending.text, pending.kind);
            outbox.discard(pending.clientID);
          }}
        />
        <Composer ref={composer} dialogue={dialogue} />
      </div>
      {panelOpen && <CustomerPanel dialogue={dialogue} detail={detail} onClose={togglePanel} />}
    </div>
  );
}
