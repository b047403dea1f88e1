/* What scripts add to the card of a task: long values are folded, a draft is never lost, and a press that was not sent
   says so. Everything works without; nothing is decided here that is not a press of one of the card's own buttons. */
"use strict";
(() => {
  const card = () => document.getElementById("card");
  const opened = new Set(); // what was opened of which task: a card that is shown anew stays open

  /* -- long values: folded until they are opened, and no approval before that ----------------------- */
  const place = element => `${element.closest("#card").dataset.id} ${element.dataset.name ?? "table"}`;
  function words(element) {
    return element.dataset.long ? `${Number(element.dataset.long).toLocaleString("en")} characters` : `${element.dataset.longTable} arguments`;
  }
  function open(element) {
    opened.add(place(element));
    element.classList.remove("folded");
    element.nextElementSibling?.remove();
    gate();
  }
  function fold(element) {
    if (opened.has(place(element)) || element.classList.contains("folded")) return;
    element.classList.add("folded");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small unfold";
    button.textContent = `Show all ${words(element)}`;
    button.addEventListener("click", () => open(element));
    element.after(button);
  }
  function gate() {
    const folded = [...document.querySelectorAll("#card .folded")];
    const told = document.getElementById("unread");
    for (const button of document.querySelectorAll("#card [data-needs-end]")) {
      button.disabled = folded.length > 0 || "resting" in button.dataset;
      if (folded.length) button.setAttribute("aria-describedby", "unread");
    }
    if (!told) return;
    told.hidden = !folded.length || !document.querySelector("#card [data-needs-end]");
    if (told.hidden) return;
    const names = folded.map(element => element.dataset.name ? `${element.dataset.name} (${words(element)})` : words(element));
    told.textContent = `Approving is off until you have opened what is folded: ${names.join(", ")}. `;
    const all = document.createElement("button");
    all.type = "button";
    all.className = "small";
    all.textContent = "Show everything";
    all.addEventListener("click", () => { folded.forEach(open); folded[0].scrollIntoView({ block: "start" }); });
    told.append(all);
  }

  /* -- a second press is not the tail of the first: it takes half a second -------------------------- */
  function rest() {
    const sure = document.getElementById("sure");
    if (!sure || "rested" in sure.dataset) return;
    sure.dataset.rested = sure.dataset.resting = "";
    sure.disabled = true;
    setTimeout(() => { delete sure.dataset.resting; sure.disabled = false; gate(); }, 500);
  }

  /* -- drafts --------------------------------------------------------------------------------------- */
  const dirty = () => card()?.dataset.draft !== undefined;
  const slot = () => `sayso:draft:${document.querySelector(".who")?.textContent}:${card().dataset.id}`;
  const fields = () => [...document.querySelectorAll("#decision :is(textarea:not([data-secret]), select, input:not([type=hidden])), #card-comment textarea")];
  const ticked = field => field.type === "checkbox" || field.type === "radio";
  function touched(event) {
    if (!event.target.closest?.("#decision, #card-comment")) return;
    card().dataset.draft = "";
    const kept = fields().map(field => [field.name, ticked(field) ? field.checked : field.value, field.value]);
    try { sessionStorage.setItem(slot(), JSON.stringify(kept)); } catch { /* no room, or none allowed: it stays in the form */ }
  }
  document.addEventListener("input", touched);
  document.addEventListener("change", touched);
  /* What was typed before the page was left, or another task was looked at, is there again. */
  function restore() {
    const shown = card();
    if (!shown) return;
    if (!document.getElementById("decision")) { if (shown.dataset.status !== "pending") sessionStorage.removeItem(slot()); return; }
    if (dirty()) return;
    for (const [name, held, value] of JSON.parse(sessionStorage.getItem(slot()) ?? "[]")) {
      const field = fields().find(other => other.name === name && (!ticked(other) || other.value === value));
      if (!field || (ticked(field) ? field.checked : field.value) === held) continue;
      if (ticked(field)) field.checked = held; else field.value = held;
      field.closest("details")?.setAttribute("open", "");
      shown.dataset.draft = "";
    }
  }
  function refresh() {
    const stale = document.querySelector("#stale[data-settled]");
    const shown = card();
    if (!stale || !shown || shown.dataset.status !== "pending") return;
    if (dirty()) shown.classList.add("over");
    else stale.querySelector("[data-refresh]")?.click();
  }

  /* -- who else is here: asked by tabs that are looked at ------------------------------------------- */
  document.addEventListener("htmx:before:request", event => {
    if (event.target.id === "presence" && document.visibilityState === "hidden") event.preventDefault();
  });

  /* -- what was not sent ---------------------------------------------------------------------------- */
  function unsent(text) {
    const told = document.getElementById("unsent");
    if (!told) return;
    told.hidden = false;
    told.textContent = text;
    told.scrollIntoView({ block: "nearest" });
  }
  const ours = event => event.target?.closest?.("#decision") || event.detail?.ctx?.sourceElement?.closest?.("#decision");
  document.addEventListener("htmx:before:request", event => {
    const told = document.getElementById("unsent");
    if (told && ours(event)) told.hidden = true;
  });
  document.addEventListener("htmx:error", event => {
    if (ours(event)) unsent("Not sent: the service cannot be reached. Nothing is lost. Try again.");
  });
  document.addEventListener("htmx:before:swap", event => {
    const text = event.detail?.ctx?.text ?? "";
    const from = event.detail?.ctx?.sourceElement;
    if (dirty() && !from?.closest?.("#card") && text.includes(`id="card"`) && text.includes(`data-id="${card().dataset.id}"`)) {
      event.preventDefault(); // the same task once more, under what is being written
      return;
    }
    if (!ours(event) || text.includes('id="card"')) return;
    event.preventDefault(); // an answer that is no card would take the draft with it
    const answer = new DOMParser().parseFromString(text, "text/html");
    const told = answer.querySelector(".notice p")?.textContent.trim();
    unsent(`Not sent. ${told || "The service did not answer as it should."} Nothing is lost. Try again.`);
  });

  /* -- where one is after a press ------------------------------------------------------------------- */
  function look() {
    const shown = card();
    if (!shown || document.activeElement && document.activeElement !== document.body) return;
    const first = shown.querySelector("[aria-invalid], .arming, #card-notice, #settled");
    if (!first) return;
    if (!first.matches("[aria-invalid]")) first.tabIndex = -1;
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", event => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest?.("#decision, #card-comment");
    if (!form) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // a form of several buttons is sent by one of them, never as such
    const wanted = event.target.dataset.sends;
    const button = wanted ? document.getElementById(wanted) : event.target.closest("details")?.querySelector("button")
      ?? form.querySelector("[data-primary], button:not([aria-hidden])");
    button?.click();
  }, true);
  document.addEventListener("sayso:key", event => {
    const told = document.getElementById("unread");
    if (event.detail !== "a" || !told || told.hidden) return;
    event.preventDefault();
    told.querySelector("button").focus();
  });

  function ready() {
    document.querySelectorAll("#card [data-long], #card [data-long-table]").forEach(fold);
    restore();
    rest();
    gate();
    refresh();
  }
  ready();
  document.addEventListener("htmx:after:swap", ready);
  document.addEventListener("htmx:after:settle", event => { if (event.target.closest?.("#card") || event.target.id === "card") look(); });
})();
