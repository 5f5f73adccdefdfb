// The search box. Pagefind's files lie beside the pages, and nothing else is asked.
window.addEventListener("DOMContentLoaded", () => {
  const root = new URL(document.getElementById("search").dataset.root || "./", location.href);
  new PagefindUI({
    element: "#search",
    baseUrl: root.pathname,
    bundlePath: new URL("pagefind/", root).pathname,
    showImages: false,
    showSubResults: true,
    resetStyles: false,
  });
});
