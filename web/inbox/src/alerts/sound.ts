// A short two-note chime, made on the spot. Browsers let a page sound only after
// the first gesture, so the audio context is woken by one.
import { isBoolean, readStored, writeStored } from "../storage";

const storageKey = "parley.sound";

export class Chime {
  #context: AudioContext | null = null;
  #on = readStored(storageKey, isBoolean) ?? true;
  readonly #listeners = new Set<() => void>();

  /** Waits for the first gesture; returns how to stop waiting. */
  arm(): () => void {
    const events = ["pointerdown", "keydown"] as const;
    const wake = () => {
      this.#wake();
      disarm();
    };
    const disarm = () => events.forEach((name) => window.removeEventListener(name, wake));
    events.forEach((name) => window.addEventListener(name, wake));
    return disarm;
  }

  isOn = (): boolean => this.#on;

  setOn(on: boolean): void {
    this.#on = on;
    writeStored(storageKey, on);
    this.#listeners.forEach((listener) => listener());
    if (on) this.play();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  play(): void {
    const context = this.#wake();
    if (!this.#on || !context) return;
    const askedAt = Date.now();
    const ring = () => {
      if (Date.now() - askedAt > 1000) return; // allowed too late to mean anything
      note(context, 659.25, 0);
      note(context, 880, 0.14);
    };
    if (context.state === "running") ring();
    else void context.resume().then(ring, () => undefined);
  }

  #wake(): AudioContext | null {
    if (typeof AudioContext === "undefined") return null;
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") this.#context.resume().catch(() => undefined);
    return this.#context;
  }
}

function note(context: AudioContext, frequency: number, after: number): void {
  const start = context.currentTime + after;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.16, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.45);
  gain.connect(context.destination);
  const oscillator = context.createOscillator();
  oscillator.type = "sine";
  oscillator.frequency.value = frequency;
  oscillator.connect(gain);
  oscillator.start(start);
  oscillator.stop(start + 0.5);
}
