/** One event of a text/event-stream. */
export interface StreamEvent {
  /** The last id that the stream has given, this event's or an earlier one's. */
  id: string;
  name: string;
  data: string;
}

/** Reads a text/event-stream piece by piece, as the standard of server-sent events says. */
export class StreamParser {
  private buffer = "";
  private afterCR = false;
  private started = false;
  private id: string;
  private name = "";
  private data: string[] = [];

  constructor(lastID = "") {
    this.id = lastID;
  }

  /** Takes the next piece of the stream and returns the events that it completes. */
  push(piece: string): StreamEvent[] {
    if (!this.started && piece !== "") {
      this.started = true;
      if (piece.startsWith("\uFEFF")) piece = piece.slice(1);
    }
    // A line may end in CR LF with the piece's border between the two.
    if (this.afterCR && piece.startsWith("\n")) piece = piece.slice(1);
    if (piece !== "") this.afterCR = piece.endsWith("\r");
    this.buffer += piece;

    const lines = this.buffer.split(/\r\n|\r|\n/);
    this.buffer = lines.pop() ?? "";
    const events: StreamEvent[] = [];
    for (const line of lines) {
      const event = this.line(line);
      if (event) events.push(event);
    }
    return events;
  }

  private line(line: string): StreamEvent | null {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatch(): StreamEvent | null {
    const { name, data } = this;
    this.name = "";
    this.data = [];
    if (data.length === 0) return null;
    return { id: this.id, name: name || "message", data: data.join("\n") };
  }
}
