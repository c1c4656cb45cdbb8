import { chooseLang, languages, parseLang, type Lang } from "../lang";
import { art } from "./art";
import { drawing, el } from "./dom";
import logo from "./logo.svg";
import { languageNames, page, products, questions, services, shopName, type Product } from "./texts";

const root = document.getElementById("shop");
const snippet = document.querySelector<HTMLScriptElement>("script[data-channel]");
const asked = new URLSearchParams(location.search).get("lang");

show(chooseLang(parseLang(asked) ?? remembered(), navigator.languages));

function show(lang: Lang): void {
  document.documentElement.lang = lang;
  snippet?.setAttribute("data-lang", lang);
  root?.replaceChildren(strip(lang), header(lang), el("main", {}, hero(lang), serviceList(lang), productList(lang)), footer(lang));
}

function choose(lang: Lang): void {
  history.replaceState(null, "", `?lang=${lang}`);
  try {
    localStorage.setItem("tumar:lang", lang);
  } catch {
    // The address holds the choice too.
  }
  show(lang);
  document.querySelector<HTMLElement>(".languages [aria-pressed=true]")?.focus();
}

function remembered(): string | null {
  try {
    return localStorage.getItem("tumar:lang");
  } catch {
    return null;
  }
}

function strip(lang: Lang): HTMLElement {
  return el("aside", { class: "strip" }, el("b", {}, page.demo[lang]), el("span", {}, `${page.demoText[lang]} `, el("a", { href: "/", target: "_blank" }, page.inbox[lang]), "."));
}

function header(lang: Lang): HTMLElement {
  const choices = languages.map((each) => {
    const button = el("button", { type: "button", lang: each, "aria-pressed": String(each === lang) }, languageNames[each]);
    button.addEventListener("click", () => choose(each));
    return button;
  });
  return el("header", { class: "top" }, el("img", { src: logo, alt: "", width: "36", height: "36" }), el("span", { class: "brand" }, shopName), el("div", { class: "languages", role: "group", "aria-label": page.language[lang] }, ...choices));
}

function hero(lang: Lang): HTMLElement {
  return el(
    "section",
    { class: "hero" },
    el(
      "div",
      {},
      el("h1", {}, page.title[lang]),
      el("p", { class: "lead" }, page.lead[lang]),
      el("button", { type: "button", class: "primary", "data-parley-open": "" }, page.ask[lang]),
    ),
    el("div", { class: "try" }, el("h2", {}, page.try[lang]), el("ul", {}, ...questions[lang].map((question) => el("li", {}, question)))),
  );
}

function serviceList(lang: Lang): HTMLElement {
  return el("ul", { class: "services" }, ...services.map((service) => el("li", {}, el("b", {}, service.title[lang]), el("span", {}, service.text[lang]))));
}

function productList(lang: Lang): HTMLElement {
  return el("section", { class: "products" }, el("h2", {}, page.products[lang]), el("ul", {}, ...products.map((product) => card(product, lang))));
}

function card(product: Product, lang: Lang): HTMLElement {
  const month = `${page.from[lang]} ${tenge(Math.ceil(product.price / 12))} ${page.perMonth[lang]}`.trim();
  return el(
    "li",
    { class: "card" },
    drawing(art[product.art], "0 0 200 150", "art"),
    el("h3", {}, product.name),
    el("p", { class: "about" }, product.about[lang]),
    el("p", { class: "price" }, tenge(product.price)),
    el("p", { class: "month" }, month),
    el("button", { type: "button", class: "secondary", "data-parley-open": "", "aria-label": `${page.askAbout[lang]} ${product.name}` }, page.ask[lang]),
  );
}

function footer(lang: Lang): HTMLElement {
  return el(
    "footer",
    {},
    el("div", {}, el("h2", {}, page.stores[lang]), el("p", {}, page.almaty[lang]), el("p", {}, page.astana[lang]), el("p", {}, page.hours[lang])),
    el("div", {}, el("h2", {}, page.contacts[lang]), el("p", {}, "+7 700 000 01 01"), el("p", {}, "hello@tumar.example")),
  );
}

/** 450 000 ₸, unbroken. */
function tenge(amount: number): string {
  return `${String(amount).replace(/\B(?=(\d{3})+$)/g, "\u00A0")}\u00A0₸`;
}
