/** One message as the visitor sees it. */
export interface Message {
  id: string;
  seq: number;
  author: "customer" | "bot" | "operator" | "system";
  text: string;
  created_at: string;
  client_id: string | null;
}

/** The transcript, or what is new in it. */
export interface History {
  messages: Message[];
  position: number;
}

/** An answer of the server that is not the one asked for. Status 0: there was no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number | null;

  constructor(status: number, message: string, retryAfter: number | null = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same call may succeed later. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

const callTimeout = 20_000;

/** The widget's part of the API, on the origin that served the app. */
export class Api {
  private readonly fetch: typeof fetch;

  constructor(fetchFunc: typeof fetch = (input, init) => fetch(input, init)) {
    this.fetch = fetchFunc;
  }

  async createSession(channel: string): Promise<string> {
    const response = await this.call("POST", "/widget/v1/sessions", { body: { channel } });
    return ((await response.json()) as { token: string }).token;
  }

  async send(token: string, clientID: string, text: string): Promise<Message> {
    const response = await this.call("POST", "/widget/v1/messages", { token, body: { client_id: clientID, text } });
    return (await response.json()) as Message;
  }

  /** The messages after a seq, or the newest ones without it. */
  async history(token: string, after: number | null, signal?: AbortSignal): Promise<History> {
    const query = after === null ? "" : `?after=${after}`;
    const response = await this.call("GET", `/widget/v1/messages${query}`, { token, signal });
    return (await response.json()) as History;
  }

  async typing(token: string): Promise<void> {
    await this.call("POST", "/widget/v1/typing", { token });
  }

  async receipts(token: string, upTo: { delivered?: number; read?: number }): Promise<void> {
    await this.call("POST", "/widget/v1/receipts", { token, body: upTo });
  }

  /** Opens the stream after a position; resumed tells the server that this client has been there before. */
  async stream(token: string, position: string, resumed: boolean, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const response = await this.call("GET", `/widget/v1/stream?after=${encodeURIComponent(position)}`, {
      token,
      signal,
      endless: true,
      headers: resumed ? { Accept: "text/event-stream", "Last-Event-ID": position } : { Accept: "text/event-stream" },
    });
    if (!response.body) throw new ApiError(0, "the stream has no body");
    return response.body;
  }

  private async call(method: string, path: string, options: CallOptions): Promise<Response> {
    const headers: Record<string, string> = { ...options.headers };
    if (options.token) headers["Authorization"] = `Bearer ${options.token}`;
    if (options.body !== undefined) headers["Content-Type"] = "application/json";

    const abort = new AbortController();
    const stop = () => abort.abort();
    options.signal?.addEventListener("abort", stop, { once: true });
    if (options.signal?.aborted) stop();
    const timer = setTimeout(stop, callTimeout);
    let response: Response;
    try {
      response = await this.fetch(path, {
        method,
        headers,
        body: options.body === undefined ? null : JSON.stringify(options.body),
        cache: "no-store",
        credentials: "omit",
        signal: abort.signal,
      });
      // An ordinary answer is read here, so that the time limit covers its body too.
      if (!options.endless && response.ok) response = new Response(response.status === 204 ? null : await response.text(), { status: response.status });
    } catch (error) {
      throw new ApiError(0, `${method} ${path}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      clearTimeout(timer);
      if (!options.endless) options.signal?.removeEventListener("abort", stop);
    }
    if (!response.ok) throw new ApiError(response.status, `${method} ${path}: HTTP ${response.status}`, retryAfter(response));
    return response;
  }
}

interface CallOptions {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  endless?: boolean;
}

function retryAfter(response: Response): number | null {
  const value = response.headers.get("Retry-After");
  if (!value) return null;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 120_000) : null;
}
