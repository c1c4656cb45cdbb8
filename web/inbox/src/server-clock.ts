// The server's clock, as far as it can be told from here: waiting times are
// counted from its timestamps, and this machine's clock may be wrong.

let offset = 0;

/** Takes the Date header of a response into account. It has whole seconds, so small differences are ignored. */
export function noteServerDate(header: string | null, sentAt: number, receivedAt: number): void {
  const server = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(server)) return;
  const difference = server + 500 - (sentAt + receivedAt) / 2;
  offset = Math.abs(difference) < 3000 ? 0 : difference;
}

/** Milliseconds since 1970 by the server's clock. */
export function serverNow(): number {
  return Date.now() + offset;
}
