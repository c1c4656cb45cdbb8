import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat, ChatState } from "../chat";
import { words } from "../words";
import { Composer } from "./composer";
import { CloseIcon } from "./icons";
import { Transcript } from "./transcript";

/** The whole app: who answers, the transcript, the text field. */
export function App({ chat }: { chat: Chat }) {
  const state = useChat(chat);
  const w = words[state.lang];
  const root = useRef<HTMLDivElement>(null);
  const { config } = state;

  useEffect(() => {
    document.documentElement.lang = state.lang;
    document.title = config.name || w.chat;
  }, [state.lang, config.name, w]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      chat.close();
    } else if (event.key === "Tab" && root.current) keepFocus(event, root.current);
  };

  return (
    <div class="app" role="dialog" aria-label={`${w.chat}: ${config.name}`} ref={root} onKeyDown={onKeyDown}>
      <header class="header">
        <span class="logo" aria-hidden="true">
          {[...config.name.trim()][0]?.toLocaleUpperCase()}
        </span>
        <div class="title">
          <h1>{config.name}</h1>
          {config.disclose_bot && <p>{w.whoAnswers}</p>}
        </div>
        <button type="button" class="icon-button" aria-label={w.close} title={w.close} onClick={() => chat.close()}>
          <CloseIcon />
        </button>
      </header>
      <Transcript chat={chat} state={state} />
      <p class="down" role="status" hidden={!state.down}>
        {state.down && w.down}
      </p>
      <Composer chat={chat} state={state} />
    </div>
  );
}

function useChat(chat: Chat): ChatState {
  const [state, setState] = useState(chat.getState());
  useEffect(() => {
    const update = () => setState(chat.getState());
    update();
    return chat.subscribe(update);
  }, [chat]);
  return state;
}

/** Tab goes round within the chat; Escape leaves it. */
function keepFocus(event: KeyboardEvent, root: HTMLElement): void {
  const reachable = [...root.querySelectorAll<HTMLElement>("button:not([disabled]), textarea, a[href], [tabindex='0']")];
  const first = reachable[0];
  const last = reachable.at(-1);
  const active = document.activeElement;
  if (event.shiftKey && active === first) last?.focus();
  else if (!event.shiftKey && active === last) first?.focus();
  else return;
  event.preventDefault();
}
