"use strict";

const SHOWN = 10;        // classes, before a button shows the others
const AT_ONCE = 4;       // requests
const $ = id => document.getElementById(id);
const percent = share => (100 * share).toFixed(share >= 0.9995 || share < 0.0005 ? 0 : 1) + " %";
let key = "", waiting = [], running = 0, started = null;

function headers(file) {
  const found = file ? { "Content-Type": file.type.startsWith("image/") ? file.type : "application/octet-stream" } : {};
  if (key) found.Authorization = "Bearer " + key;
  return found;
}

// An answer as JSON, or an Error whose message is for people.
async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("The service cannot be reached. Is it still running?");
  }
  if (answer.status === 401) $("key-form").hidden = false;
  if (answer.ok) return answer;
  let words = `The service answered with status ${answer.status}.`;
  if ((answer.headers.get("Content-Type") || "").startsWith("application/json")) {
    const said = await answer.json();
    const result = said.results && said.results[0];
    words = result && result.error ? sentence(result.error) : said.error || words;
  }
  throw new Error(words);
}

function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

function of(address) {
  return `${address}?model=${encodeURIComponent($("model").value)}`;
}

async function start() {
  try {
    const { models } = await (await ask("models", { headers: headers() })).json();
    $("model").replaceChildren(...models.map(name => new Option(name, name)));
    $("choice").hidden = models.length < 2;
    $("key-form").hidden = true;
    await describe();
  } catch (error) {
    $("about").textContent = error.message;
  }
}

async function describe() {
  const card = await (await ask(of("model"), { headers: headers() })).json();
  const classes = card.classes || [];
  const some = classes.slice(0, 8).join(", ") + (classes.length > 8 ? " ..." : "");
  $("about").textContent = `${card.name} knows ${classes.length} classes: ${some}` +
    (card.says_unknown ? ", and says when an image is of none of them."
      : card.several_labels ? ", of which an image may have several." : ".");
}

function take(files) {
  const images = [...files].filter(file => file);
  if (!images.length) { $("said").textContent = "There was no image in that."; return; }
  for (const file of images) {
    const item = $("result").content.firstElementChild.cloneNode(true);
    const picture = item.querySelector("img");
    item.querySelector("h2").textContent = "Looking ...";
    item.querySelector(".file").textContent = file.name || "pasted image";
    item.classList.add("waiting");
    picture.addEventListener("error", () => {
      picture.hidden = true;
      item.querySelector(".none").hidden = false;
    });
    picture.src = URL.createObjectURL(file);
    $("results").prepend(item);
    waiting.push([file, item]);
  }
  $("tools").hidden = false;
  next();
}

async function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    const [file, item] = waiting.shift();
    label(file, item).finally(() => { running -= 1; next(); });
  }
}

async function label(file, item) {
  const heading = item.querySelector("h2");
  try {
    await started;  // until then nobody knows which models there are
    const answer = await ask(of("predict"), { method: "POST", body: file, headers: headers(file) });
    const [result] = (await answer.json()).results;
    show(result, item);
    if (!result.labels) offer(file, item);
    $("said").textContent = `${item.querySelector(".file").textContent}: ${heading.textContent}`;
  } catch (error) {
    item.classList.add("failed");
    heading.textContent = "No answer";
    note(item, error.message);
    $("said").textContent = `${item.querySelector(".file").textContent}: ${error.message}`;
  }
  item.classList.remove("waiting");
}

function note(item, words) {
  const line = item.querySelector(".note");
  line.textContent = words;
  line.hidden = false;
}

function show(result, item) {
  const given = result.unknown ? [] : (result.labels || [result.label]).map(String);
  const said = result.unknown ? "Unknown" : given.join(", ") || "None of the labels";
  item.querySelector("h2").textContent = said + (result.unknown ? ""
    : (result.probability == null ? "" : `, ${percent(result.probability)}`));
  if (result.unknown) note(item, "This is like none of the images that the model has learned from.");
  else if (result.set && result.set.length > 1) note(item, `It may be any of: ${result.set.join(", ")}.`);
  item.querySelector("img").alt = result.unknown ? "unknown" : said;
  const shares = Object.entries(result.probabilities || {}).sort((one, other) => other[1] - one[1]);
  const rows = shares.map(([name, share]) => bar(name, share, given.includes(name)));
  const list = item.querySelector(".bars"), more = item.querySelector(".more");
  list.append(...rows.slice(0, SHOWN));
  if (rows.length > SHOWN) {
    more.hidden = false;
    more.textContent = `Show all ${rows.length} classes`;
    more.addEventListener("click", () => { list.append(...rows.slice(SHOWN)); more.hidden = true; });
  }
}

function bar(name, share, isBest) {
  const row = document.createElement("li");
  const part = kind => row.appendChild(Object.assign(document.createElement("span"), { className: kind }));
  part("name").textContent = name;
  const inner = document.createElement("div");
  inner.className = "bar";
  inner.style.width = `${100 * share}%`;
  const track = row.appendChild(document.createElement("div"));
  track.className = "track";
  track.append(inner);
  part("share").textContent = percent(share);
  row.classList.toggle("best", isBest);
  return row;
}

function offer(file, item) {
  const button = item.querySelector(".explain"), how = item.querySelector(".how");
  const picture = item.querySelector("img"), plain = picture.src;
  let overlay = null;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-pressed") === "true") return turn(false);
    if (!overlay) {
      button.disabled = true;
      button.textContent = "Looking ...";
      try {
        const answer = await ask(of("explain"), { method: "POST", body: file, headers: headers(file) });
        const name = decodeURIComponent(answer.headers.get("X-Explained-Label") || "");
        overlay = URL.createObjectURL(await answer.blob());
        how.textContent = `Orange speaks for ${name}, blue against it.`;
      } catch (error) {
        how.textContent = error.message;
        how.hidden = false;
        button.textContent = "Try again to show what it looked at";
        return;
      } finally {
        button.disabled = false;
      }
    }
    turn(true);
  });
  function turn(on) {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Show the image" : "Show what it looked at";
    how.hidden = !on;
    picture.src = on ? overlay : plain;
    picture.hidden = false;
    item.querySelector(".none").hidden = true;
  }
}

for (const id of ["files", "camera"]) {
  $(id).addEventListener("change", event => { take(event.target.files); event.target.value = ""; });
}
$("model").addEventListener("change", () => describe().catch(error => { $("about").textContent = error.message; }));
$("key-form").addEventListener("submit", event => {
  event.preventDefault();
  key = $("key").value;
  started = start();
});
$("clear").addEventListener("click", () => {
  waiting = [];
  for (const picture of document.querySelectorAll("#results img")) URL.revokeObjectURL(picture.src);
  $("results").replaceChildren();
  $("tools").hidden = true;
  $("said").textContent = "";
  $("files").focus();
});
let depth = 0;
const hover = on => $("drop").classList.toggle("over", on);
addEventListener("dragenter", () => { depth += 1; hover(true); });
addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) hover(false); });
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  depth = 0;
  hover(false);
  take(event.dataTransfer.files);
});
addEventListener("paste", event => {
  const files = [...event.clipboardData.files];
  if (files.length) { event.preventDefault(); take(files); }
});
started = start();
