/* the network runs here, in the page */
const way = { about: async () => JSON.parse($("about").textContent), facts: loaded, answer, why };
const LIMIT = 2 ** 27; // pixels, as elsewhere in Cutaway
const SIDE = 2048, BAND = 256; // pixels that are read at once: a canvas has a limit
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
  return [["Runs in", `this browser, by onnxruntime-web ${ort.env.versions.web}`], ["Loaded in", `${seconds} s`]];
}

/* one call at a time */
function run(input) {
  const result = running.then(() => session.run({ [session.inputNames[0]]: input }));
  running = result.catch(() => {});
  return result.then((outputs) => outputs[session.outputNames[0]]);
}

async function decoded(image) {
  const picture = await createImageBitmap(image, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("The file is not a picture that this browser can read.");
  });
  const { width, height } = picture;
  if (width * height > LIMIT)
    throw new Error(`It has ${width} x ${height} pixels; ${LIMIT.toLocaleString("en")} are accepted.`);
  if (about.levels && await deep(image))
    throw new Error("It has 16 bits a pixel, of which a browser reads 8: ask `cutaway predict`, or a server.");
  return picture;
}

/* whether a file is a grey PNG of 16 bits */
async function deep(image) {
  const head = new Uint8Array(await image.slice(0, 26).arrayBuffer());
  return head[0] === 0x89 && head[1] === 0x50 && head[24] === 16 && head[25] === 0;
}

/* the pixels that the network gets: its own size, or the picture's where it takes any */
function shown(picture) {
  const { width, height } = picture, c = about.channels, [tall, wide] = about.resizes ? about.size : [height, width];
  const square = about.size[0] === about.size[1], fit = about.resizes && square ? about.fit : "stretch";
  return resized(bands(picture, c), [tall, wide], c, seenPart(height, width, fit));
}

/* over white, as a canvas gives them, which must not be too large */
const bands = (picture, c) => function* (top, left, h, w) {
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d", { willReadFrequently: true });
  for (let y = 0; y < h; y += BAND) {
    const count = Math.min(BAND, h - y), values = new Uint8Array(count * w * c);
    for (let x = 0; x < w; x += SIDE) {
      const some = Math.min(SIDE, w - x);
      [canvas.width, canvas.height] = [some, count];
      context.fillStyle = "#fff";
      context.fillRect(0, 0, some, count);
      context.drawImage(picture, left + x, top + y, some, count, 0, 0, some, count);
      const piece = channels(context.getImageData(0, 0, some, count).data, c);
      for (let i = 0; i < count; i++)
        values.set(piece.subarray(i * some * c, (i + 1) * some * c), (i * w + x) * c);
    }
    yield [values, count];
  }
};

const tensor = (values, count, height, width) => new ort.Tensor("uint8", values, [count, height, width, about.channels]);

function ranked(p) {
  const order = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, TOP);
  /* of two classes and a stated cost, the one that it decides for */
  const [positive, threshold] = about.tuned.decision ?? [];
  if (positive !== undefined && (p[positive] >= Math.fround(threshold)) !== (order[0] === positive)) order.reverse();
  return order.map((k) => ({ index: k, label: about.target.names[k], probability: p[k] }));
}

/* the labels whose probability is not below their threshold, and the next ones */
function told(p) {
  const thresholds = about.tuned.thresholds ?? about.target.names.map(() => 0.5);
  const every = [...p.keys()].sort((a, b) => p[b] - p[a]).map((k) => (
    { label: about.target.names[k], probability: p[k], told: p[k] >= Math.fround(thresholds[k]) }));
  return { labels: every.filter((one) => one.told), others: every.filter((one) => !one.told).slice(0, TOP) };
}

async function answer(image) {
  if (about.part === "generate") return made();
  const picture = shown(await decoded(image));
  const outputs = await run(tensor(picture.values, 1, picture.height, picture.width)), seen = imageData(picture, about.channels);
  if (about.part === "reconstruct") {
    const again = painted(outputs.data, 0, outputs.dims.slice(1, 3), about.channels);
    return { figures: [[seen, "The image"], [again, "Its reconstruction"]] };
  }
  if (about.target.kind === "class") return { top: ranked(outputs.data) };
  if (about.target.kind === "labels") return told(outputs.data);
  if (about.target.kind === "value")
    return { values: Object.fromEntries(about.target.names.map((name, k) => [name, outputs.data[k]])) };
  const { data, shares } = mask(outputs.data, outputs.dims.slice(1));
  const legend = about.target.names.map((label, k) => ({ colour: hue(k), label, share: shares[k] }));
  return { figures: [[seen, "The image"], [data, "The predicted class of each pixel"]], legend };
}

async function made() {
  const z = Float32Array.from({ length: DRAWN * about.latent }, normal);
  const { data, dims: [count, ...grid] } = await run(new ort.Tensor("float32", z, [DRAWN, about.latent]));
  const each = data.length / count;
  return { figures: Array.from({ length: count }, (_, i) => [painted(data, i * each, grid, about.channels)]) };
}

/* from N(0, 1), by Box and Muller */
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
