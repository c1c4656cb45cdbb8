import { memo } from "./memo";
import type { Lang } from "../../lang";
import type { Message } from "../api";
import type { Chat, ChatState } from "../chat";
import { clock } from "../dates";
import { splitText } from "../links";
import type { Outgoing } from "../outbox";
import { words } from "../words";
import { AlertIcon, BotIcon, CheckIcon, ClockIcon, PersonIcon } from "./icons";

/** Who writes the messages that follow. */
export function AuthorLine({ author, state }: { author: Message["author"]; state: ChatState }) {
  const w = words[state.lang];
  const { bot_name: name, disclose_bot: disclose } = state.config;
  switch (author) {
    case "customer":
      return <p class="hidden">{w.you}</p>;
    case "bot":
      return (
        <p class="author">
          <BotIcon />
          {name && <span>{name}</span>}
          {(disclose || !name) && <span class="tag">{w.bot}</span>}
        </p>
      );
    case "operator":
      return (
        <p class="author">
          <PersonIcon />
          <span>{w.operator}</span>
        </p>
      );
    case "system":
      return null;
  }
}

/** One message that the server has. */
export const MessageView = memo(function MessageView({ message, lang }: { message: Message; lang: Lang }) {
  const w = words[lang];
  const at = new Date(message.created_at);
  return (
    <div class={`message ${message.author}`} data-testid="widget-message" data-author={message.author} data-state="sent" data-seq={message.seq}>
      <div class="text" dir="auto">
        <Text text={message.text} />
      </div>
      {message.author !== "system" && (
        <p class="meta">
          <time dateTime={message.created_at}>{clock(at, lang)}</time>
          {message.author === "customer" && (
            <span class="state">
              <CheckIcon />
              <span class="hidden">{w.sent}</span>
            </span>
          )}
        </p>
      )}
    </div>
  );
});

/** One message on its way to the server. */
export function OutgoingView({ item, chat, lang }: { item: Outgoing; chat: Chat; lang: Lang }) {
  const w = words[lang];
  return (
    <div class={`message customer ${item.state}`} data-testid="widget-message" data-author="customer" data-state={item.state} aria-live="off">
      <div class="text" dir="auto">
        <Text text={item.text} />
      </div>
      {item.state === "failed" ? (
        <div class="failure" role="alert">
          <p>
            <AlertIcon /> {item.failure === "too_long" ? w.tooLong : w.refused}
          </p>
          {item.failure !== "too_long" && (
            <button type="button" onClick={() => chat.retry(item.clientID)}>
              {w.retry}
            </button>
          )}
          <button type="button" onClick={() => chat.edit(item.clientID)}>
            {w.edit}
          </button>
        </div>
      ) : (
        <p class="meta">
          <span class="state">
            <ClockIcon />
            <span class={item.state === "sending" ? "hidden" : ""}>{item.state === "sending" ? w.sending : w.waiting}</span>
          </span>
        </p>
      )}
    </div>
  );
}

function Text({ text }: { text: string }) {
  return (
    <>
      {splitText(text).map((piece, i) => {
        if (piece.href) {
          return (
            <a key={i} href={piece.href} target="_blank" rel="noopener noreferrer nofollow ugc">
              {piece.text}
            </a>
          );
        }
        return piece.unbroken ? (
          <span key={i} class="unbroken">
            {piece.text}
          </span>
        ) : (
          piece.text
        );
      })}
    </>
  );
}
