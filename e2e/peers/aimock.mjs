// A model server with OpenAI's API: aimock on a free port of loopback. The first line of the output is its base URL; it
// ends with the standard input. What it does is decided by a word in the customer's message: those that fail "once" answer
// the second call.
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ port: 0, host: "127.0.0.1", chunkSize: 8 });
const answer = (word) => ({ content: `Ответ на ${word}.` });

// once fails in one way, and then answers.
const once = (word, response, options = {}) => {
  mock.on({ userMessage: word, sequenceIndex: 0 }, response ?? answer(word), options);
  mock.on({ userMessage: word }, answer(word));
};

mock.on({ userMessage: "plain" }, answer("plain"));
once("limited", undefined, { chaos: { rateLimitRate: 1 } });
once("broken-server", undefined, { chaos: { dropRate: 1 } });
once("malformed", undefined, { chaos: { malformedRate: 1 } });
once("disconnected", undefined, { chaos: { disconnectRate: 1 } });
once("cut", undefined, { truncateAfterChunks: 1 });
once("hanging", undefined, { latency: 30_000 });
once("empty", { content: " " });
once("unavailable", { error: { message: "try later", type: "server_error" }, status: 503 });

mock.on({ userMessage: "searching", hasToolResult: false }, { toolCalls: [{ name: "search_knowledge", arguments: { query: "гарантия" } }] });
mock.on({ userMessage: "searching", hasToolResult: true }, answer("searching"));
mock.on({ userMessage: "handing-over" }, { toolCalls: [{ name: "handoff", arguments: { reason: "rule" } }] });

// What doctor asks.
mock.on({ userMessage: "Count from one to ten" }, { content: "one two three four five six seven eight nine ten" });
mock.on({ userMessage: "How much is delivery?" }, { toolCalls: [{ name: "search_knowledge", arguments: { query: "delivery" } }] });

mock.on({ userMessage: "bad-key" }, { error: { message: "wrong key", type: "invalid_request_error", code: "invalid_api_key" }, status: 401 });
mock.on({ userMessage: "filtered" }, { error: { message: "filtered", code: "content_filter" }, status: 400 });
mock.on({ userMessage: "always-broken" }, answer("always-broken"), { chaos: { dropRate: 1 } });
mock.on({ userMessage: "never-ending" }, answer("never-ending"), { latency: 30_000 });

const url = await mock.start();
console.log(`${url}/v1`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
