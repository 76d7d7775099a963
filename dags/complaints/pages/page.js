// What a page does beside its HTML: the theme and the language of Airflow's UI, and links out of its frame.
(() => {
  "use strict";
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const root = document.documentElement;
  const theme = kept("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  const cookie = (language) => {
    document.cookie = `complaints_language=${language}; path=/; max-age=31536000; SameSite=Lax`;
  };
  const chosen = /(?:^|; )complaints_language=(\w+)/.exec(document.cookie);
  const ofAirflow = (kept("i18nextLng") || "").slice(0, 2);
  if (!chosen && ofAirflow === "es" && root.lang !== "es") {
    cookie("es");
    location.reload();
  }
  for (const link of document.querySelectorAll("[data-language]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      cookie(link.dataset.language);
      location.reload();
    });
  }

  // Airflow shows a page in a frame that may not lead away from it, but shares its origin: the page around it may.
  if (window.top !== window) {
    for (const link of document.querySelectorAll("a[data-airflow]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const outside = window.top.document.createElement("a");
        outside.href = link.href;
        window.top.document.body.append(outside);
        outside.click();
        outside.remove();
      });
    }
  }
})();
