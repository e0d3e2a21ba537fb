// Opens the card of a figure on hover and focus, too, says whose figure it is, and sorts the tables of units.
// Holds no data: what it shows it takes, as text, from the page. Without it the page is whole, only quieter.
(() => {
  "use strict";
  const WAIT = 300, STAY = 300; // milliseconds until a card opens, and until one that was left closes
  const OPENER = "button[popovertarget^='_the-']";
  let timer, card = null, at = null, dismissed = null, pinned = false; // the card shown, of which figure; `pinned`: asked for

  // ------------------------------------------------------------ which card

  const figureOf = node => {
    const one = node.closest?.(".so, .nguon, td");
    return one && !one.closest(".card") && cardOf(one) ? one : null;
  };

  const openerOf = figure => {
    if (figure.localName != "td") return figure.matches(OPENER) ? figure : figure.querySelector(OPENER);
    if (figure.matches(".bare")) return null;
    const head = figure.closest("table").tHead?.querySelector(`[data-n="${figure.cellIndex}"]`);
    return [figure, figure.parentElement.cells[0], head].map(one => one?.querySelector(OPENER)).find(Boolean);
  };

  const cardOf = figure => document.getElementById(openerOf(figure)?.getAttribute("popovertarget"));

  // ------------------------------------------------------------ what it marks

  const unmark = () => {
    for (const one of document.querySelectorAll(".this")) one.classList.remove("this");
    for (const one of document.querySelectorAll(".own")) one.remove();
  };

  const digestOf = file => { // the beginning, of those that a list does not tell
    const found = [...document.querySelectorAll(".sources li")].find(one => one.firstChild.data.trim() == file);
    return found?.querySelector("code")?.textContent.slice(0, 8);
  };

  const tell = figure => {
    const mark = figure.dataset.o ?? figure.closest("tr")?.dataset.o ?? openerOf(figure).dataset.o;
    if (!mark) return;
    const of = figure.matches(".hidden, .missing, .not_applicable") ? "none" : `[data-o="${CSS.escape(mark)}"]`, places = [];
    for (const line of card.querySelectorAll(of)) line.classList.add("this");
    for (const source of card.querySelectorAll(":scope > ul > li")) {
      const list = document.getElementById(source.querySelector("button")?.getAttribute("popovertarget"));
      for (const entry of (list ?? source).querySelectorAll(of)) {
        entry.classList.add("this");
        const where = source.firstElementChild.textContent, file = `${where.split(",")[0]}/${entry.textContent.trim()}`;
        places.push([entry.textContent.trim(), digestOf(file), `(${where})`].filter(Boolean).join(" "));
      }
    }
    if (figure.localName == "td" && figure.parentElement.matches(".unit, .city")) {
      const own = document.createElement("p");
      own.className = "own this";
      const words = `${figure.parentElement.cells[0].textContent.trim()}: ${figure.textContent.trim()}`;
      own.textContent = places.length ? `${words}. Nguồn: ${places.join("; ")}` : words;
      card.querySelector(".name").after(own);
    }
    const first = card.querySelector(".this");
    if (first) card.scrollTop = Math.max(0, first.offsetTop - card.clientHeight / 2);
  };

  // ------------------------------------------------------------ open and close

  document.documentElement.classList.add("lively"); // cells answer, too
  const hide = () => card?.matches(":popover-open") && card.hidePopover();

  const show = (figure, how) => {
    hide();
    unmark();
    [card, at, pinned] = [cardOf(figure), figure, how == "pinned"];
    card.inert = how == "focus"; // the next Tab goes on in the text; Enter makes it a part of the way
    tell(figure);
    card.showPopover({ source: figure });
    if (pinned) clearOf(figure);
  };

  const clearOf = figure => { // a sheet at the foot of a narrow screen must not lie over what it tells of
    const over = figure.getBoundingClientRect().bottom + 8 - card.getBoundingClientRect().top;
    if (over > 0 && card.getBoundingClientRect().width >= document.documentElement.clientWidth) scrollBy(0, over);
  };

  const later = (act, time) => { clearTimeout(timer); timer = setTimeout(act, time); };

  document.addEventListener("toggle", event => {
    if (event.target !== card || event.newState != "closed") return;
    if (card.matches(":popover-open")) return; // opened anew meanwhile
    unmark();
    [card, at, pinned] = [null, null, false];
  }, true);

  document.addEventListener("pointerover", event => {
    if (event.pointerType != "mouse" || pinned) return;
    const figure = figureOf(event.target);
    if (event.target.closest(".card") || (figure && figure === at)) clearTimeout(timer);
    else if (figure) later(() => show(figure, "hover"), WAIT);
    else later(hide, STAY);
  });
  document.documentElement.addEventListener("pointerleave", () => { if (!pinned) later(hide, STAY); });

  document.addEventListener("focusin", event => {
    if (pinned || !event.target.matches(":focus-visible") || event.target.closest(".card")) return;
    const figure = figureOf(event.target);
    if (figure && figure === at) clearTimeout(timer);
    else later(figure ? () => show(figure, "focus") : hide, WAIT);
  });

  document.addEventListener("pointerdown", event => {
    clearTimeout(timer);
    dismissed = pinned ? at : null; // by the browser, as it is pressed elsewhere
    if (card && event.target.closest(".card")) pinned = true;
  }, true);

  document.addEventListener("keydown", event => { if (event.key == "Escape") clearTimeout(timer); }, true);

  document.addEventListener("click", event => {
    if (event.target.closest(".card a")) hide();
    const figure = figureOf(event.target);
    if (!figure) return;
    event.preventDefault();
    clearTimeout(timer);
    const again = figure === (event.detail ? dismissed : pinned && at);
    dismissed = null;
    if (again) hide();
    else if (getSelection().isCollapsed || !event.detail) show(figure, "pinned");
  });

  // ------------------------------------------------------------ tables of units

  const collator = new Intl.Collator("vi");
  const SCALE = { nghìn: 1e3, triệu: 1e6 }, WORDS = { Có: 1, Không: 0 };
  const FALLING = "descending", RISING = "ascending";

  const valueOf = cell => { // "hơn 1.234,5 triệu [14/15]" is a number; what is not known, or not shown, has no place
    if (cell.matches(".missing, .not_applicable, .hidden")) return null;
    const text = cell.textContent.trim(), found = text.match(/([-−]?)(\d[\d.]*)(?:,(\d+))?(?:\s(nghìn|triệu))?/);
    if (text in WORDS) return WORDS[text];
    if (cell.localName == "th" || !found) return text || null;
    const value = Number(`${found[2].replaceAll(".", "")}.${found[3] ?? 0}`) * (SCALE[found[4]] ?? 1);
    return found[1] ? -value : value;
  };

  const compare = (one, other) => typeof one == "number" && typeof other == "number"
    ? one - other : collator.compare(String(one), String(other));

  const sort = (body, official, column, way) => { // what has no value keeps the official order, at the end
    const after = [...body.rows].findLast(row => official.includes(row)).nextSibling;
    const values = new Map(official.map(row => [row, valueOf(row.cells[column])]));
    const known = official.filter(row => values.get(row) !== null), sign = way == RISING ? 1 : -1;
    known.sort((one, other) => sign * compare(values.get(one), values.get(other)));
    const rows = way ? [...known, ...official.filter(row => values.get(row) === null)] : official;
    for (const row of rows) body.insertBefore(row, after);
  };

  for (const table of document.querySelectorAll("main table")) {
    const bodies = [...table.tBodies].map(body => [body, [...body.querySelectorAll(":scope > tr.unit")]]);
    if (bodies.every(([, official]) => official.length < 3)) continue;
    const heads = [...table.tHead.querySelectorAll("[data-n]")];
    for (const head of heads) {
      const column = Number(head.dataset.n), label = head.textContent.trim(), button = document.createElement("button");
      head.abbr = label;
      button.className = "sort";
      button.ariaLabel = `Sắp xếp theo ${label}`;
      button.addEventListener("click", () => {
        const ways = column ? [null, FALLING, RISING] : [null, RISING, FALLING];
        const way = ways[(ways.indexOf(head.ariaSort) + 1) % ways.length];
        for (const other of heads) other.ariaSort = null;
        head.ariaSort = way;
        for (const [body, official] of bodies) if (official.length) sort(body, official, column, way);
      });
      head.append(button);
    }
  }
})();
