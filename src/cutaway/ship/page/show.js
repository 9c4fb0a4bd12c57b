/* showing an answer */
const $ = (id) => document.getElementById(id);
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const percent = (p) => (100 * p).toFixed(p > 0.0995 && p < 0.9995 ? 1 : 2) + " %";
const few = (x) => x < 10 ? x.toFixed(1) : x < 1e6 ? Math.round(x).toLocaleString("en") : "over a million";

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/* the first so many are what is predicted */
function bars(top, title = top[0].label, told = 1) {
  $("label").textContent = title;
  $("top").replaceChildren(...top.map(({ label, probability }, i) => {
    const row = element("li", "", i < told && "told"), track = element("span", "", "track");
    const bar = element("span", "");
    bar.style.width = 100 * probability + "%";
    track.append(bar);
    row.append(element("span", label, "name"), track, element("span", percent(probability), "value"));
    return row;
  }));
  $("empty").hidden = true;
  $("answer").hidden = false;
}

function labels({ labels, others }) {
  bars([...labels, ...others], labels.map((one) => one.label).join(", ") || "None of the labels", labels.length);
}

function numbers(values) {
  const entries = Object.entries(values);
  $("label").textContent = entries.length === 1 ? `${entries[0][0]}: ${digits(entries[0][1])}` : "Predicted values";
  $("top").replaceChildren(...entries.map(([name, value]) => {
    const row = document.createElement("li");
    row.append(element("span", name, "name"), element("span", ""), element("span", digits(value), "value"));
    return row;
  }));
  $("empty").hidden = true;
  $("answer").hidden = false;
}

const digits = (x) => Number(x.toPrecision(5)).toLocaleString("en", { maximumSignificantDigits: 5 });

/* what was seen, and a map of it in grey: both ImageData */
function explain({ top, seen, heat, most }) {
  put($("seen"), seen);
  for (let i = 0; i < heat.data.length; i += 4) {
    const grey = (seen.data[i] + seen.data[i + 1] + seen.data[i + 2]) / 3;
    ramp(heat.data[i] / 255).forEach((c, k) => { heat.data[i + k] = 0.65 * c + 0.35 * grey; });
  }
  put($("heat"), heat);
  $("heat-caption").textContent = `What “${top[0].label}” depends on`;
  const times = Math.exp(Math.max(0, most));
  $("said").textContent = "A square in the training images' mean colour covers one place after another. " +
    (times < 1.05 ? "No square matters much." :
      `At the brightest place this makes “${top[0].label}” ${few(times)} times less probable, on average.`);
  $("why").hidden = false;
}

function put(canvas, data) {
  [canvas.width, canvas.height] = [data.width, data.height];
  canvas.classList.toggle("crisp", data.width < 120);
  canvas.getContext("2d").putImageData(data, 0, 0);
}

function ramp(share) {
  const place = share * (RAMP.length - 1), low = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[low].map((c, k) => c + (place - low) * (RAMP[low + 1][k] - c));
}
