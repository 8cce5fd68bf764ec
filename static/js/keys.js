// Keys of a list whose rows can be ticked, while the focus is in it: j and k go from row to row, x ticks, and what the list
// offers for the ticked ones (<select data-keys="e:resolve a:take">) is chosen by a letter; Enter then does it. One key
// sends nothing, and none of these works elsewhere: who speaks to the computer types letters by accident (WCAG 2.1.4).
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select")) return;
  const list = event.target.closest("#list");
  const acts = list?.querySelector("select[data-keys]");
  if (!acts) return;
  const rows = [...list.querySelectorAll("tbody tr")];
  const at = rows.indexOf(event.target.closest("tr"));
  const tick = (row) => row.querySelector("input[type=checkbox]");
  const chosen = acts.dataset.keys.split(" ").find((pair) => pair.startsWith(`${event.key}:`));
  if (event.key === "j" || event.key === "k") {
    rows[at + (event.key === "j" ? 1 : -1)]?.querySelector("th a").focus();
  } else if (event.key === "x" && at >= 0) {
    tick(rows[at]).click();
  } else if (chosen) {
    if (at >= 0 && !rows.some((row) => tick(row).checked)) tick(rows[at]).click();
    acts.value = chosen.slice(2);
    acts.form.querySelector("button[type=submit]").focus();
  } else {
    return;
  }
  event.preventDefault();
});
