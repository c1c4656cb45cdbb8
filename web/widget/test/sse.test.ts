import { describe, expect, test } from "vitest";
import { StreamParser, type StreamEvent } from "../src/app/sse";

function read(pieces: string[], lastID = ""): StreamEvent[] {
  const parser = new StreamParser(lastID);
  return pieces.flatMap((piece) => parser.push(piece));
}

describe("StreamParser", () => {
  test.each<[string, string, StreamEvent[]]>([
    ["a named event with an id", "id: 7\nevent: message\ndata: {}\n\n", [{ id: "7", name: "message", data: "{}" }]],
    ["no name: message", "data: x\n\n", [{ id: "", name: "message", data: "x" }]],
    ["several data lines", "data: a\ndata: b\n\n", [{ id: "", name: "message", data: "a\nb" }]],
    ["one space after the colon belongs to the format", "data:  x\ndata:y\n\n", [{ id: "", name: "message", data: " x\ny" }]],
    ["comments are heartbeats", ": hb\n\n:\n\ndata: x\n\n", [{ id: "", name: "message", data: "x" }]],
    ["an id without data is remembered", "id: 9\n\ndata: x\n\n", [{ id: "9", name: "message", data: "x" }]],
    ["a name without data is forgotten", "event: typing\n\ndata: x\n\n", [{ id: "", name: "message", data: "x" }]],
    ["an id with NUL is ignored", "id: 1\0\ndata: x\n\n", [{ id: "", name: "message", data: "x" }]],
    ["a field without a colon is empty", "data\n\n", [{ id: "", name: "message", data: "" }]],
    ["unknown fields and retry are skipped", "retry: 2000\nfoo: bar\ndata: x\n\n", [{ id: "", name: "message", data: "x" }]],
    ["a byte order mark is skipped", "\uFEFFdata: x\n\n", [{ id: "", name: "message", data: "x" }]],
    ["what the stream's end cuts off is not an event", "data: x\n\ndata: y\n", [{ id: "", name: "message", data: "x" }]],
  ])("%s", (_name, stream, events) => {
    expect(read([stream])).toEqual(events);
    expect(read([...stream]), "letter by letter").toEqual(events);
    expect(read([stream.replaceAll("\n", "\r\n")]), "CR LF").toEqual(events);
    expect(read([...stream.replaceAll("\n", "\r\n")]), "CR LF, letter by letter").toEqual(events);
    expect(read([stream.replaceAll("\n", "\r")]), "CR").toEqual(events);
  });

  test("keeps the id that it resumed from", () => {
    expect(read(["event: typing\ndata: {}\n\n"], "41")).toEqual([{ id: "41", name: "typing", data: "{}" }]);
  });
});
