"use strict";
/* The server knows which images are real; nothing here does, before the end or after it. */
const $ = (id) => document.getElementById(id);
const KEY = "cutaway-judge";
let about, sitting, shownAt = 0, busy = false, retry = start;
const pictures = new Map();

async function ask(route, method = "GET", body = undefined) {
  const answer = await fetch(route, { method, body: body && JSON.stringify(body), cache: "no-store" });
  if (answer.headers.get("content-type") === "image/png") return answer.blob();
  const reply = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(reply.error), { status: answer.status });
  return reply;
}

/* what may fail; what failed is offered again, and nothing is lost */
async function attempt(what) {
  if (busy) return;
  busy = true;
  lock();
  try {
    await what();
    $("error").hidden = true;
  } catch (error) {
    retry = what;
    const gone = error instanceof TypeError;
    $("problem").textContent = gone ? `The server does not answer. What you have answered is kept: start \`cutaway judge ${about ? about.run : "RUN"}\` again.` : error.message;
    $("error").hidden = false;
  }
  busy = false;
  lock();
}

function lock() {
  for (const id of ["real", "drawn", "end"]) $(id).disabled = busy;
}

function only(id) {
  for (const one of ["intro", "judging", "result"]) $(one).hidden = one !== id;
}

async function start() {
  about = await ask("about");
  const [h, w] = about.size;
  $("lead").textContent = `${about.title}: images of ${h} × ${w} pixels, ${about.images} of them to judge. Can you tell what the network drew from what is real?`;
  $("checks").textContent = about.checks;
  $("silence").hidden = about.feedback;
  $("taught").hidden = !about.feedback;
  sitting = await known();
  if (!sitting || !sitting.answered) return only("intro");
  await (sitting.ended ? result() : next());
}

async function known() {
  const session = localStorage.getItem(KEY);
  if (!session) return undefined;
  try {
    return await ask(`sittings/${session}`);
  } catch (error) {
    if (error.status === 404) return undefined; /* of another run */
    throw error;
  }
}

async function begin() {
  pictures.clear();
  if (!sitting || sitting.ended) sitting = await ask("sittings", "POST");
  localStorage.setItem(KEY, sitting.session);
  $("told").textContent = "";
  await next();
}

function picture(position) {
  if (!pictures.has(position)) {
    const coming = ask(`sittings/${sitting.session}/images/${position}`).then((blob) => URL.createObjectURL(blob));
    coming.catch(() => pictures.delete(position));
    pictures.set(position, coming);
  }
  return pictures.get(position);
}

async function next() {
  if (sitting.answered >= sitting.total) return result();
  const position = sitting.answered, image = $("image");
  image.src = await picture(position);
  await image.decode();
  only("judging");
  const before = position - 1;
  if (pictures.has(before)) pictures.get(before).then(URL.revokeObjectURL);
  pictures.delete(before);
  if (position + 1 < sitting.total) picture(position + 1).catch(() => {});
  $("count").textContent = `Image ${position + 1} of ${sitting.total}`;
  $("done").style.width = `${(100 * position) / sitting.total}%`;
  $("end").hidden = position < about.fewest;
  shownAt = performance.now();
}

function judge(real) {
  const position = sitting.answered, ms = Math.round(performance.now() - shownAt);
  return attempt(async () => {
    if (sitting.answered === position) {
      const told = await ask(`sittings/${sitting.session}/answers`, "POST", { position, real, ms });
      sitting = told;
      $("told").textContent = "right" in told ? (told.right ? "That was right." : "That was wrong.") : "";
    }
    await next();
  });
}

async function result() {
  const found = await ask(`sittings/${sitting.session}/end`, "POST");
  sitting.ended = true;
  const { own } = found;
  $("share").textContent = `${own.value.toFixed(1)} %`;
  $("of").textContent = `right, of ${own.answers} answers (95 % interval ${own.low.toFixed(1)} to ${own.high.toFixed(1)} %)`;
  scale(found);
  $("said").replaceChildren(...found.said.map((one) => element("li", one)));
  const names = { real: "real", drawn: "drawn by the network", scrambled: "scrambled (not counted)" };
  $("kinds").replaceChildren(...Object.entries(names).map(([kind, name]) => {
    const row = document.createElement("tr"), head = element("th", name);
    head.scope = "row";
    row.append(head, element("td", found.kinds[kind][0]), element("td", found.kinds[kind][1]));
    return row;
  }));
  $("all").textContent = together(found.all);
  only("result");
  $("heading").focus();
}

function together(all) {
  if (!all) return "There are not yet two visitors whose answers count.";
  return `${all.value.toFixed(1)} % right, of ${all.answers} answers of ${all.visitors} visitors (95 % interval ${all.low.toFixed(1)} to ${all.high.toFixed(1)} %).`;
}

/* from 0 to 100 %: the interval, guessing, and the shares of the text */
function scale({ own, texts, guessing }) {
  const at = (name, value, words = "") => {
    const one = element("span", words);
    one.className = name;
    one.style.left = `${value}%`;
    return one;
  };
  const band = at("band", own.low);
  band.style.width = `${own.high - own.low}%`;
  const rail = element("span", ""), ends = element("span", "");
  rail.className = "rail";
  ends.className = "ends";
  ends.append(element("span", "0 %"), element("span", "100 %"));
  const marks = [at("mark", guessing), at("name below", guessing, `guessing ${guessing} %`)];
  for (const [data, value] of Object.entries(texts)) marks.push(at("mark", value), at("name above", value, `${data}\n${value} %`));
  $("scale").replaceChildren(rail, band, ...marks, at("point", own.value), ends);
  $("scale").ariaLabel = `${own.value.toFixed(1)} %, interval ${own.low.toFixed(1)} to ${own.high.toFixed(1)} %; guessing ${guessing} %; the text: ${Object.entries(texts).map((one) => `${one.join(" ")} %`).join(", ")}`;
}

function element(tag, text) {
  const one = document.createElement(tag);
  one.textContent = text;
  return one;
}

$("begin").onclick = $("again").onclick = () => attempt(begin);
$("retry").onclick = () => attempt(retry);
$("real").onclick = () => judge(true);
$("drawn").onclick = () => judge(false);
$("end").onclick = () => attempt(result);
addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("judging").hidden || busy) return;
  const real = { r: true, ArrowLeft: true, d: false, ArrowRight: false }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (real === undefined) return;
  event.preventDefault();
  judge(real);
});
attempt(start);
