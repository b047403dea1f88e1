/* What scripts add to the pages: the state of the connection, countdowns, drafts, and keys. Everything works without.

   Nothing is decided here: each action is a form or a link of the page, which a person could have used as well. */
"use strict";
(() => {
  const live = () => document.getElementById("live");

  /* -- the stream ---------------------------------------------------------------------------------- */
  let lost = 0;
  let polling = null;
  let aging = null;
  let refreshed = Date.now();

  function tell(state, words) {
    const element = live();
    if (!element || element.dataset.state === state && element.textContent === words) return;
    element.dataset.state = state;
    element.textContent = words;
  }
  /* How old the page is, beside the word that it is offline: it is said once, and then counts on without being announced. */
  const since = () => `, refreshed ${span(Date.now() - refreshed)} ago`;
  function offline() {
    const element = live();
    if (!element) return;
    if (element.dataset.state !== "lost" || !element.firstElementChild) {
      element.dataset.state = "lost";
      element.textContent = "Offline";
      const age = document.createElement("span");
      age.setAttribute("aria-live", "off");
      element.append(age);
    }
    element.firstElementChild.textContent = since();
  }
  function back() {
    clearInterval(polling);
    clearInterval(aging);
    polling = aging = null;
    lost = 0;
    refreshed = Date.now();
    tell("live", "Live");
  }
  function gone() {
    if (!lost) lost = Date.now();
    if (Date.now() - lost < 5000) tell("lost", "Reconnecting…");
    if (!aging) aging = setInterval(() => { if (Date.now() - lost >= 5000) offline(); }, 1000);
    if (!polling) polling = setInterval(() => document.body.dispatchEvent(new CustomEvent("news", { bubbles: true })), 15000);
  }
  document.addEventListener("htmx:after:request", event => { if (event.detail?.ctx?.response?.status < 400) refreshed = Date.now(); });
  document.addEventListener("htmx:sse:after:connection", back);
  document.addEventListener("htmx:sse:after:message", back);
  document.addEventListener("htmx:sse:error", gone);
  document.addEventListener("htmx:sse:close", () => { if (document.visibilityState === "visible") gone(); });
  window.addEventListener("offline", gone);

  /* -- countdowns: text only, never announced ------------------------------------------------------ */
  function span(milliseconds) {
    const total = Math.max(0, Math.floor(milliseconds / 1000));
    const [days, hours, minutes, seconds] = [Math.floor(total / 86400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60];
    if (days) return `${days} d ${hours} h`;
    if (hours) return `${hours} h ${minutes} min`;
    if (minutes) return minutes < 10 ? `${minutes} min ${seconds} s` : `${minutes} min`;
    return `${seconds} s`;
  }
  function count() {
    for (const element of document.querySelectorAll("[data-due]")) {
      const left = Date.parse(element.dataset.due) - Date.now();
      element.textContent = left > 0 ? `in ${span(left)}` : "overdue";
      element.classList.toggle("soon", left < 600000);
    }
  }
  setInterval(count, 1000);
  document.addEventListener("DOMContentLoaded", count);
  document.addEventListener("htmx:after:swap", count);

  /* -- dialogs ------------------------------------------------------------------------------------- */
  document.addEventListener("click", event => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  });

  /* -- what is shown once: selected at a touch, copied where the browser allows it ------------------ */
  document.addEventListener("focusin", event => { if (event.target.matches("input.once")) event.target.select(); });
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).value);
      button.textContent = "Copied";
    });
  }
  /* -- keys: never inside a field, never with a modifier, and not at all where they are switched off --------- */
  const places = { r: "/review", u: "/sessions", a: "/agents", d: "/dashboard" };
  let going = 0;

  document.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest?.("form");
      if (form && form.method === "post") { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.key === "Escape") { document.activeElement?.blur(); return; }
    if (document.body.dataset.shortcuts !== "on" || event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key)) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (going && Date.now() - going < 1500 && places[event.key]) {
      going = 0;
      if ([...document.querySelectorAll(".frame nav a")].some(link => link.getAttribute("href") === places[event.key])) location.href = places[event.key];
      return;
    }
    going = event.key === "g" ? Date.now() : 0;
    if (event.key === "?") { document.getElementById("shortcuts")?.showModal(); return; }
    const told = new CustomEvent("sayso:key", { detail: event.key, cancelable: true });
    if (!document.dispatchEvent(told)) event.preventDefault();
  });
})();
