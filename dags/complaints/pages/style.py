"""The style sheet of every page. It is Python, since the archive of the Lambda functions holds Python only."""

STYLE = """\
:root {
  color-scheme: light dark;
  --paper: light-dark(#fcfbf9, #15191c);
  --panel: light-dark(#f5f3ee, #1d2327);
  --ink: light-dark(#20262b, #e4e6e6);
  --soft: light-dark(#69727a, #98a2a8);
  --line: light-dark(#e3dfd7, #2d353a);
  --good: light-dark(#23704f, #74c79e);
  --bad: light-dark(#b3261e, #ff8d83);
  --banner: light-dark(#fbf0d5, #33290f);
  --banner-ink: light-dark(#6b4a06, #f0d491);
  --banner-line: light-dark(#e5c987, #5d4a1b);
  --one: light-dark(#3b7a8c, #5fa8ba);
  --grey: light-dark(#b9c3c8, #4d5960);
  --amber: light-dark(#cf922f, #d9a24a);
  --violet: light-dark(#8f82b5, #978bc0);
  --plum: light-dark(#b4657d, #c07a90);
  --sand: light-dark(#c9b48b, #8d7d5b);
  --right: light-dark(rgb(59 122 140), rgb(95 168 186));
  --wrong: light-dark(rgb(201 120 40), rgb(217 142 66));
  --deep: light-dark(#fff, #0d1113);
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  max-width: 70rem; margin: 0 auto; padding: 3.5rem 2rem 5rem; background: var(--paper); color: var(--ink);
  font: 400 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
  print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
h1, h2 { font-family: Charter, "Iowan Old Style", "Palatino Linotype", Georgia, "Liberation Serif", serif; font-weight: 600; }
h1 { margin: 0 0 1.5rem; font-size: clamp(1.9rem, 5vw, 2.75rem); line-height: 1.1; letter-spacing: -.015em; }
h2 { margin: 0 0 .35rem; font-size: 1.5rem; line-height: 1.2; letter-spacing: -.01em; }
h3 { margin: 0 0 .75rem; font-size: .95rem; font-weight: 600; }
h3 small { color: var(--soft); font-size: 1em; font-weight: 400; }
p { margin: 0; }
code { font: .86em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
section { margin-top: 3.5rem; padding-top: 2rem; border-top: 1px solid var(--line); }
.eyebrow { margin-bottom: .6rem; color: var(--soft); font-size: .78rem; letter-spacing: .09em; text-transform: uppercase; }
.lead { max-width: 48rem; text-wrap: pretty; margin-bottom: 1.5rem; color: var(--soft); }
.note { margin-top: .7rem; color: var(--soft); font-size: .85rem; }
h3 + .note { margin: -.6rem 0 .6rem; }
.figure { min-width: 0; margin-top: 2rem; }
.lead + .figure, .columns > .figure { margin-top: 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 2.25rem 3rem; margin-top: 1.75rem; }

.facts, .tiles { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 0; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; }
.facts dd { font: .95rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.banner { margin-top: 1.75rem; padding: .8rem 1.1rem; border: 1px solid var(--banner-line); border-radius: .5rem; background: var(--banner); color: var(--banner-ink); }
.alarm { border-color: var(--bad); background: none; color: var(--bad); }
.banner + .banner { margin-top: .75rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; }
.tiles > div { padding: .8rem 1rem .9rem; border-radius: .5rem; background: var(--panel); }
.tiles .value { font-size: 1.55rem; line-height: 1.3; }
.tiles .meaning { color: var(--soft); font-size: .75rem; line-height: 1.35; }
.places > div { padding: .55rem 0; border-bottom: 1px solid var(--line); display: grid; grid-template-columns: 10rem 1fr; align-items: baseline; }
.places { margin: 1rem 0 0; }
.places dd { grid-column: 2; }

.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--one); outline-offset: 4px; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; line-height: 1.4; }
th, td { padding: .42rem .75rem .42rem 0; text-align: right; vertical-align: middle; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-size: .78rem; font-weight: 400; vertical-align: bottom; }
th:first-child { text-align: left; font-weight: 400; }
/* break-word, not anywhere: a column is as wide as its longest name before any name is broken. */
tbody th { overflow-wrap: break-word; }
tbody tr:last-child > * { border-bottom: 0; }
tfoot th, tfoot td { border-top: 1px solid var(--soft); border-bottom: 0; font-weight: 600; }
tfoot th:first-child { font-weight: 600; }
.drawn { width: 45%; min-width: 4.5rem; }
.classes .drawn { width: 24%; }
.bars th:first-child { min-width: 7rem; }
.account { margin-top: 1rem; }
.account td:last-child { width: 55%; padding-left: 1rem; text-align: left; color: var(--soft); }
.account td:nth-child(2), .account td:nth-child(3), .sources td, .steps td { white-space: nowrap; }
.sources th:first-child { min-width: 9rem; }
.steps th:first-child { width: 17rem; min-width: 9rem; }

.verdict, .badge { white-space: nowrap; font-weight: 600; }
.verdict { white-space: normal; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.badge { padding: .05rem .5rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .75rem; font-weight: 500; }
.sources .verdict { font-size: .8rem; }
.sources td:last-child { min-width: 6rem; white-space: normal; }

svg { display: block; }
.stack { width: 100%; height: 2rem; border-radius: .35rem; overflow: hidden; background: var(--panel); }
.stack rect { stroke: var(--paper); stroke-width: 1px; }
.bar { width: 100%; height: .7rem; border-radius: .1rem; overflow: hidden; }
.swatch { display: inline-block; width: .7rem; height: .7rem; margin-right: .55rem; border-radius: .18rem; overflow: hidden; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; margin-top: .8rem; font-size: .85rem; color: var(--soft); }
.figure + .legend { margin-top: 2rem; }
.fill-one, .fill-classified, .fill-train, .fill-work { fill: var(--one); }
.fill-without-narrative, .fill-step { fill: var(--grey); }
.fill-quarantined, .fill-orchestration { fill: var(--amber); }
.fill-superseded { fill: var(--violet); }
.fill-test { fill: var(--plum); }
.fill-newest, .fill-start-up { fill: var(--sand); }
.fill-unmapped, .fill-other { fill: var(--soft); }
.fill-missing { fill: var(--bad); }
.fill-mark { fill: var(--ink); }
.fill-band { fill: var(--grey); opacity: .4; }
.fill-range { fill: var(--one); opacity: .55; }
.reasons { margin: .5rem 0 0; padding-left: 1.2rem; }

.histogram { display: grid; grid-template-columns: repeat(auto-fit, minmax(1.6rem, 1fr)); gap: .25rem; margin: 0; padding: 0; list-style: none; font-size: .75rem; text-align: center; }
.histogram svg { width: 100%; height: 11rem; border-bottom: 1px solid var(--soft); }
.histogram span { display: block; white-space: nowrap; }
.histogram .count { font-size: .72rem; }
.histogram .edge { margin-top: .25rem; color: var(--soft); text-align: left; }

details { margin-top: .8rem; font-size: .85rem; }
summary { color: var(--soft); cursor: pointer; }
summary:focus-visible { outline: 2px solid var(--one); outline-offset: 3px; }

.tall { max-height: 85vh; overflow: auto; }
.confusion { width: auto; min-width: 100%; border-collapse: separate; border-spacing: 2px; font-size: .8rem; }
.confusion th, .confusion td { padding: .3rem .35rem; border: 0; }
.confusion td { min-width: 2.1rem; height: 2rem; border-radius: .2rem; text-align: center; }
.confusion th { background: var(--paper); }
.confusion th:first-child { padding-left: 0; }
.confusion thead th { position: sticky; top: 0; z-index: 1; padding: .2rem .1rem .4rem; text-align: left; vertical-align: bottom; }
.confusion thead th:not(.corner) span { display: inline-block; max-height: 9.5rem; overflow: hidden; writing-mode: vertical-rl; transform: rotate(180deg); }
.confusion tbody th { position: sticky; left: 0; min-width: 6.5rem; max-width: 12rem; text-align: left; line-height: 1.2; }
.confusion .corner { left: 0; z-index: 2; }
.confusion .right { background: color-mix(in srgb, var(--right) calc(8% + 92% * var(--share)), transparent); }
.confusion .wrong { background: color-mix(in srgb, var(--wrong) min(95%, 180% * var(--share)), transparent); }
.confusion .none { color: var(--soft); opacity: .55; }
.confusion .deep { color: var(--deep); }

@media (max-width: 40rem) {
  body { padding: 2rem 1.1rem 3rem; }
  section { margin-top: 2.5rem; padding-top: 1.5rem; }
  .facts { gap: .75rem 1.75rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .tiles > :last-child { grid-column: 1 / -1; }
  .places > div { display: block; }
  table { font-size: .84rem; }
  th, td { padding-right: .5rem; }
  .account td:last-child { width: auto; min-width: 7rem; padding-left: .3rem; font-size: .78rem; }
  .account tbody th { white-space: nowrap; }
  .swatch { margin-right: .35rem; }
  .drawn { width: 30%; min-width: 3.5rem; }
  .classes .drawn { display: none; }
  .histogram { gap: .12rem; }
  .histogram .count, .histogram .edge { font-size: .62rem; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; }
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  section { margin-top: 1.75rem; padding-top: 1.25rem; }
  h2, h3, .lead { break-after: avoid; }
  tr, .figure, .stack, .tiles, .histogram, .banner { break-inside: avoid; }
  /* A foot that is repeated on each page would read as the sum of that page. */
  tfoot { display: table-row-group; }
  .tiles { grid-template-columns: repeat(5, 1fr); }
  .tiles > :last-child { grid-column: auto; }
  .scroll, .tall { max-height: none; overflow: visible; }
  .confusion thead th, .confusion tbody th { position: static; }
}
"""  # noqa: E501
