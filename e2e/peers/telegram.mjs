// A Bot API server: telegram-test-api on a free port of loopback. The first line of the output is its address; it ends
// with the standard input. What the package lacks of the real one and a webhook needs: the header with the secret token.
import { createRequire } from "node:module";
import { createServer } from "node:net";

const require = createRequire(import.meta.url);
const TelegramServer = require("telegram-test-api");
const axios = require("axios").default ?? require("axios");

const host = "127.0.0.1";

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, host, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

// The package ends its process when a webhook refuses an update; the real server tries again.
process.on("unhandledRejection", (reason) => console.error("unhandled:", reason?.message ?? reason));

let server;
for (let attempt = 1; ; attempt++) {
  server = new TelegramServer({ port: await freePort(), host, storeTimeout: 600 });
  try {
    await server.start();
    break;
  } catch (error) {
    if (attempt === 10) throw error;
  }
}

axios.interceptors.request.use((config) => {
  const hook = Object.values(server.webhooks).find((webhook) => webhook.url === config.url);
  if (hook?.secret_token) config.headers = { ...config.headers, "X-Telegram-Bot-Api-Secret-Token": hook.secret_token };
  return config;
});

console.log(server.config.apiURL);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
