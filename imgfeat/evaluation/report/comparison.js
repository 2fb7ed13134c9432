"use strict";
// A click, or Enter, on the name of a column sorts by it; again, the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, head));
  }
}

function sort(table, head) {
  const ascending = head.ariaSort ? head.ariaSort !== "ascending" : "low" in head.dataset;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows];
  const value = (row) => row.cells[head.cellIndex].dataset.value;
  rows.sort((a, b) => compare(value(a), value(b), ascending ? 1 : -1));
  table.tBodies[0].append(...rows);
}

// Who has no value comes last, either way.
function compare(a, b, sign) {
  if (!a || !b) return !a - !b;
  const difference = a - b;
  return sign * (Number.isNaN(difference) ? a.localeCompare(b) : difference);
}

// What is folded opens for a link to it, and for the printer.
function unfold(place) {
  const target = document.getElementById(place.slice(1));
  target?.closest("details")?.setAttribute("open", "");
}
addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (link) unfold(link.hash);
});
unfold(location.hash);
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details.candidate")) folded.open = true;
});
