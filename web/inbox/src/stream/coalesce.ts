export interface Coalesced {
  call(): void;
  stop(): void;
}

/** Calls back at once, and for whatever comes within the pause after that once more at its end. */
export function coalesce(callback: () => void, pause: number): Coalesced {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let again = false;
  const run = () => {
    again = false;
    timer = setTimeout(() => {
      timer = null;
      if (again) run();
    }, pause);
    callback();
  };
  return {
    call: () => (timer === null ? run() : (again = true)),
    stop: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
