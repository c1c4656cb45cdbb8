// A small fetch client whose paths, parameters and bodies are those of the API's contract.
import { noteServerDate } from "../server-clock";
import type { paths } from "./schema.gen";
import type { Problem, ProblemCode } from "./types";

type Method = "get" | "post" | "put" | "delete";
type Operation<P extends keyof paths, M extends Method> = paths[P][M];

type Json<R> = R extends { content: { "application/json": infer T } } ? T : undefined;
type Result<O> = O extends { responses: infer R }
  ? R extends { 200: infer A }
    ? Json<A>
    : R extends { 201: infer B }
      ? Json<B>
      : R extends { 202: infer C }
        ? Json<C>
        : undefined
  : never;
type PathOf<O> = O extends { parameters: { path: infer T } } ? { path: T } : { path?: undefined };
type QueryOf<O> = O extends { parameters: { query?: infer T } } ? { query?: T } : { query?: undefined };
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer T } } } ? { body: T } : { body?: undefined };
type Options<O> = PathOf<O> & QueryOf<O> & BodyOf<O> & { signal?: AbortSignal };

/** The API answered, and said no. */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;

  constructor(problem: Pick<Problem, "status" | "code" | "detail">) {
    super(problem.detail);
    this.name = "ProblemError";
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
  }
}

/** The API could not be reached. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super("the server could not be reached", { cause });
    this.name = "NetworkError";
  }
}

/** Whether the same call may well succeed later, unchanged. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof NetworkError) return true;
  return error instanceof ProblemError && (error.status >= 500 || error.status === 429 || error.status === 408);
}

const unauthorizedListeners = new Set<() => void>();

/** Calls back when the API no longer knows who we are. */
export function onUnauthorized(listener: () => void): () => void {
  unauthorizedListeners.add(listener);
  return () => unauthorizedListeners.delete(listener);
}

function address(path: string, options: { path?: unknown; query?: unknown }): string {
  const inPath = (options.path ?? {}) as Record<string, string | number>;
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(inPath[name])));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries((options.query ?? {}) as Record<string, unknown>)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const search = query.toString();
  return search ? `${url}?${search}` : url;
}

function codeOf(status: number): ProblemCode {
  switch (status) {
    case 400:
    case 422:
      return "invalid";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 409:
      return "conflict";
    case 413:
      return "too_large";
    case 429:
      return "rate_limited";
    case 502:
    case 503:
    case 504:
      return "unavailable";
    default:
      return "internal";
  }
}

async function problemOf(response: Response): Promise<ProblemError> {
  const fallback = { status: response.status, code: codeOf(response.status), detail: response.statusText };
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ProblemError({
      status: response.status,
      code: problem.code ?? fallback.code,
      detail: problem.detail ?? fallback.detail,
    });
  } catch {
    return new ProblemError(fallback); // a proxy's page, not the API's
  }
}

/** Makes one call of the API. Throws ProblemError or NetworkError. */
export async function call<P extends keyof paths, M extends Method>(
  method: M,
  path: P,
  options: Options<Operation<P, M>>,
): Promise<Result<Operation<P, M>>> {
  const init: RequestInit = { method: method.toUpperCase(), credentials: "same-origin", headers: { Accept: "application/json" } };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let response: Response;
  const sentAt = Date.now();
  try {
    response = await fetch(address(path, options), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new NetworkError(error);
  }
  noteServerDate(response.headers.get("Date"), sentAt, Date.now());
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401) unauthorizedListeners.forEach((listener) => listener());
    throw problem;
  }
  if (response.status === 204) return undefined as Result<Operation<P, M>>;
  try {
    return (await response.json()) as Result<Operation<P, M>>;
  } catch (error) {
    throw new NetworkError(error);
  }
}
