/* why an answer: the picture is covered square by square, and the network asked again */
const PATCHES = 5, LARGE = 64 * 64, PATIENCE = 60000; // squares to a side; pixels; milliseconds

async function why(image, wanted) {
  if (!about.resizes) return null;
  const { values, height, width } = shown(await decoded(image));
  const began = performance.now(), chunk = height * width > LARGE ? 1 : 8; // covers a call
  const whole = (await run(tensor(values, 1, height, width))).data, top = ranked(whole);
  const best = top[0].index, places = covers(height, width);
  const fall = new Float32Array(height * width), times = new Float32Array(height * width);
  for (let i = 0; i < places.length; i += chunk) {
    if (!wanted() || performance.now() - began > PATIENCE) return null;
    const some = places.slice(i, i + chunk), covered = some.map((place) => cover(values, place, width));
    const { data } = await run(tensor(joined(covered), some.length, height, width));
    some.forEach((place, n) => {
      const lost = log(whole[best]) - log(data[n * whole.length + best]);
      for (const at of place.pixels(width)) { fall[at] += lost; times[at]++; }
    });
    await new Promise((then) => setTimeout(then)); // so that the page stays alive
  }
  const heat = fall.map((sum, i) => Math.max(0, sum / times[i])), most = heat.reduce((a, b) => Math.max(a, b));
  return { top, seen: imageData({ values, height, width }, about.channels), heat: painted(heat.map((v) => v / Math.max(most, 1e-12)), 0, about.size, 1), most };
}

const log = (p) => Math.log(Math.max(p, 1e-12));

/* squares that move by half of themselves, so that every pixel is under one */
function covers(height, width) {
  const side = Math.max(1, Math.floor(Math.min(height, width) / PATCHES)), step = Math.max(1, side >> 1);
  const starts = (length) => {
    const last = Math.max(0, length - side), places = [];
    for (let at = 0; at < last; at += step) places.push(at);
    return [...places, last];
  };
  return starts(height).flatMap((y) => starts(width).map((x) => ({
    *pixels(width) { for (let i = y; i < y + side; i++) for (let j = x; j < x + side; j++) yield i * width + j; },
  })));
}

/* in the mean colour of the training images */
function cover(values, place, width) {
  const covered = values.slice(), c = about.channels;
  for (const at of place.pixels(width))
    for (let k = 0; k < c; k++) covered[at * c + k] = Math.round(255 * about.mean[k]);
  return covered;
}

function joined(parts) {
  const whole = new Uint8Array(parts.length * parts[0].length);
  parts.forEach((part, i) => whole.set(part, i * part.length));
  return whole;
}
