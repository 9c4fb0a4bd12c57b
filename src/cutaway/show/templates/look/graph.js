{
  const section = document.querySelector(".graph"), seek = section.querySelector(".seek");
  const box = seek.querySelector("input"), said = seek.querySelector("output");
  let opened = [];
  seek.hidden = false;
  section.addEventListener("mouseover", event => {
    const head = event.target.closest("summary"), figures = head?.parentElement.querySelector(":scope > .figures");
    if (figures) head.title = figures.textContent;
  });
  box.addEventListener("input", () => {
    for (const one of opened) one.open = false;
    opened = [];
    const words = box.value.trim().toLowerCase();
    const passes = [...section.querySelectorAll(".pass[open]")];
    const nodes = passes.flatMap(pass => [...pass.querySelectorAll(".node")]);
    const hits = nodes.filter(node => words && node.dataset.find.includes(words));
    for (const node of section.querySelectorAll(".node.hit")) node.classList.remove("hit");
    for (const hit of hits) {
      hit.classList.add("hit");
      for (let up = hit.parentElement.closest(".node"); up; up = up.parentElement.closest(".node"))
        if (!up.open) { up.open = true; opened.push(up); }
    }
    said.textContent = words && (hits.length + (hits.length === 1 ? " match" : " matches"));
    if (hits.length) hits[0].scrollIntoView({block: "nearest"});
  });

  const table = section.querySelector(".modules"), heads = [...table.querySelectorAll("thead th")];
  const value = (row, i) => {
    const text = row.cells[i].textContent, number = parseFloat(text.replace(/[,<>]/g, ""));
    return i < 2 ? text : number;
  };
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const body = table.tBodies[0], rows = [...body.rows];
      rows.sort((a, b) => i < 2 ? value(a, i).localeCompare(value(b, i)) : value(b, i) - value(a, i));
      body.append(...rows);
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", i < 2 ? "ascending" : "descending");
    });
  });
}
