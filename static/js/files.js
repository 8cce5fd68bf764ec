// <form data-file>: a list as a file, with how many of its rows have come, and a way to stop. What broke off is no file: it is
// said and not saved. Without scripts the browser downloads it as it does any file.
"use strict";
{
  const STEP = 8_000_000; // bytes: what has come is handed to the browser, which may put it onto the disk
  const number = (count) => count.toLocaleString("en-GB");

  // Lines of NDJSON, or records of CSV, in whose quoted cells a line may end.
  function counter(isQuoted) {
    let rows = isQuoted ? -1 : 0, inside = false;
    return (bytes) => {
      for (const byte of bytes) {
        if (byte === 34 && isQuoted) inside = !inside;
        else if (byte === 10 && !inside) rows += 1;
      }
      return Math.max(rows, 0);
    };
  }

  function shown(form) {
    form.querySelector(".file-state")?.remove();
    const state = document.createElement("span");
    state.className = "file-state row small";
    const said = Object.assign(document.createElement("span"), { className: "number" });
    said.setAttribute("role", "status");
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", "Rows of the file");
    const stop = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: "Cancel" });
    state.append(bar, said, stop);
    form.append(state);
    return { said, bar, stop };
  }

  function keep(parts, type, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async function fetched(form, submitter, state, signal) {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)), signal });
    if (answer.redirected) location.reload();
    if (!answer.ok) throw new Error((await answer.text()).split("\n")[0].slice(0, 200));
    const type = answer.headers.get("Content-Type");
    const total = Number(answer.headers.get("X-Total-Rows") ?? NaN);
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))[1];
    const count = counter(type.startsWith("text/csv"));
    const of = Number.isNaN(total) ? "" : ` of ${number(total)}`;
    let parts = [], size = 0, rows = 0, told = -Infinity; // the first rows are told at once, however young the page is
    if (of) state.bar.max = Math.max(total, 1);
    for (const reader = answer.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      rows = count(value);
      parts.push(value);
      size += value.length;
      if (size > STEP) [parts, size] = [[new Blob(parts)], 0];
      if (of) state.bar.value = rows;
      if (performance.now() - told > 1000) {
        told = performance.now();
        state.said.textContent = `${number(rows)}${of} rows`;
      }
    }
    if (rows < total) throw new Error(`only ${number(rows)}${of} rows came`);
    keep(parts, type, name);
    return `${name}: ${of ? "all " : ""}${number(rows)} row${rows === 1 ? "" : "s"}`;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-file]");
    if (!form) return;
    event.preventDefault();
    if (form.querySelector(".file-state progress")) return; // one at a time
    const state = shown(form), stopped = new AbortController();
    state.stop.addEventListener("click", () => stopped.abort());
    fetched(form, event.submitter, state, stopped.signal)
      .catch((error) => (stopped.signal.aborted ? "Cancelled: nothing was saved." : `The file broke off, and nothing was saved (${error.message}).`))
      .then((words) => {
        state.said.textContent = words;
        state.bar.remove();
        state.stop.remove();
      });
  });
}
