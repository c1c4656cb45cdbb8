import { ActionIcon, Button, Textarea, Tooltip, UnstyledButton } from "@mantine/core";
import { IconArrowBackUp, IconNote, IconPlayerStop, IconSend2, IconSparkles } from "@tabler/icons-react";
import { type KeyboardEvent, type Ref, useImperativeHandle, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";
import { SourcePopover } from "../dialogue/source-popover";
import { useLive } from "../live";
import { useMe } from "../session/session";
import classes from "./composer.module.css";
import { type DraftKind, emptyDraft, type Suggestion, useDraft } from "./drafts";
import { useSuggestion } from "./suggestion";

const longest = 10_000;

export interface ComposerHandle {
  focusInput(): void;
  focus(kind: DraftKind): void;
  suggest(): void;
  /** Puts a text that could not be sent back, in front of what is typed now. */
  bringBack(text: string, kind: DraftKind): void;
}

export function Composer({ dialogue, ref }: { dialogue: Dialogue; ref?: Ref<ComposerHandle> }) {
  const { t } = useTranslation();
  const live = useLive();
  const me = useMe();
  const input = useRef<HTMLTextAreaElement>(null);
  const [draft, change] = useDraft(me.id, dialogue.id);
  const focusInput = () => requestAnimationFrame(() => input.current?.focus());
  const suggestion = useSuggestion(dialogue.id, draft, change, focusInput);
  const { writing } = suggestion;

  const note = draft.kind === "note";
  const text = writing ?? draft.text;
  const length = [...draft.text].length;
  const tooLong = length > longest;
  const canSend = writing === null && draft.text.trim() !== "" && !tooLong;

  const send = () => {
    if (!canSend) return;
    live.outbox.add({ dialogueID: dialogue.id, kind: draft.kind, text: draft.text.trim(), suggestionID: note ? null : (draft.suggestion?.turnID ?? null) });
    change(emptyDraft); // after a note too: what comes next is for the customer, unless it is said to be a note again
    suggestion.forgetOutcome();
    input.current?.focus();
  };
  const ask = () => {
    if (writing !== null) return;
    change({ kind: "text" });
    void suggestion.ask();
  };
  const restore = () => {
    change({ text: draft.suggestion?.before ?? "", suggestion: null });
    input.current?.focus();
  };
  const setKind = (kind: DraftKind) => {
    change({ kind });
    focusInput();
  };
  useImperativeHandle(ref, () => ({
    focusInput,
    focus: setKind,
    suggest: ask,
    bringBack: (lost, kind) => {
      change({ kind, text: draft.text === "" ? lost : `${lost}\n${draft.text}` });
      focusInput();
    },
  }));

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape" && writing !== null) {
      event.preventDefault();
      suggestion.cancel();
    } else if (event.key === "Escape" && draft.suggestion) {
      event.preventDefault();
      restore();
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
    }
  };

  return (
    <div className={classes.composer} data-kind={draft.kind}>
      <div className={classes.inner}>
        <div className={classes.box}>
          <Textarea
            ref={input}
            data-testid="composer-input"
            classNames={{ root: classes.field, input: classes.input }}
            variant="unstyled"
            autosize
            minRows={1}
            maxRows={10}
            dir="auto"
            aria-label={note ? t("composer.noteLabel") : t("composer.label")}
            placeholder={note ? t("composer.notePlaceholder") : t("composer.placeholder")}
            value={text}
            readOnly={writing !== null}
            aria-busy={writing !== null}
            onChange={(event) => {
              const typed = event.currentTarget.value;
              change(typed === "" ? { text: "", suggestion: null } : { text: typed });
              suggestion.forgetOutcome();
              if (!note) live.presence.typed();
            }}
            onKeyDown={onKeyDown}
          />
          <div className={classes.actions}>
            <div className={classes.tabs} role="group" aria-label={t("composer.kind")}>
              <UnstyledButton className={classes.tab} aria-pressed={!note} onClick={() => setKind("text")}>
                {t("composer.reply")}
              </UnstyledButton>
              <UnstyledButton className={classes.tab} aria-pressed={note} onClick={() => setKind("note")}>
                <IconNote size={15} stroke={1.8} aria-hidden />
                <span className={classes.long}>{t("composer.note")}</span>
                <span className={classes.short} aria-hidden>
                  {t("composer.noteShort")}
                </span>
              </UnstyledButton>
            </div>
            {!note &&
              (writing === null ? (
                <Button data-testid="suggest" className={classes.suggest} variant="default" onClick={ask}>
                  <IconSparkles size={16} stroke={1.8} aria-hidden />
                  <span className={classes.suggestName}>{t("composer.suggest")}</span>
                </Button>
              ) : (
                <Button variant="default" leftSection={<IconPlayerStop size={16} stroke={1.8} aria-hidden />} onClick={suggestion.cancel}>
                  {t("composer.cancelSuggest")}
                </Button>
              ))}
            <Tooltip label={note ? t("composer.saveNote") : t("composer.hint")}>
              <ActionIcon className={classes.send} size={36} variant="filled" color={note ? "#7a5f00" : "accent"} aria-label={note ? t("composer.saveNote") : t("composer.send")} aria-disabled={!canSend} data-disabled={!canSend || undefined} onClick={send}>
                <IconSend2 size={18} stroke={1.8} />
              </ActionIcon>
            </Tooltip>
          </div>
        </div>
        <div className={classes.below} role="status">
          <Hint dialogue={dialogue} note={note} writing={writing !== null} tooLong={tooLong ? length : null} suggestion={draft.suggestion} outcome={suggestion.outcome} onRestore={restore} />
        </div>
      </div>
    </div>
  );
}

interface HintProps {
  dialogue: Dialogue;
  note: boolean;
  writing: boolean;
  tooLong: number | null;
  suggestion: Suggestion | null;
  outcome: "nothing" | "failed" | null;
  onRestore(): void;
}

/** The line under the input: what sending will do, and where a draft comes from. */
function Hint({ dialogue, note, writing, tooLong, suggestion, outcome, onRestore }: HintProps) {
  const { t } = useTranslation();
  if (writing) return <span>{t("composer.suggesting")}</span>;
  if (tooLong !== null) return <span className={classes.problem}>{t("composer.tooLong", { count: tooLong, max: longest })}</span>;
  if (outcome) return <span>{outcome === "nothing" ? t("composer.nothing") : t("composer.suggestFailed")}</span>;
  if (note) return <span>{t("composer.noteLabel")}</span>;
  return (
    <>
      {suggestion && (
        <span className={classes.sources}>
          <span>{t("composer.suggested")}</span>
          {suggestion.sources.length > 0 && <span>{t("composer.basedOn")}</span>}
          {suggestion.sources.slice(0, 3).map((source) => (
            <SourcePopover key={source.id} title={source.title} text={source.text} />
          ))}
          <UnstyledButton className={classes.restore} onClick={onRestore}>
            <IconArrowBackUp size={14} stroke={1.8} aria-hidden />
            {suggestion.before === "" ? t("composer.clearDraft") : t("composer.restore")} <kbd>Esc</kbd>
          </UnstyledButton>
        </span>
      )}
      {dialogue.mode === "bot" && <span className={classes.takesOver}>{t("composer.takesOver")}</span>}
      {dialogue.mode === "operator" && dialogue.status === "closed" && <span>{t("composer.reopens")}</span>}
      {dialogue.mode === "operator" && dialogue.status !== "closed" && !suggestion && <span className={classes.keys}>{t("composer.hint")}</span>}
    </>
  );
}
