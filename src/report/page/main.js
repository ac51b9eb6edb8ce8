// Puts the page together from the data in it.

/** @type {{schema: string, pages: Page[]}} */
const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById('data')).textContent ?? '');
const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const nav = /** @type {HTMLElement} */ (document.getElementById('nav'));

/** Draws one run. @param {Page} page @returns {Promise<void>} when all charts are there */
async function show(page) {
  document.title = 'mlbench: ' + cut(page.screen.headline, 90);
  const figures = page.charts.map(chartFigure);
  const sections = [headSection(page), doubtSection(page), tileSection(page), resultSection(page),
    figures.length > 0 ? element('section', {id: 'charts'}, element('h2', {}, 'Charts'),
      element('div', {class: 'charts'}, ...figures.map((f) => f.figure))) : null,
    referenceSection(page), supportSection(page), stateSection(page), caseSection(page), leftOutSection(page), machineSection(page)];
  main.replaceChildren(...sections.filter((s) => s !== null));
  const links = [['results', 'Results'], ['charts', 'Charts'], ['reference', 'Known machines'], ['support', 'Support'], ['state', 'State'], ['cases', 'Cases'], ['left-out', 'Left out'], ['machine', 'Machine'], ['how', 'Method']];
  nav.replaceChildren(...links.filter(([id]) => document.getElementById(id)).map(([id, name]) => element('a', {href: '#' + id}, name)));
  openTarget();
  for (const figure of figures) await figure.draw();
  document.documentElement.dataset.ready = 'yes';
}

/** Opens the case that the address names. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

function setUpTheme() {
  const button = /** @type {HTMLElement} */ (document.getElementById('theme'));
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = (/** @type {boolean} */ dark) => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    button.setAttribute('aria-pressed', String(dark));
  };
  apply(system.matches);
  system.addEventListener('change', (event) => apply(event.matches));
  button.addEventListener('click', () => apply(document.documentElement.dataset.theme !== 'dark'));
}

function setUpRuns() {
  if (data.pages.length < 2) return;
  const menu = /** @type {HTMLSelectElement} */ (document.getElementById('run'));
  menu.append(...data.pages.map((page, i) => element('option', {value: i}, cut(page.report.run + ': ' + page.screen.headline, 90))));
  menu.addEventListener('change', () => show(data.pages[Number(menu.value)]));
  /** @type {HTMLElement} */ (document.getElementById('run-label')).hidden = false;
}

setUpTheme();
setUpRuns();
addEventListener('hashchange', openTarget);
addEventListener('click', (event) => {  // the same link again opens its case again
  if (event.target instanceof Element && event.target.closest('a[href^="#case-"]')) setTimeout(openTarget);
});
if (data.pages.length > 0) show(data.pages[0]);
