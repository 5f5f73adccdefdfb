// Sends a burst of requests to one of the two handlers and draws a bar for each request while it waits.

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
  let status = "no response";
  try {
    const response = await fetch(url, { cache: "no-store" });
    await response.text();
    status = response.status;
  } catch {
    // the server has ended
  }
  draw(request);
  request.status = status;
  draw(request);
  request.row.dataset.seconds = request.time;
  request.row.dataset.status = status;
  const list = request.row.parentElement; // in the order of the responses; those without one last
  list.insertBefore(request.row, list.querySelector("li:not([data-status])"));
}

async function sendBurst(path, tag, count) {
  const section = main.querySelector(`[data-path="${path}"]`);
  const [list, status] = [section.querySelector("ol"), section.querySelector("[role=status]")];
  list.replaceChildren();
  status.textContent = `Waiting for ${count} ${count === 1 ? "response" : "responses"}.`;
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
    `The last response came after ${seconds(total)}. Ideal: ${seconds(ideal)}, the time of the first one.` +
    (failed ? ` ${failed} of ${count} failed.` : "");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? buttons[0];
  buttons.forEach((each) => (each.disabled = true));
  const { tag, count } = form.elements;
  await sendBurst(button.value, tag.value.trim().replace(/^#/, ""), Number(count.value));
  buttons.forEach((each) => (each.disabled = false));
  button.focus();
});
