// Asks for this page once more with the token that Airflow 3.0's UI keeps, or leads to Airflow's login.
(async () => {
  "use strict";
  const airflow = document.body.dataset.airflow || "";
  let token = null;
  try { token = JSON.parse(localStorage.getItem("token")); } catch { token = localStorage.getItem("token"); }
  if (token) {
    const answer = await fetch(location.href, { headers: { Authorization: `Bearer ${token}` } });
    if (answer.status !== 401) {
      const page = await answer.text();
      document.open();
      document.write(page);
      document.close();
      return;
    }
  }
  if (window.top === window) {
    location.replace(`${airflow}/api/v2/auth/login?next=${encodeURIComponent(location.href)}`);
  }
})();
