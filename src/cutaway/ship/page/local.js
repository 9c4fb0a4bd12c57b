/* the network runs here, in the page */
const way = { about: async () => JSON.parse($("about").textContent), facts: loaded, answer, why };
const LIMIT = 2 ** 27, SIDE = 4096; // pixels, as elsewhere in Cutaway; and what every browser can draw
const DRAWN = 16, TOP = 5;
let session, running = Promise.resolve();

async function unpacked(id) {
  const text = atob($(id).textContent), packed = new Uint8Array(text.length);
  for (let i = 0; i < packed.length; i++) packed[i] = text.charCodeAt(i);
  $(id).remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function loaded() {
  if (document.readyState === "loading") await new Promise((then) => addEventListener("DOMContentLoaded", then));
  if (!globalThis.ort || !globalThis.DecompressionStream)
    throw new Error("This browser cannot run the network: take one of 2023 or later.");
  const began = performance.now();
  Object.assign(ort.env.wasm, { wasmBinary: await unpacked("runtime"), numThreads: 1 });
  session = await ort.InferenceSession.create(await unpacked("model"));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  return [["Runs in", `this browser, by onnxruntime-web ${ort.env.versions.web}`], ["Made ready in", `${seconds} s`]];
}

/* one call at a time */
function run(input) {
  const found = running.then(() => session.run({ [session.inputNames[0]]: input }));
  running = found.catch(() => {});
  return found.then((outputs) => outputs[session.outputNames[0]]);
}

async function decoded(image) {
  const picture = await createImageBitmap(image, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("The file is not a picture that this browser can read.");
  });
  const { width, height } = picture;
  if (width * height > LIMIT)
    throw new Error(`It has ${width} x ${height} pixels; ${LIMIT.toLocaleString("en")} are accepted.`);
  return picture;
}

/* a picture over white: where the network takes squares the middle one, since a canvas has a limit */
function shown(picture, size) {
  const { width, height } = picture, short = Math.min(width, height);
  const square = about.resizes && about.size[0] === about.size[1], [w, h] = square ? [short, short] : [width, height];
  const [left, top] = [Math.floor((width - w) / 2), Math.floor((height - h) / 2)];
  const shrink = Math.min(1, SIDE / Math.max(w, h)), canvas = document.createElement("canvas");
  [canvas.height, canvas.width] = size ?? [Math.round(shrink * h), Math.round(shrink * w)];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, w, h, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/* RGBA to the network's channels; grey is the luma of ITU-R 601-2, as Pillow rounds it */
function channels({ data }) {
  const c = about.channels, values = new Uint8Array(data.length / 4 * c);
  for (let i = 0, k = 0; i < data.length; i += 4)
    if (c === 1) values[k++] = (data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16;
    else for (let j = 0; j < 3; j++) values[k++] = data[i + j];
  return values;
}

const tensor = (values, count, height, width) => new ort.Tensor("uint8", values, [count, height, width, about.channels]);

function ranked(p) {
  const order = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, TOP);
  return order.map((k) => ({ index: k, label: about.classes[k], probability: p[k] }));
}

async function answer(image) {
  if (about.part === "generate") return made();
  const picture = shown(await decoded(image));
  const found = await run(tensor(channels(picture), 1, picture.height, picture.width));
  if (about.part === "reconstruct") {
    const again = painted(found.data, 0, found.dims.slice(1, 3), about.channels);
    return { figures: [[picture, "The image"], [again, "What the network makes of it"]] };
  }
  if (about.task !== "segment") return { top: ranked(found.data) };
  const { data, shares } = mask(found.data, found.dims.slice(1));
  const legend = about.classes.map((label, k) => ({ colour: hue(k), label, share: shares[k] }));
  return { figures: [[picture, "The image"], [data, "What each pixel is taken for"]], legend };
}

async function made() {
  const z = Float32Array.from({ length: DRAWN * about.latent }, normal);
  const { data, dims: [count, ...grid] } = await run(new ort.Tensor("float32", z, [DRAWN, about.latent]));
  const each = data.length / count;
  return { figures: Array.from({ length: count }, (_, i) => [painted(data, i * each, grid, about.channels)]) };
}

/* from N(0, 1), by Box and Muller */
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
