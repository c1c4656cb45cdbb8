import type { ru } from "./ru";

/** The keys that every language has. The forms for few and many exist only in Russian. */
type Shape<T> = {
  [K in keyof T as K extends `${string}_few` | `${string}_many` ? never : K]: T[K] extends string ? string : Shape<T[K]>;
};

export type Translation = Shape<typeof ru>;
