"use strict";
(() => {
  const rows = document.getElementById("rows");
  const bar = document.getElementById("bar");
  if (!rows || !bar) return;
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const boxes = [...bar.querySelectorAll("input[type=checkbox]")];
  const columns = [...document.querySelectorAll("#columns [data-sort]")];
  const paths = [...rows.children].map((element, place) => {
    const cells = [...element.firstElementChild.children].map((it) => it.textContent);
    const { e, p, n } = element.dataset;
    return {
      element, place, text: cells.join(" ").toLowerCase(),
      verdict: boxes.find((it) => cells[0].startsWith(it.value))?.value,
      client: cells[1], server: cells[2],
      encrypted: Number(e ?? -1), plaintext: Number(p ?? -1), packets: Number(n),
    };
  });
  const number = (it) => it.toLocaleString("en-US");
  const byName = new Intl.Collator("en", { numeric: true }).compare;
  let sorted = "verdict";

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((it) => it.checked).map((it) => it.value));
    let count = 0;
    for (const { element, text, verdict } of paths) {
      const is = wanted.has(verdict) && words.every((it) => text.includes(it));
      element.hidden = !is;
      count += is;
    }
    shown.textContent = `${number(count)} of ${number(paths.length)} shown`;
  };
  const sort = (by) => {
    sorted = by;
    const order = {
      verdict: () => 0,
      client: (a, b) => byName(a.client, b.client),
      server: (a, b) => byName(a.server, b.server),
    }[by] ?? ((a, b) => b[by] - a[by]);
    rows.append(...[...paths].sort((a, b) => order(a, b) || a.place - b.place).map((it) => it.element));
    for (const it of columns) it.firstChild.setAttribute("aria-pressed", it.dataset.sort === by);
  };
  const keep = () => {
    const state = new URLSearchParams();
    if (find.value) state.set("find", find.value);
    if (!boxes.every((it) => it.checked)) {
      state.set("verdict", boxes.filter((it) => it.checked).map((it) => it.value).join(","));
    }
    if (sorted !== "verdict") state.set("sort", sorted);
    const hash = String(state);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };
  const follow = () => {
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) {
      const path = hash && document.getElementById(hash)?.closest("details");
      if (path?.hidden) {
        find.value = "";
        for (const it of boxes) it.checked = true;
        filter();
      }
      if (path) {
        path.open = true;
        path.scrollIntoView();
      }
      return;
    }
    const state = new URLSearchParams(hash);
    const verdicts = state.get("verdict")?.split(",");
    find.value = state.get("find") ?? "";
    for (const it of boxes) it.checked = verdicts?.includes(it.value) ?? true;
    if (columns.some((it) => it.dataset.sort === state.get("sort"))) sort(state.get("sort"));
    filter();
    bar.scrollIntoView();
  };

  for (const it of columns) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = it.textContent;
    button.title = "Sort";
    button.setAttribute("aria-pressed", it.dataset.sort === sorted);
    button.addEventListener("click", () => {
      sort(it.dataset.sort);
      keep();
    });
    it.replaceChildren(button);
  }
  const changed = () => {
    filter();
    keep();
  };
  find.addEventListener("input", changed);
  for (const it of boxes) it.addEventListener("change", changed);
  const fold = (open) => () => {
    for (const { element } of paths) if (!element.hidden) element.open = open;
  };
  document.getElementById("unfold").addEventListener("click", fold(true));
  document.getElementById("fold").addEventListener("click", fold(false));
  addEventListener("hashchange", follow);
  bar.hidden = false;
  filter();
  follow();
})();
