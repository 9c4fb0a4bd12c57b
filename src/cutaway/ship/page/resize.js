/* what a picture is brought to, as cutaway.data.frame says, in the same whole numbers as there */
const POINT = 2 ** 22; // a weight of 1

/* for each of `wanted` new pixels of a line: what pixels of it give, times 2^22, and which they are,
   counted from `before` pixels ahead of it, where its first is repeated, as its last is behind it */
function weights(length, wanted, before = 0, whole = length) {
  const scale = whole / wanted, wide = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, i) => {
    const centre = (i + 0.5) * scale, first = Math.max(0, Math.floor(centre - 2 * wide + 0.5));
    const places = [], give = [];
    for (let k = first; k < Math.min(whole, Math.floor(centre + 2 * wide + 0.5)); k++) {
      const x = Math.abs((k - centre + 0.5) / wide);
      give.push(x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0);
      places.push(Math.min(Math.max(k - before, 0), length - 1));
    }
    const sum = give.reduce((a, b) => a + b);
    return { places, give: give.map((w) => Math.floor(w / sum * POINT + 0.5)) };
  });
}

/* one line of `from` to one of `into`; steps are from pixel to pixel, each of `c` values */
function along(line, from, start, step, into, to, move, c) {
  line.forEach(({ places, give }, i) => {
    for (let k = 0; k < c; k++) {
      let sum = POINT / 2;
      for (let j = 0; j < give.length; j++) sum += give[j] * from[start + places[j] * step + k];
      into[to + i * move + k] = Math.floor(sum / POINT); // clamped to 0..255
    }
  });
}

/* the part of a picture that is seen, and the margins that it lacks */
function seenPart(height, width, fit) {
  const short = Math.min(height, width), long = Math.max(height, width);
  if (fit === "cut") return { top: (height - short) >> 1, left: (width - short) >> 1, h: short, w: short };
  const [above, before] = fit === "pad" ? [(long - height) >> 1, (long - width) >> 1] : [0, 0];
  const [tall, wide] = fit === "pad" ? [long, long] : [height, width];
  return { top: 0, left: 0, h: height, w: width, above, before, tall, wide };
}

/* a picture at a height and width: all rows first, then all columns. `rows(top, left, h, w)` yields
   the values of its rows from the first on, some at a time: [values, how many] */
function resized(rows, [height, width], c, part) {
  const { top, left, h, w, above = 0, before = 0, tall = h, wide = w } = part;
  const across = weights(w, width, before, wide), down = weights(h, height, above, tall);
  const narrow = new Uint8ClampedArray(h * width * c), made = new Uint8ClampedArray(height * width * c);
  let row = 0;
  for (const [values, count] of rows(top, left, h, w))
    for (let i = 0; i < count; i++, row++) along(across, values, i * w * c, c, narrow, row * width * c, c, c);
  for (let x = 0; x < width; x++) along(down, narrow, x * c, width * c, made, x * c, width * c, c);
  return { values: new Uint8Array(made.buffer), height, width };
}

/* RGBA to one channel or three; grey is the luma of ITU-R 601-2, as Pillow rounds it */
function channels(data, c) {
  const values = new Uint8Array(data.length / 4 * c);
  for (let i = 0, k = 0; i < data.length; i += 4)
    if (c === 1) values[k++] = (data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16;
    else for (let j = 0; j < 3; j++) values[k++] = data[i + j];
  return values;
}

/* grey or coloured values as a picture that can be shown */
function imageData({ values, height, width }, c) {
  const data = new ImageData(width, height);
  for (let i = 0, k = 0; i < data.data.length; i += 4, k += c)
    data.data.set([values[k], values[k + (c === 1 ? 0 : 1)], values[k + (c === 1 ? 0 : 2)], 255], i);
  return data;
}
