/* What JSON lacks comes as objects: bytes in base64, and numbers that are not finite. */
export function bytesOf(packed) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(packed.base64);
  const text = atob(packed.base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function numberOf(value) {
  if (typeof value === "number") return value;
  return { inf: Infinity, "-inf": -Infinity }[value?.text] ?? NaN;
}

export const numbers = (row) => (row ?? []).map(numberOf);

export function putPixels(canvas, { height, width, channels, data }) {
  const from = bytesOf(data), image = new ImageData(width, height), to = image.data;
  for (let i = 0, j = 0; j < to.length; i += channels, j += 4) {
    for (let k = 0; k < 3; k++) to[j + k] = from[i + (channels > 2 ? k : 0)];
    to[j + 3] = channels === 4 ? from[i + 3] : 255;
  }
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/* A picture of which `colour` gives each field's bytes, to be drawn larger. */
export function painted(width, height, colour) {
  const canvas = document.createElement("canvas"), image = new ImageData(Math.max(1, width), Math.max(1, height));
  for (let row = 0, j = 0; row < height; row++)
    for (let column = 0; column < width; column++, j += 4) {
      const rgb = colour(row, column);
      for (let k = 0; k < 3; k++) image.data[j + k] = rgb[k];
      image.data[j + 3] = 255;
    }
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
