"""What was measured, kept between runs, and its tables in README.md."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS, PICTURES = HERE / "results", HERE / "pictures"


def earlier(name: str) -> dict[str, Any]:
    """All that `results/NAME.json` holds; nothing if it was never measured."""
    file = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def keep(name: str, **parts: Any) -> None:
    """Put these parts into `results/NAME.json`; the others stay as they were."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(earlier(name) | parts, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False) -> str:
    """In Markdown; `numbers`: all columns but the first are set to the right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))


def publish(mark: str, text: str, page: Path = HERE / "README.md") -> None:
    """Put the text into a page, between `<!-- MARK -->` and `<!-- end of MARK -->`."""
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, rest = page.read_text().split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
