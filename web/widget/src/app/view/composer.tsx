import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Chat, ChatState } from "../chat";
import { words } from "../words";
import { SendIcon } from "./icons";

const maxLength = 4000;
const warnBelow = 200;

/** The text field and its button. */
export function Composer({ chat, state }: { chat: Chat; state: ChatState }) {
  const w = words[state.lang];
  const field = useRef<HTMLTextAreaElement>(null);
  const { draft, focus, open } = state;
  const left = maxLength - draft.length;

  useLayoutEffect(() => {
    const element = field.current;
    if (!element || !open) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [draft, open]);
  useEffect(() => {
    if (focus > 0) field.current?.focus();
  }, [focus]);

  const send = () => {
    chat.submit(field.current?.value ?? draft);
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    // On a touch keyboard Enter is the only way to a new line.
    const newLine = event.shiftKey || matchMedia("(pointer: coarse)").matches;
    if (newLine && !command) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        data-testid="widget-input"
        rows={1}
        maxLength={maxLength}
        value={draft}
        placeholder={w.placeholder}
        aria-label={w.placeholder}
        enterkeyhint="send"
        onInput={(event) => chat.type(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" class="send" data-testid="widget-send" aria-label={w.send} title={w.send} disabled={draft.trim() === ""}>
        <SendIcon />
      </button>
      {left < warnBelow && <p class="left">{w.left(left)}</p>}
    </form>
  );
}
