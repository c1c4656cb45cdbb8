// Times as people read them, in the language of the interface.
import type { TFunction } from "i18next";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const startOfDay = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
const daysBetween = (earlier: Date, later: Date) => Math.round((startOfDay(later) - startOfDay(earlier)) / day);

/** How long somebody has been waiting: 4:12, then 1 h 04 min, then 2 d 3 h. */
export function waitingTime(t: TFunction, milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
  if (hours < 24) return t("time.hoursMinutes", { h: hours, m: String(minutes % 60).padStart(2, "0") });
  return t("time.daysHours", { d: Math.floor(hours / 24), h: hours % 24 });
}

// Chromium has no Kazakh names of months and days; figures are written as in Russian.
const kazakh = {
  months: ["қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"],
  shortMonths: ["қаң.", "ақп.", "нау.", "сәу.", "мам.", "мау.", "шіл.", "там.", "қыр.", "қаз.", "қар.", "жел."],
  weekdays: ["жс", "дс", "сс", "ср", "бс", "жм", "сб"],
};

interface DateNames {
  weekday(at: Date): string;
  shortDate(at: Date): string;
  longDate(at: Date): string;
  fullDate(at: Date): string;
}

function dateNames(locale: string): DateNames {
  if (locale === "kk") {
    return {
      weekday: (at) => kazakh.weekdays[at.getDay()]!,
      shortDate: (at) => `${at.getDate()} ${kazakh.shortMonths[at.getMonth()]}`,
      longDate: (at) => `${at.getDate()} ${kazakh.months[at.getMonth()]}`,
      fullDate: (at) => `${at.getFullYear()} ж. ${at.getDate()} ${kazakh.months[at.getMonth()]}`,
    };
  }
  const tag = tagOf(locale);
  const weekday = new Intl.DateTimeFormat(tag, { weekday: "short" });
  const shortDate = new Intl.DateTimeFormat(tag, { day: "numeric", month: "short" });
  const longDate = new Intl.DateTimeFormat(tag, { day: "numeric", month: "long" });
  const fullDate = new Intl.DateTimeFormat(tag, { day: "numeric", month: "long", year: "numeric" });
  return {
    weekday: (at) => weekday.format(at),
    shortDate: (at) => shortDate.format(at),
    longDate: (at) => longDate.format(at),
    fullDate: (at) => fullDate.format(at),
  };
}

const tagOf = (locale: string) => (locale === "en" ? "en-GB" : "ru");

export class Formats {
  readonly #t: TFunction;
  readonly #tag: string;
  readonly #names: DateNames;
  readonly #time: Intl.DateTimeFormat;
  readonly #yearDate: Intl.DateTimeFormat;
  readonly #number: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;

  constructor(locale: string, t: TFunction) {
    const tag = tagOf(locale);
    this.#t = t;
    this.#tag = tag;
    this.#names = dateNames(locale);
    this.#time = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit" });
    this.#yearDate = new Intl.DateTimeFormat(tag, { day: "2-digit", month: "2-digit", year: "2-digit" });
    this.#number = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 0 });
  }

  time = (iso: string) => this.#time.format(new Date(iso));
  full = (iso: string) => `${this.#names.fullDate(new Date(iso))}, ${this.time(iso)}`;
  number = (value: number) => this.#number.format(value);
  percent = (share: number) => this.#percent.format(Math.min(1, Math.max(0, share)));

  /** How long something took. */
  took(milliseconds: number): string {
    return milliseconds < 100 ? this.#t("turn.instant") : this.#t("turn.seconds", { n: this.number(milliseconds / 1000) });
  }

  /** A sum in millionths of its currency; of less than one the first two figures that count. */
  money(micros: number, currency: string): string {
    const value = micros / 1_000_000;
    const precision: Intl.NumberFormatOptions = value !== 0 && Math.abs(value) < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
    // The sign of the tenge stands behind the number in every language.
    if (currency === "KZT") return `${new Intl.NumberFormat(this.#tag, precision).format(value)}\u00a0₸`;
    return new Intl.NumberFormat(this.#tag, { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: 0, ...precision }).format(value);
  }

  /** When, as short as a row of the list needs it. */
  ago(iso: string, now: number): string {
    const at = new Date(iso);
    const passed = now - at.getTime();
    if (passed < minute) return this.#t("time.now");
    if (passed < hour) return this.#t("time.minutes", { n: Math.floor(passed / minute) });
    const days = daysBetween(at, new Date(now));
    if (days <= 0) return this.#time.format(at);
    if (days === 1) return this.#t("time.yesterday");
    if (days < 7) return this.#names.weekday(at);
    return at.getFullYear() === new Date(now).getFullYear() ? this.#names.shortDate(at) : this.#yearDate.format(at);
  }

  /** The name of a day, as a separator in a transcript. */
  day(iso: string, now: number): string {
    const at = new Date(iso);
    const days = daysBetween(at, new Date(now));
    if (days <= 0) return this.#t("time.today");
    if (days === 1) return this.#t("time.yesterday");
    return at.getFullYear() === new Date(now).getFullYear() ? this.#names.longDate(at) : this.#yearDate.format(at);
  }

  /** How long it is until then. */
  left = (due: string, now: number) => waitingTime(this.#t, Date.parse(due) - now);

  waiting = (since: string, now: number) => waitingTime(this.#t, now - Date.parse(since));
}

export function useFormats(): Formats {
  const { t, i18n } = useTranslation();
  return useMemo(() => new Formats(i18n.language, t), [i18n.language, t]);
}
