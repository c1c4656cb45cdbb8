// One clock for everything on the screen that counts seconds or minutes.
import { useSyncExternalStore } from "react";
import { serverNow } from "../server-clock";

interface Clock {
  subscribe(listener: () => void): () => void;
  now(): number;
}

function createClock(period: number): Clock {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | null = null;
  let now = serverNow();
  const tick = () => {
    now = serverNow();
    listeners.forEach((listener) => listener());
  };
  return {
    subscribe(listener) {
      if (listeners.size === 0) {
        now = serverNow();
        timer = setInterval(tick, period);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && timer !== null) clearInterval(timer);
      };
    },
    now: () => now,
  };
}

const seconds = createClock(1000);
const minutes = createClock(20_000);

export const useSecond = (): number => useSyncExternalStore(seconds.subscribe, seconds.now);
export const useMinute = (): number => useSyncExternalStore(minutes.subscribe, minutes.now);
