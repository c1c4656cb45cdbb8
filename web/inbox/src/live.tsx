// Ties the parts of a logged-in tab together: the store, the stream that feeds
// it, the outbox, presence, and the alarm when a human is needed.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { failureKeys, type FailureCounts } from "./admin/failures/failures";
import { concernsFailures } from "./admin/failures/news";
import { alarmKeys, type Alarms, isNewAlarm, withAlarm } from "./alerts/alarms";
import { type HandoffAlert, handoffAlert } from "./alerts/handoff";
import { Chime } from "./alerts/sound";
import { api } from "./api/calls";
import type { Alarm, Dialogue, Message, MessageAndDialogue, Operator, Presence, TurnProgress, Typing } from "./api/types";
import { serverNow } from "./server-clock";
import { Outbox } from "./store/outbox";
import { createStore, type Store, StoreProvider } from "./store/store";
import { coalesce, type Coalesced } from "./stream/coalesce";
import { type EventName, LiveStream, type StreamStatus } from "./stream/live-stream";
import { PresenceReporter } from "./stream/presence";

const typingLasts = 5_000;
const endedReplyLasts = 4_000;
const silentReplyLasts = 45_000;
const asleepFor = 30_000;
const failuresPause = 1_000;
const alarmsPause = 3_000;

type AlertListener = (alert: HandoffAlert) => void;
type AlarmListener = (alarm: Alarm) => void;

export class Live {
  readonly store: Store = createStore();
  readonly chime = new Chime();
  readonly outbox: Outbox;
  readonly presence: PresenceReporter;
  readonly #stream: LiveStream;
  readonly #me: Operator;
  readonly #queries: QueryClient;
  readonly #cleanups: (() => void)[] = [];
  readonly #replyTimers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #statusListeners = new Set<() => void>();
  readonly #failuresChanged: Coalesced;
  readonly #alarmsChanged: Coalesced;
  readonly #alertListeners = new Set<AlertListener>();
  readonly #alarmListeners = new Set<AlarmListener>();
  /** When there was last an alarm of each cause. */
  readonly #alarmed = new Map<string, number>();
  #status: StreamStatus = "connecting";
  #shown: string | null = null;
  #stopped = false;

  constructor(me: Operator, queries: QueryClient) {
    this.#me = me;
    this.#queries = queries;
    this.outbox = new Outbox({
      store: this.store,
      storageKey: `parley.outbox.${me.id}`,
      send: ({ dialogueID, clientID, kind, text, suggestionID }) =>
        kind === "note"
          ? api.addNote(dialogueID, { client_id: clientID, text })
          : api.sendMessage(dialogueID, { client_id: clientID, text, ...(suggestionID ? { suggestion_id: suggestionID } : {}) }),
    });
    this.presence = new PresenceReporter({ put: api.presence });
    this.#failuresChanged = coalesce(() => void queries.invalidateQueries({ queryKey: failureKeys.all }), failuresPause);
    this.#alarmsChanged = coalesce(() => void queries.invalidateQueries({ queryKey: alarmKeys.all }), alarmsPause);
    this.#stream = new LiveStream({
      open: (url) => new EventSource(url, { withCredentials: true }),
      resync: () => this.#resync(),
      onEvent: (name, data) => this.#take(name, data),
      onStatus: (status) => this.#setStatus(status),
      onOpen: (client) => this.presence.connected(client),
      checkSession: () => api.session(),
    });
  }

  start(): void {
    this.outbox.start();
    this.#cleanups.push(this.chime.arm(), this.#watchSleep());
    void this.#begin(1000);
  }

  stop(): void {
    this.#stopped = true;
    this.#stream.stop();
    this.outbox.stop();
    this.presence.stop();
    this.#failuresChanged.stop();
    this.#alarmsChanged.stop();
    this.#replyTimers.forEach((timer) => clearTimeout(timer));
    this.#cleanups.forEach((cleanup) => cleanup());
  }

  /** Says which dialogue is on the screen. */
  show(dialogueID: string | null): void {
    const before = this.#shown;
    this.#shown = dialogueID;
    this.presence.show(dialogueID);
    // Growing texts come only for the dialogue on the screen; a half one would stay for ever.
    const reply = before === null ? undefined : this.store.get().replies[before];
    if (before !== null && before !== dialogueID && reply) this.store.dispatch({ type: "reply-expired", dialogueID: before, turnID: reply.turnID });
  }

  status = (): StreamStatus => this.#status;

  onStatus = (listener: () => void): (() => void) => {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  };

  onAlert(listener: AlertListener): () => void {
    this.#alertListeners.add(listener);
    return () => this.#alertListeners.delete(listener);
  }

  onAlarm(listener: AlarmListener): () => void {
    this.#alarmListeners.add(listener);
    return () => this.#alarmListeners.delete(listener);
  }

  async #begin(delay: number): Promise<void> {
    try {
      const position = await this.#resync();
      if (!this.#stopped) this.#stream.start(position);
    } catch {
      if (this.#stopped) return;
      this.#setStatus("lost");
      const timer = setTimeout(() => void this.#begin(Math.min(delay * 2, 15_000)), delay);
      this.#cleanups.push(() => clearTimeout(timer));
    }
  }

  async #resync(): Promise<number> {
    const [recent, waiting] = await Promise.all([api.dialogues({ limit: 50 }), api.dialogues({ waiting: true, limit: 100 })]);
    this.store.dispatch({ type: "snapshot", dialogues: [...recent.dialogues, ...waiting.dialogues] });
    void this.#queries.invalidateQueries({ queryKey: ["dialogues"] });
    void this.#queries.invalidateQueries({ queryKey: ["dialogue"] });
    this.#failuresChanged.call();
    this.#alarmsChanged.call();
    return Math.min(recent.position, waiting.position);
  }

  #take(name: EventName, data: unknown): void {
    switch (name) {
      case "message": {
        const news = data as MessageAndDialogue;
        this.#alarm(news.dialogue);
        this.#noteFailures(news.dialogue, news.message);
        this.store.dispatch({ type: "message", news });
        return;
      }
      case "dialogue": {
        const { dialogue } = data as { dialogue: Dialogue };
        this.#alarm(dialogue);
        this.#noteFailures(dialogue);
        this.store.dispatch({ type: "dialogues", dialogues: [dialogue] });
        return;
      }
      case "alarm":
        this.#takeAlarm((data as { alarm: Alarm }).alarm);
        return;
      case "typing": {
        const typing = data as Typing;
        if (typing.author === "operator" && typing.name === this.#me.name) return;
        this.store.dispatch({ type: "typing", typing, at: Date.now() });
        const timer = setTimeout(() => this.store.dispatch({ type: "typing-expired", before: Date.now() - typingLasts }), typingLasts + 50);
        this.#cleanups.push(() => clearTimeout(timer));
        return;
      }
      case "turn":
        this.#takeTurn(data as TurnProgress);
        return;
      case "presence":
        this.store.dispatch({ type: "presence", presence: data as Presence });
    }
  }

  #takeTurn(progress: TurnProgress): void {
    this.store.dispatch({ type: "turn", progress });
    if (progress.kind !== "reply") return;
    clearTimeout(this.#replyTimers.get(progress.dialogue_id));
    this.#replyTimers.set(
      progress.dialogue_id,
      setTimeout(
        () => this.store.dispatch({ type: "reply-expired", dialogueID: progress.dialogue_id, turnID: progress.turn_id }),
        progress.state === "ended" ? endedReplyLasts : silentReplyLasts,
      ),
    );
  }

  #alarm(next: Dialogue): void {
    const watching = document.visibilityState === "visible" && document.hasFocus();
    const alert = handoffAlert(this.store.get().dialogues[next.id], next, {
      me: this.#me.id,
      lookingAt: watching ? this.#shown : null,
      now: serverNow(),
    });
    if (!alert) return;
    // Of all dialogues that one failure concerns its alarm has told.
    if (alert.kind === "handoff" && next.handoff_reason === "bot_error" && this.#alarms().some(({ closed_at }) => closed_at === null)) return;
    this.chime.play();
    this.#alertListeners.forEach((listener) => listener(alert));
  }

  #noteFailures(dialogue: Dialogue, message?: Message): void {
    const open = this.#queries.getQueryData<FailureCounts>(failureKeys.counts)?.open ?? 0;
    const before = this.store.get().dialogues[dialogue.id];
    const news = { before, dialogue, ...(message ? { message } : {}) };
    if (concernsFailures(news, open)) this.#failuresChanged.call();
    const alarms = this.#alarms();
    if (alarms.length > 0 && concernsFailures(news, alarms.reduce((sum, { waiting }) => sum + waiting, 0))) this.#alarmsChanged.call();
  }

  #alarms(): Alarm[] {
    return this.#queries.getQueryData<Alarms>(alarmKeys.all)?.alarms ?? [];
  }

  #takeAlarm(alarm: Alarm): void {
    this.#queries.setQueryData<Alarms>(alarmKeys.all, (known) => ({ alarms: withAlarm(known?.alarms ?? [], alarm) }));
    this.#alarmsChanged.call();
    const now = serverNow();
    if (!isNewAlarm(alarm, this.#alarmed.get(alarm.cause), now)) return;
    this.#alarmed.set(alarm.cause, now);
    this.chime.play();
    this.#alarmListeners.forEach((listener) => listener(alarm));
  }

  #setStatus(status: StreamStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#statusListeners.forEach((listener) => listener());
    if (status === "open") this.outbox.flush();
  }

  /** After a sleep, or on another network, a connection may be dead without knowing it. */
  #watchSleep(): () => void {
    const reconnect = () => this.#stream.reconnect();
    let seen = Date.now();
    const timer = setInterval(() => {
      if (Date.now() - seen > asleepFor && this.#status !== "connecting") reconnect();
      seen = Date.now();
    }, 5_000);
    window.addEventListener("online", reconnect);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", reconnect);
    };
  }
}

const LiveContext = createContext<Live | null>(null);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("useLive outside of LiveProvider");
  return live;
}

export function useStreamStatus(): StreamStatus {
  const live = useLive();
  return useSyncExternalStore(live.onStatus, live.status);
}

export function LiveProvider({ operator, children }: { operator: Operator; children: ReactNode }) {
  const queries = useQueryClient();
  const [live, setLive] = useState<Live | null>(null);
  useEffect(() => {
    const created = new Live(operator, queries);
    created.start();
    setLive(created);
    return () => created.stop();
  }, [operator, queries]);
  return live && <LiveScope live={live}>{children}</LiveScope>;
}

/** Gives a Live to everything inside. */
export function LiveScope({ live, children }: { live: Live; children: ReactNode }) {
  return (
    <LiveContext.Provider value={live}>
      <StoreProvider value={live.store}>{children}</StoreProvider>
    </LiveContext.Provider>
  );
}
