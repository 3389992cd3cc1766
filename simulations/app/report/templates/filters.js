"use strict";
(function () {
  const form = document.getElementById("filters");
  const rows = Array.from(document.querySelectorAll("tr[data-words]"));
  const names = ["text", "paper", "kind", "verdict", "evidence"];

  function matches(row, wanted) {
    const data = row.dataset;
    return wanted.text.toLowerCase().split(/\s+/).every((word) => data.words.includes(word)) &&
      ["paper", "kind", "verdict"].every((name) => !wanted[name] || data[name] === wanted[name]) &&
      (!wanted.evidence || data.evidence.split(" ").includes(wanted.evidence));
  }

  function apply() {
    const wanted = Object.fromEntries(names.map((name) => [name, form.elements[name].value.trim()]));
    let found = 0;
    for (const row of rows) {
      row.hidden = !matches(row, wanted);
      found += row.hidden ? 0 : 1;
    }
    for (const group of document.querySelectorAll("section.group")) {
      group.hidden = !group.querySelector("tr[data-words]:not([hidden])");
    }
    document.getElementById("filter-found").value = found + " of " + rows.length + " claims";
    document.getElementById("filter-nothing").hidden = found > 0;
    return wanted;
  }

  function changed() {
    const wanted = apply();
    const chosen = names.filter((name) => wanted[name]);
    const hash = new URLSearchParams(chosen.map((name) => [name, wanted[name]])).toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  }

  // An address such as index.html#verdict=refuted opens the page with that filter.
  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (location.hash && !names.some((name) => given.has(name))) return;
    for (const name of names) form.elements[name].value = given.get(name) || "";
    apply();
  }

  form.hidden = false;
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  window.addEventListener("hashchange", () => {
    read();
    if (location.hash) form.scrollIntoView();
  });
  apply();
  read();
})();
