/* showing pictures that a network makes */
const HUES = [[84, 84, 92], [253, 180, 60], [72, 149, 239], [76, 187, 123], [226, 92, 105],
  [164, 124, 222], [64, 190, 200], [232, 140, 196], [166, 118, 80], [200, 205, 90]];
const hue = (k) => HUES[k % HUES.length];

/* values in 0..1 [height, width, channels], from `start` on */
function painted(values, start, [height, width], channels) {
  const data = new ImageData(width, height);
  for (let i = 0, at = start; i < data.data.length; i += 4, at += channels) {
    for (let k = 0; k < 3; k++) data.data[i + k] = 255 * values[at + (channels === 1 ? 0 : k)];
    data.data[i + 3] = 255;
  }
  return data;
}

/* the most probable class of each pixel, of probabilities [class, height, width] */
function mask(p, [classes, height, width]) {
  const data = new ImageData(width, height), places = height * width, shares = Array(classes).fill(0);
  for (let i = 0; i < places; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (p[k * places + i] > p[best * places + i]) best = k;
    shares[best]++;
    data.data.set([...hue(best), 255], 4 * i);
  }
  return { data, shares: shares.map((n) => n / places) };
}

function figure(data, caption) {
  const made = document.createElement("figure"), canvas = document.createElement("canvas");
  put(canvas, data);
  made.append(canvas);
  if (caption) made.append(element("figcaption", caption));
  return made;
}

/* pictures side by side, or in rows of four where there are many; with what their colours mean */
function pictures(figures, legend = []) {
  const row = element("div", "", figures.length > 2 ? "sheet" : "two");
  row.append(...figures.map(([data, caption]) => figure(data, caption)));
  const list = element("ul", "", "legend");
  list.append(...legend.map(({ colour, label, share }) => {
    const line = document.createElement("li"), patch = element("span", "", "patch");
    patch.style.background = `rgb(${colour})`;
    line.append(patch, element("span", label), element("span", percent(share), "value"));
    return line;
  }));
  $("figures").replaceChildren(row, ...(legend.length ? [list] : []));
  $("empty").hidden = true;
  $("figures").hidden = false;
}
