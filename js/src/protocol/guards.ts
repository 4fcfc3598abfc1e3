// Type guards from which `messages.ts` builds its types: one definition for the compiler and for messages.

/** Checks that a value is a `T`. Extra keys are allowed: an older page must accept a newer kernel. */
export type Guard<T> = (value: unknown) => value is T;
export type Guarded<G> = G extends Guard<infer T> ? T : never;

const guard = <T>(check: (value: unknown) => boolean): Guard<T> => check as Guard<T>;

export const text = guard<string>((v) => typeof v === "string");
export const flag = guard<boolean>((v) => typeof v === "boolean");
export const number = guard<number>((v) => typeof v === "number" && Number.isFinite(v));
export const whole = guard<number>((v) => Number.isInteger(v));

export const orNull = <T>(of: Guard<T>): Guard<T | null> => guard((v) => v === null || of(v));
export const oneOf = <T extends string>(...names: T[]): Guard<T> => guard((v) => names.includes(v as T));
export const list = <T>(of: Guard<T>): Guard<T[]> => guard((v) => Array.isArray(v) && v.every(of));
export const many = (n: number): Guard<number[]> =>
  guard((v) => Array.isArray(v) && v.length === n && v.every((x) => whole(x) && x >= 0));

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

export const mapOf = <T>(of: Guard<T>): Guard<Record<string, T>> =>
  guard((v) => isObject(v) && Object.values(v).every(of));

type Shape = Record<string, Guard<unknown>>;
type Whole<S extends Shape> = { [K in keyof S]: Guarded<S[K]> };
type Simple<T> = { [K in keyof T]: T[K] };

/** An object with all keys of `required`, and those of `optional` where present. */
export function record<R extends Shape, O extends Shape = Record<never, never>>(
  required: R,
  optional?: O,
): Guard<Simple<Whole<R> & Partial<Whole<O>>>> {
  const must = Object.entries(required);
  const may = Object.entries(optional ?? {});
  return guard(
    (v) =>
      isObject(v) &&
      must.every(([key, of]) => of(v[key])) &&
      may.every(([key, of]) => v[key] === undefined || of(v[key])),
  );
}
