import { render } from "preact";
import { chooseLang } from "../lang";
import { Api } from "./api";
import "./app.css";
import { Chat } from "./chat";
import { Bridge } from "./host";
import { newID } from "./id";
import { App } from "./view/app";
import { words } from "./words";

const root = document.getElementById("app");
const channel = new URLSearchParams(location.search).get("channel") ?? "";

if (root && window.parent === window) {
  const lang = chooseLang(null, navigator.languages);
  document.documentElement.lang = lang;
  render(<p class="alone">{words[lang].notAlone}</p>, root);
} else if (root) {
  let chat: Chat | null = null;
  const bridge = new Bridge(window.parent, {
    onInit: (init) => {
      if (chat) return;
      const begun = new Chat({ api: new Api(), host: bridge, channel, init, newID, visible: () => document.visibilityState === "visible" });
      chat = begun;
      begun.start();
      render(<App chat={begun} />, root);
      window.addEventListener("online", () => begun.wake());
      window.addEventListener("offline", () => begun.offline());
      document.addEventListener("visibilitychange", () => begun.visibility(document.visibilityState === "visible"));
    },
    onOpen: (open, focus) => chat?.setOpen(open, focus),
    onLang: (lang) => chat?.setLang(lang),
    onStored: (key, value) => chat?.stored(key, value),
  });
  bridge.listen(window);
}
