/* The inbox with the keyboard: which row is selected, what a key does on the open card, and what comes after a decision.

   A key acts on the card only when the card is that of the selected row; the selection is the row's aria-current, never
   the address, which changes later. Controls say which key is theirs by `data-key`. */
"use strict";
(() => {
  const wide = matchMedia("(min-width: 60.0625rem)");
  const detail = () => document.getElementById("detail");
  const rows = () => [...document.querySelectorAll(".rows .task > a")];
  const idOf = link => link?.closest(".task").dataset.id;
  let selected = null;
  let place = 0;

  function mark() {
    const links = rows();
    for (const link of links) {
      if (idOf(link) === selected) { link.setAttribute("aria-current", "true"); place = links.indexOf(link); }
      else link.removeAttribute("aria-current");
    }
  }
  function select(link) {
    if (!link) return;
    selected = idOf(link);
    mark();
    link.scrollIntoView({ block: "nearest" });
    link.focus({ preventScroll: true });
    if (wide.matches) htmx.ajax("GET", link.getAttribute("href"), { source: link, target: "#detail", swap: "innerHTML" });
  }
  function move(step) {
    const links = rows();
    const at = links.findIndex(link => idOf(link) === selected);
    select(links[at < 0 ? Math.min(place, links.length - 1) : Math.max(0, Math.min(links.length - 1, at + step))]);
  }

  /* A click opens beside the list where there is room, and as a page of its own where there is not. */
  document.addEventListener("htmx:before:request", event => {
    const link = event.target.closest?.(".rows .task > a");
    if (!link) return;
    if (wide.matches) { selected = idOf(link); mark(); }
    else { event.preventDefault(); location.href = link.href; }
  });
  document.addEventListener("htmx:after:swap", () => { mark(); });
  document.addEventListener("DOMContentLoaded", () => {
    if (wide.matches && rows().length && !document.getElementById("card")) select(rows()[0]);
  });

  /* -- after a decision ---------------------------------------------------------------------------- */
  document.addEventListener("decided", () => {
    if (document.body.dataset.advance !== "on") return;
    const links = rows();
    const at = links.findIndex(link => idOf(link) === selected);
    const next = links[at + 1] ?? links[at - 1];
    if (next && wide.matches) setTimeout(() => select(rows().find(link => idOf(link) === idOf(next)) ?? null), 900);
  });

  /* -- several at once: what is selected stays so when the list is fetched anew ---------------------- */
  const chosen = new Set();
  const boxes = () => [...document.querySelectorAll(".rows .select")];
  function tally() {
    for (const box of boxes()) box.checked = chosen.has(box.value);
    for (const id of chosen) if (!boxes().some(box => box.value === id)) chosen.delete(id);
    const form = document.getElementById("bulk");
    if (!form) return;
    form.hidden = !chosen.size;
    form.querySelector("button").textContent = `Approve the ${chosen.size} selected …`;
  }
  document.addEventListener("change", event => {
    if (!event.target.matches?.(".rows .select")) return;
    if (event.target.checked) chosen.add(event.target.value); else chosen.delete(event.target.value);
    tally();
  });
  document.addEventListener("htmx:after:swap", tally);
  document.addEventListener("DOMContentLoaded", () => {
    for (const box of boxes()) if (box.checked) chosen.add(box.value); // as the browser has kept them
    tally();
  });

  /* -- keys ---------------------------------------------------------------------------------------- */
  function act(key) {
    const card = document.getElementById("card");
    if (!card || (rows().length && selected && card.dataset.id !== selected)) return false;
    const control = card.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!control || control.closest("[hidden]")) return false;
    if (control.matches("details")) { control.open = true; (control.querySelector("textarea, input, select") ?? control.querySelector("summary")).focus(); }
    else if (control.matches("textarea, input:not([type=submit]), select")) { control.closest("details")?.setAttribute("open", ""); control.focus(); }
    else control.click();
    return true;
  }
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    o: () => { const link = rows().find(row => idOf(row) === selected); if (link) location.href = link.href; },
    x: () => boxes().find(box => box.value === selected)?.click(),
    A: () => { if (chosen.size) document.getElementById("bulk")?.requestSubmit(); },
    "/": () => document.getElementById("q")?.focus(),
  };
  document.addEventListener("sayso:key", event => {
    const key = event.detail;
    if (keys[key]) { keys[key](); event.preventDefault(); }
    else if (act(key)) event.preventDefault();
  });
})();
