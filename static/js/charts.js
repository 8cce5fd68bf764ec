// Plotly takes the place of the server's SVG: same figure dict, same margins, colours from the tokens.
// plotly.js is big, so it is loaded when somebody turns to a chart: with the mouse, a finger or the keyboard.
"use strict";
{
  const own = document.currentScript;
  const style = () => getComputedStyle(document.documentElement);
  const color = (name) => style().getPropertyValue(`--${name}`).trim();
  const DWELL = 150; // milliseconds: a mouse on its way to somewhere else asks for nothing
  let loading;

  // The full bundle adds a style element for maps while it loads; without the nonce that is a CSP report.
  function withNonceForStyles(script) {
    const make = document.createElement;
    document.createElement = function (...args) {
      const element = make.apply(document, args);
      if (element instanceof HTMLStyleElement) element.nonce = own.nonce;
      return element;
    };
    const restore = () => { document.createElement = make; };
    script.addEventListener("load", restore);
    script.addEventListener("error", restore);
  }

  function load() {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = own.dataset.plotly;
      script.nonce = own.nonce;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.js could not be loaded"));
      withNonceForStyles(script);
      document.head.append(script);
    });
  }

  // A download that was broken off by leaving the page can stay in the browser's cache as a half that cannot
  // be resumed; so a failure is followed by one try past the cache.
  function plotly() {
    loading ??= load().catch(() => fetch(own.dataset.plotly, { cache: "reload" }).then(load));
    return loading;
  }

  function themed(figure, box) {
    const { data, layout } = structuredClone(figure);
    for (const trace of data) {
      const tone = color(`chart-${trace.meta.role}`);
      trace.marker = { ...trace.marker, color: tone };
      if (trace.line) trace.line.color = tone;
    }
    for (const shape of layout.shapes ?? []) {
      shape.fillcolor = color(shape.name === "firing" ? "chart-bad" : "chart-hole");
      shape.opacity = 0.18;
    }
    for (const [name, axis] of Object.entries(layout)) {
      if (name.startsWith("yaxis")) axis.gridcolor = color("chart-grid");
    }
    // On a phone every other label is left out, as in the SVG.
    if (box.clientWidth < 560) {
      const kept = (_, place, all) => (all.length - place) % 2 === 1;
      layout.xaxis.tickvals = layout.xaxis.tickvals.filter(kept);
      layout.xaxis.ticktext = layout.xaxis.ticktext.filter(kept);
    }
    Object.assign(layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: style().getPropertyValue("--font"), size: 11, color: color("muted") },
      hoverlabel: { bgcolor: color("surface"), bordercolor: color("line"), font: { color: color("text"), size: 12 } },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      autosize: true,
    });
    return { data, layout };
  }

  async function take(box) {
    const figure = JSON.parse(document.getElementById(box.dataset.chart).textContent);
    const Plotly = await plotly();
    const canvas = box.querySelector(".chart__canvas");
    const { data, layout } = themed(figure, box);
    canvas.hidden = false;
    await Plotly.react(canvas, data, layout, { displaylogo: false, displayModeBar: false, responsive: true });
    canvas.removeAllListeners("plotly_click");
    canvas.on("plotly_click", ({ points }) => {
      const href = points.map((point) => point.customdata).find(Boolean);
      if (href) location.assign(href);
    });
    // The SVG stays for assistive technology, which reads its title and description.
    box.classList.add("chart__box--live");
  }

  function draw(box) {
    return take(box).catch((error) => {
      box.dataset.awake = "";
      console.warn(`The chart stays as the server painted it: ${error.message}`);
    });
  }

  function wake(box) {
    if (box.dataset.awake) return;
    box.dataset.awake = "yes";
    draw(box);
  }

  const chartAt = (event) => event.target.closest?.("[data-chart]");
  // By keyboard nobody comes to the picture itself, only to what belongs to it: its figures as a table.
  const chartNear = (event) => event.target.closest?.(".chart")?.querySelector("[data-chart]");
  let pointed, waiting;

  document.addEventListener("pointerover", (event) => {
    const box = chartAt(event);
    if (box === pointed) return;
    clearTimeout(waiting);
    pointed = box;
    if (box) waiting = setTimeout(() => wake(box), DWELL);
  });
  for (const [name, find] of [["pointerdown", chartAt], ["focusin", chartNear]]) {
    document.addEventListener(name, (event) => {
      const box = find(event);
      if (box) wake(box);
    });
  }
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    event.target.querySelectorAll?.(".js-plotly-plot").forEach((plot) => window.Plotly?.purge(plot));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-png]");
    if (!button) return;
    const saved = import(own.dataset.pictures).then(({ save }) => save(button.closest(".chart"), button.dataset.png));
    saved.catch((error) => console.warn(`The chart could not be made a picture: ${error.message}`));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.querySelectorAll(".chart__box--live").forEach(draw);
  });
}
