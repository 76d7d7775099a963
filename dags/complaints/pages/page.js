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

// What changes something: through Airflow's own API, as the user, after a confirmation. JSON from another site is refused.
(() => {
  "use strict";
  const { airflow, user } = document.body.dataset;
  const token = () => {
    let found = null;
    try { found = localStorage.getItem("token"); found = JSON.parse(found); } catch { /* as it is */ }
    return found;
  };
  const ask = async (method, path, body) => {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    if (token()) headers.Authorization = `Bearer ${token()}`;
    const answer = await fetch(`${airflow}/api/v2/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    const detail = typeof found.detail === "string" ? found.detail : found.detail?.reason || JSON.stringify(found.detail);
    throw new Error(detail || `${answer.status} ${answer.statusText}`);
  };

  for (const button of document.querySelectorAll("[data-opens]")) {
    const dialog = document.getElementById(button.dataset.opens);
    const form = dialog.querySelector("form");
    const told = form.querySelector("[data-answer]");
    button.addEventListener("click", () => dialog.showModal());
    form.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const submit = form.querySelector("[type=submit]");
      submit.disabled = true;
      const conf = { version: form.dataset.version, action: "promote", by: user, reason: form.reason.value.trim() };
      if (form.force?.checked) conf.force = true;
      try {
        const run = await ask("POST", "dags/complaints_promotion/dagRuns", { logical_date: null, conf });
        told.textContent = `${form.dataset.started} ${run.dag_run_id}`;
      } catch (error) {
        told.textContent = error.message;
        submit.disabled = false;
      }
    });
  }

  for (const place of document.querySelectorAll("[data-waiting]")) {
    const { waiting, approve, reject, sure, done } = place.dataset;
    const answer = (open, option, item) => async (event) => {
      const button = event.currentTarget;
      if (!button.dataset.asked) {
        button.dataset.asked = "yes";
        button.textContent = `${button.textContent}: ${sure}`;
        return;
      }
      const task = open.task_instance;
      const run = `dags/${task.dag_id}/dagRuns/${encodeURIComponent(task.dag_run_id)}`;
      const path = `${run}/taskInstances/${task.task_id}/${task.map_index ?? -1}/hitlDetails`;
      try {
        await ask("PATCH", path, { chosen_options: [option], params_input: {} });
        item.replaceChildren(open.subject, " ", done);
      } catch (error) {
        item.append(` ${error.message}`);
      }
    };
    ask("GET", `dags/${waiting}/dagRuns/~/hitlDetails?response_received=false`).then(({ hitl_details: found }) => {
      for (const open of (found || []).filter((each) => !each.response_received)) {
        const item = document.createElement("li");
        item.append(open.subject, " ");
        for (const [option, name] of [["Approve", approve], ["Reject", reject]]) {
          const button = document.createElement("button");
          button.textContent = name;
          button.addEventListener("click", answer(open, option, item));
          item.append(button, " ");
        }
        place.querySelector("ul").append(item);
        place.hidden = false;
      }
    }).catch(() => { /* Airflow 3.0 has no such questions, and not everybody may see them. */ });
  }
})();
