/* the server that gave the page is asked */
const way = {
  about: () => get("about"),
  facts: served,
  answer: async (image) => (await ask("predict", image)).answers[0],
  why: explained,
  failed: (error) => error instanceof TypeError ? "The server does not answer." : error.message,
};

const get = async (route) => (await fetch(route)).json();

async function served() {
  const { engine, since } = await get("health");
  $("curl").textContent = `curl -F images=@picture.png ${location.origin}/predict`;
  return [["Runs on", engine], ["In use since", new Date(since).toLocaleString()]];
}

async function ask(route, image) {
  const form = new FormData();
  form.append("images", image, "image.png");
  const answer = await fetch(route, { method: "POST", body: form });
  const reply = await answer.json();
  if (!answer.ok) throw new Error(reply.error);
  return reply;
}

async function explained(image) {
  const { top, seen, heat, most } = await ask("why", image);
  return { top, seen: await pixels(seen), heat: await pixels(heat), most };
}

async function pixels(base64) {
  const image = new Image();
  image.src = "data:image/png;base64," + base64;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}
