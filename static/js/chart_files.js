// A chart as a picture: the server's SVG with the colours that are seen, its title and legend, drawn onto a canvas.
// Colours are written as attributes: the policy of the page lets no script set a style. charts.js asks for this module
// when somebody wants a picture.
const SVG = "http://www.w3.org/2000/svg";
const SCALE = 2; // pixels of the picture for each of the page
const EDGE = { left: 54, right: 16, bottom: 12 };
const LINE = 18; // of the legend
const PAINT = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity",
  "vector-effect", "font-family", "font-size", "text-anchor", "dominant-baseline",
];

function make(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// The drawing with what style sheets say of it. That it is seen through under plotly's is not part of it.
function copied(svg) {
  const copy = svg.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  [svg, ...svg.querySelectorAll("*")].forEach((element, place) => {
    const style = getComputedStyle(element);
    for (const name of PAINT) {
      if (place || name !== "opacity") copies[place].setAttribute(name, style.getPropertyValue(name));
    }
    for (const name of ["class", "href", "id"]) copies[place].removeAttribute(name);
  });
  return copy;
}

// The legend in as many lines as it takes; `end` is where the drawing may begin below it.
function legend(chart, font, ink, width) {
  const rows = make("g", {});
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = `12px ${font}`;
  let x = EDGE.left, y = 47;
  for (const key of chart.querySelectorAll(".legend > span")) {
    const words = key.textContent.trim();
    const wide = 15 + ruler.measureText(words).width + 18;
    if (x > EDGE.left && x + wide > width) [x, y] = [EDGE.left, y + LINE];
    const { color, backgroundColor, opacity } = getComputedStyle(key.firstElementChild);
    const fill = backgroundColor === "rgba(0, 0, 0, 0)" ? color : backgroundColor;
    rows.append(make("rect", { x, y: y - 9, width: 10, height: 10, rx: 2, fill, opacity }));
    rows.append(make("text", { x: x + 15, y, "font-size": 12, "font-family": font, fill: ink }, words));
    x += wide;
  }
  return { rows, end: y + LINE };
}

function picture(chart) {
  const svg = chart.querySelector(".chart__svg");
  const { width, height } = svg.getBoundingClientRect();
  const style = getComputedStyle(chart), wide = width + EDGE.left + EDGE.right;
  const { rows, end } = legend(chart, style.fontFamily, style.color, wide);
  const whole = { width: wide, height: height + end + EDGE.bottom };
  const paper = getComputedStyle(document.documentElement).getPropertyValue("--surface").trim();
  const outer = make("svg", { ...whole, xmlns: SVG });
  outer.append(make("rect", { ...whole, fill: paper }));
  const name = `${document.querySelector("h1").textContent.trim()} · ${svg.querySelector("title").textContent}`;
  const title = { x: EDGE.left, y: 24, "font-size": 15, "font-weight": 600, "font-family": style.fontFamily, fill: style.color };
  outer.append(make("text", title, name), rows);
  const inner = copied(svg);
  for (const [key, value] of Object.entries({ x: EDGE.left, y: end, width, height, overflow: "visible" })) {
    inner.setAttribute(key, value);
  }
  outer.append(inner);
  return { ...whole, text: new XMLSerializer().serializeToString(outer) };
}

export async function save(chart, name) {
  const { width, height, text } = picture(chart);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * SCALE);
  canvas.height = Math.ceil(height * SCALE);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const file = await new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${name}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
