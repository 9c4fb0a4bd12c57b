/* the page; `way` says how the network is asked */
let about, asked = 0;

async function start() {
  about = await way.about();
  document.title = `${about.model} on ${about.data} – Cutaway`;
  $("title").textContent = `${about.model} on ${about.data}`;
  $("lead").textContent = lead();
  facts();
  const draws = about.part === "generate", sketch = !draws && about.ink && about.target.kind !== "mask";
  $("chance").textContent = `Codes of ${about.latent} numbers from N(0, 1), each a picture.`;
  $("making").hidden = !draws;
  $("dropping").hidden = draws;
  $("drawing").hidden = !sketch;
  if (!sketch) $("drop-title").textContent = "Drop an image";
  if (sketch) clear();
  facts(await way.facts());
  if (about.part === "generate") return show(null);
  $("empty").textContent = HINTS[about.part === "answer" ? about.target.kind : about.part];
}

const HINTS = {
  class: "The prediction appears here.",
  labels: "The predicted labels appear here.",
  mask: "The prediction for each pixel appears here.",
  value: "The predicted values appear here.",
  reconstruct: "The reconstruction appears here.",
};

function lead() {
  const size = about.size.join(" × "), kind = about.channels === 1 ? "grey" : "colour";
  const images = `${kind} images of ${size} pixels`;
  if (about.part === "generate") return `It generates ${images}.`;
  const brought = about.resizes === false ? "" : "; other sizes are resized";
  if (about.part === "reconstruct") return `It encodes and reconstructs ${images}${brought}.`;
  const { kind: target, names } = about.target;
  if (target === "value") return `It predicts ${names.join(", ")} from ${images}${brought}.`;
  if (target === "labels") return `It predicts which of ${names.length} labels ${images} have${brought}.`;
  const what = target === "mask" ? "the pixels of " : "";
  return `It classifies ${what}${images} into ${names.length} classes${brought}.`;
}

function facts(more = []) {
  const { name, label, unit } = about.primary, value = about.measures[name], { kind, names } = about.target;
  const figure = unit === "%" ? percent(value) : `${value?.toPrecision(4)} ${unit}`.trim();
  const some = names.slice(0, 12).join(", ") + (names.length > 12 ? ", …" : "");
  const rows = [
    ...(name ? [[`Test ${label}`, value === undefined ? "not measured" : figure]] : []),
    ...(about.part === "answer" ? [[{ value: "Values", labels: "Labels" }[kind] ?? "Classes", some]] : []),
    ...more,
    ["Licence of the data", about.licence || "not known"],
  ];
  $("facts").replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("div");
    row.append(element("dt", name), element("dd", value));
    return row;
  }));
}

async function show(image) {
  const mine = ++asked;
  try {
    const reply = await way.answer(image);
    if (mine !== asked) return;
    $("error").hidden = true;
    if (reply.top) bars(reply.top);
    else if (reply.labels) labels(reply);
    else if (reply.values) numbers(reply.values);
    else pictures(reply.figures, reply.legend);
    // the map of an earlier image goes, but not for the blink of an eye
    const late = setTimeout(() => { if (mine === asked) $("why").hidden = true; }, 500);
    const why = reply.top && await way.why(image, () => mine === asked);
    clearTimeout(late);
    if (mine !== asked) return;
    if (why) explain(why);
    else $("why").hidden = true;
  } catch (error) {
    if (mine === asked) fail(error);
  }
}

function nothing() {
  for (const id of ["answer", "figures", "why", "error"]) $(id).hidden = true;
  $("empty").hidden = false;
}

function fail(error) {
  nothing();
  $("error").textContent = way.failed?.(error) ?? error.message;
  $("error").hidden = false;
}

$("clear").addEventListener("click", () => {
  clear();
  asked++;
  nothing();
});
$("again").addEventListener("click", () => show(null));

/* dropping */
const showFirst = (files) => files.length && about && about.part !== "generate" && show(files[0]);
$("file").addEventListener("change", (event) => { showFirst(event.target.files); event.target.value = ""; });
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") showFirst(event.dataTransfer.files);
  });
document.addEventListener("paste", (event) => showFirst(event.clipboardData.files));

start().catch(fail);
