import { Fragment } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../api";
import type { Chat, ChatState } from "../chat";
import { day, sameDay } from "../dates";
import { words } from "../words";
import { DownIcon } from "./icons";
import { AuthorLine, MessageView, OutgoingView } from "./message";

const nearBottom = 60;
const groupGap = 5 * 60_000;

/** The messages, oldest first. It stays at its end while the visitor is there, and stays put while they read older ones. */
export function Transcript({ chat, state }: { chat: Chat; state: ChatState }) {
  const w = words[state.lang];
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [behind, setBehind] = useState(false);
  const { messages, outgoing, typing, open } = state;

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
    atEnd.current = true;
    setBehind(false);
  };
  const newest = messages.at(-1)?.seq ?? 0;
  const written = outgoing.length;
  const seen = useRef({ newest, written });
  useLayoutEffect(() => {
    const wrote = written > seen.current.written;
    const came = newest > seen.current.newest;
    seen.current = { newest, written };
    if (atEnd.current || wrote) toEnd();
    else if (came) setBehind(true);
  }, [newest, written, typing]);
  useLayoutEffect(() => {
    if (open) toEnd();
  }, [open]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearBottom;
    if (atEnd.current) setBehind(false);
  };

  return (
    <div class="transcript-frame">
      <div class="transcript" data-testid="widget-transcript" ref={box} onScroll={onScroll} role="log" aria-live="polite" aria-busy={state.loading} aria-label={w.chat} tabIndex={0}>
        {state.loading ? (
          <p class="hint" role="status">
            {w.loading}
          </p>
        ) : (
          <div class="intro">
            <p>{w.greeting}</p>
            {state.config.disclose_bot && <p class="disclosure">{w.disclosure}</p>}
          </div>
        )}
        {messages.map((message, i) => (
          <Fragment key={message.seq}>
            <Before message={message} previous={messages[i - 1]} state={state} />
            <MessageView message={message} lang={state.lang} />
          </Fragment>
        ))}
        {outgoing.map((item) => (
          <OutgoingView key={item.clientID} item={item} chat={chat} lang={state.lang} />
        ))}
        {typing && (
          <div class="typing" data-testid="widget-typing">
            <span class="dots" aria-hidden="true">
              <i />
              <i />
              <i />
            </span>
            <span class="hidden">{typing === "bot" ? w.botTyping : w.operatorTyping}</span>
          </div>
        )}
      </div>
      {behind && (
        <button type="button" class="to-end" onClick={toEnd}>
          <DownIcon /> {w.newMessages}
        </button>
      )}
    </div>
  );
}

/** What stands above a message: a new day, and who writes when that changes. */
function Before({ message, previous, state }: { message: Message; previous: Message | undefined; state: ChatState }) {
  const at = new Date(message.created_at);
  const before = previous && new Date(previous.created_at);
  const newDay = !before || !sameDay(before, at);
  const sameHand = previous?.author === message.author && before !== undefined && at.getTime() - before.getTime() < groupGap;
  return (
    <>
      {newDay && <p class="day">{day(at, state.lang)}</p>}
      {(newDay || !sameHand) && <AuthorLine author={message.author} state={state} />}
    </>
  );
}
