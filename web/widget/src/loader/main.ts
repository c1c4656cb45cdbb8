import { chooseLang } from "../lang";
import type { Config } from "../protocol";
import { Loader } from "./loader";
import { pageStorage, Store } from "./storage";

/** Starts the widget that a script tag asks for: `<script async src="…/widget.js" data-channel="…">`. */
async function start(script: HTMLScriptElement): Promise<void> {
  const channel = script.dataset["channel"];
  if (!channel) throw new Error('the script tag needs data-channel="<id or slug of the channel>"');
  const origin = new URL(script.src).origin;
  const lang = () => chooseLang(script.dataset["lang"], navigator.languages);

  const response = await fetch(`${origin}/widget/v1/config?channel=${encodeURIComponent(channel)}`, { credentials: "omit" });
  if (!response.ok) throw new Error(`channel "${channel}" is not available on this site (HTTP ${response.status})`);
  const config = (await response.json()) as Config;

  const loader = new Loader({ origin, channel, config, lang: lang(), store: new Store(config.channel, pageStorage()) });
  const mount = () => {
    loader.setLang(lang());
    loader.mount();
  };
  if (document.body) mount();
  else document.addEventListener("DOMContentLoaded", mount, { once: true });

  // A shop page that changes its language without a reload changes data-lang, and the widget follows.
  new MutationObserver(() => loader.setLang(lang())).observe(script, { attributes: true, attributeFilter: ["data-lang"] });
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement && !document.querySelector("parley-widget") && !script.dataset["started"]) {
  script.dataset["started"] = "";
  start(script).catch((error: unknown) => console.warn("Parley chat:", error instanceof Error ? error.message : error));
}
