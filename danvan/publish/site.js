"use strict";
// Hides the rows and years that do not fit what is typed. Without script the whole table is there.
const words = JSON.parse(document.getElementById("chi-muc")?.textContent ?? "{}");
const [box, told, table] = ["tim", "dem", "bang"].map(id => document.getElementById(id));
const fold = text => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d");

function show() {
  const asked = fold(box.value).split(/\s+/).filter(Boolean);
  const there = new Set([...table.tHead.querySelectorAll("[data-year]")].map(cell => cell.dataset.year));
  const years = asked.filter(word => there.has(word));
  const others = asked.filter(word => !there.has(word));
  let count = 0;
  for (const row of table.tBodies[0].rows) {
    const fits = others.every(word => words[row.id.slice(3)].includes(word));
    row.hidden = !fits;
    count += fits;
  }
  for (const cell of table.querySelectorAll("[data-year]")) {
    cell.hidden = years.length > 0 && !years.includes(cell.dataset.year);
  }
  told.textContent = asked.length ? (count ? `${count} chỉ tiêu` : "Không có chỉ tiêu nào như vậy.") : "";
}

if (box) {
  box.parentElement.hidden = false;
  box.addEventListener("input", show);
  show(); // a browser may bring back what was typed
}
