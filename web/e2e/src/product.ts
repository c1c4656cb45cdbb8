import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const startLimit = 180_000;
const stopLimit = 20_000;

/** The first admin of a product under test. */
export const admin = { email: "aigul@tumar.example", password: "correct horse battery" };

/** A running Parley: the real binary with its own Postgres and Temporal, in a data directory of its own. */
export class Product {
  private readonly child: ChildProcess;
  private readonly directory: string;
  private output = "";
  url = "";

  private constructor(child: ChildProcess, directory: string) {
    this.child = child;
    this.directory = directory;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** Starts it as a user would, with settings of its own if it needs any, and waits until it is ready. */
  static async start(settings: Record<string, string> = {}): Promise<Product> {
    const directory = await mkdtemp(path.join(tmpdir(), "parley-e2e-"));
    // Started by root, Postgres runs as another user, who must be able to come through here.
    await chmod(directory, 0o755);
    const binary = process.env["PARLEY_BIN"] ?? path.join(repository, "bin", "parley");
    const child = spawn(binary, ["up", "--data-dir", path.join(directory, "data"), "--listen", "127.0.0.1:0"], {
      env: { ...environment(), ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.on("error", () => undefined);
    const product = new Product(child, directory);
    try {
      await product.ready();
    } catch (error) {
      await product.stop();
      throw error;
    }
    return product;
  }

  /** Ends it, by its process, and removes what it kept. */
  async stop(): Promise<void> {
    if (this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, "exit");
      this.child.kill("SIGINT");
      const timer = setTimeout(() => this.child.kill("SIGKILL"), stopLimit);
      await gone;
      clearTimeout(timer);
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  private async ready(): Promise<void> {
    for (const end = Date.now() + startLimit; Date.now() < end; await delay(200)) {
      if (this.child.pid === undefined || this.child.exitCode !== null) throw new Error(`parley up ended before it was ready:\n${this.output}`);
      this.url ||= await this.address();
      if (this.url && (await answers(`${this.url}/readyz`))) return;
    }
    throw new Error(`parley up was not ready within ${startLimit / 1000} s:\n${this.output}`);
  }

  private async address(): Promise<string> {
    try {
      const state: unknown = JSON.parse(await readFile(path.join(this.directory, "data", "parley.json"), "utf8"));
      return typeof state === "object" && state !== null && "url" in state && typeof state.url === "string" ? state.url : "";
    } catch {
      return "";
    }
  }
}

// Nothing that the developer's shell holds may change what is tested: the product starts its own
// databases, and answers by its offline responder unless a test sets a model.
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PARLEY|OPENAI|TEMPORAL)_|^DATABASE_URL$/.test(name) || /^PARLEY_(POSTGRES|ENGINE|CACHE_DIR)$/.test(name));
  return { ...Object.fromEntries(kept), PARLEY_ADMIN_EMAIL: admin.email, PARLEY_ADMIN_PASSWORD: admin.password };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
