/* The messages of an answer that comes in lines of JSON, each as soon as it is there. */
export async function* readLines(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) {
    yield { error: (await answer.json().catch(() => ({}))).error ?? "The studio did not answer." };
    return;
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (text + value).split("\n");
    text = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}
