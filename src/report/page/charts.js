// Draws Vega-Lite specifications. Colours are CSS variables, so a change of theme and printing need no redrawing.

const tip = /** @type {HTMLElement} */ (document.getElementById('tip'));

/** Vega calls it with what is under the pointer. @param {any} _handler @param {MouseEvent} event @param {any} item @param {any} value */
function showTip(_handler, event, item, value) {
  if (value === null || value === undefined || value === '') {
    tip.hidden = true;
    return;
  }
  const facts = typeof value === 'object' ? Object.entries(value) : [['', String(value)]];
  tip.replaceChildren(element('dl', {}, ...facts.flatMap(([name, text]) =>
    [element('dt', {}, name), element('dd', {}, String(text))])));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const y = event.clientY + 14 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 14;
  tip.style.left = Math.max(4, x) + 'px';
  tip.style.top = Math.max(4, y) + 'px';
}

/**
 * @param {HTMLElement} place @param {any} spec @param {string} name for screen readers
 * @param {Object<string, any[]>} [datasets] rows for the names that the specification leaves open
 * @returns {Promise<any>} the view
 */
async function drawChart(place, spec, name, datasets = {}) {
  const narrow = place.clientWidth < 480;
  const filled = {...spec, datasets: {...datasets}};
  const config = {...chartConfig, axisY: {labelLimit: narrow ? 130 : 260}};
  if (narrow) config.legend = {...chartConfig.legend, layout: {top: {direction: 'vertical', anchor: 'start'}}};
  const compiled = vegaLite.compile(narrow ? narrowed(filled) : filled, {config, logger: vega.logger(vega.Error)}).spec;
  const view = new vega.View(vega.parse(compiled), {renderer: 'svg', container: place, hover: true, logLevel: vega.Error});
  view.description(name).tooltip(showTip);
  await view.runAsync();
  return view;
}

/** The axis of cases on a phone: shorter labels. @param {any} spec */
function narrowed(spec) {
  const copy = structuredClone(spec);
  const axis = copy.encoding?.y?.axis;
  if (axis?.labelLimit) axis.labelLimit = 130;
  return copy;
}

/**
 * A chart with its title, what it shows, and the table of its numbers.
 * @param {{id: string, title: string, about: string, spec: any, rows: any[], columns: any[]}} chart
 */
function chartFigure(chart) {
  const place = element('div', {class: 'chart'});
  const table = element('details', {}, element('summary', {}, 'Numbers of this chart'));
  table.addEventListener('toggle', () => {
    if (table.children.length === 1) table.append(plainTable(chart.title, chart.columns, chart.rows));
  }, {once: true});
  const figure = element('figure', {id: 'chart-' + chart.id}, element('h3', {}, chart.title), place,
    element('figcaption', {}, chart.about), table);
  return {figure, draw: () => drawChart(place, chart.spec, chart.title)};
}
