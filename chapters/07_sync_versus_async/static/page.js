// Fires a burst of requests at one of the two handlers and draws each request's bar while it runs.

const form = document.querySelector("#burst");
const buttons = form.querySelectorAll("button");
const main = document.querySelector("main");
let longest = 6; // seconds: the width of a full bar, the same for both handlers

const seconds = (time) => `${time.toFixed(2)} s`;

function addBar(list) {
  const row = list.appendChild(document.createElement("li"));
  const bar = row.appendChild(document.createElement("div"));
  const label = row.appendChild(document.createElement("span"));
  return { row, bar, label, start: performance.now(), time: 0, status: null };
}

function draw(request) {
  const { bar, label, status } = request;
  if (status === null) request.time = (performance.now() - request.start) / 1000;
  longest = Math.max(longest, request.time);
  main.style.setProperty("--longest", longest);
  bar.style.setProperty("--time", request.time);
  label.textContent = seconds(request.time) + ([null, 200].includes(status) ? "" : ` (${status})`);
}

async function ask(request, url) {
  let status = "no answer";
  try {
    const response = await fetch(url, { cache: "no-store" });
    await response.text();
    status = response.status;
  } catch {
    // the server is gone
  }
  draw(request);
  request.status = status;
  draw(request);
  request.row.dataset.seconds = request.time;
  request.row.dataset.status = status;
  const list = request.row.parentElement; // those with an answer first, in the order of the answers
  list.insertBefore(request.row, list.querySelector("li:not([data-status])"));
}

async function fire(path, tag, count) {
  const section = main.querySelector(`[data-path="${path}"]`);
  const [list, status] = [section.querySelector("ol"), section.querySelector("[role=status]")];
  list.replaceChildren();
  status.textContent = `${count} ${count === 1 ? "request is" : "requests are"} under way.`;
  const requests = Array.from({ length: count }, () => addBar(list));
  const drawing = setInterval(() => requests.forEach(draw), 40);
  await Promise.all(requests.map((request) => ask(request, `${path}?q=${encodeURIComponent(tag)}`)));
  clearInterval(drawing);

  const times = requests.map((request) => request.time);
  const [total, ideal] = [Math.max(...times), Math.min(...times)];
  const failed = requests.filter((request) => request.status !== 200).length;
  section.dataset.total = total;
  section.dataset.ideal = ideal;
  status.textContent =
    `All here after ${seconds(total)}. Ideal: ${seconds(ideal)}, as long as the fastest one takes.` +
    (failed ? ` ${failed} of ${count} failed.` : "");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? buttons[0];
  buttons.forEach((each) => (each.disabled = true));
  const { tag, count } = form.elements;
  await fire(button.value, tag.value.trim().replace(/^#/, ""), Number(count.value));
  buttons.forEach((each) => (each.disabled = false));
  button.focus();
});
