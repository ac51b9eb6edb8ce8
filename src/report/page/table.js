// Tables that sort and filter. A collection page can use them with columns of its own.

/**
 * @typedef {Object} Column
 * @property {string} title
 * @property {(row: any) => (Node | string)} show what the cell holds
 * @property {(row: any) => (string | number | null)} sort what it is sorted by; null goes last
 * @property {boolean} [number] right-aligned
 * @property {string} [how] id of its explanation
 */

/**
 * @typedef {Object} Filter
 * @property {string} label
 * @property {(row: any) => (string | string[])} values of a row; a list offers each of them
 */

/** @param {string | number | null} a @param {string | number | null} b */
function compareValues(a, b) {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', {numeric: true});
}

/**
 * A table with a caption, sort buttons in its head, a search box and one menu a filter.
 * @param {{caption: string, columns: Column[], rows: any[], filters?: Filter[], text: (row: any) => string}} options
 * @returns {HTMLElement}
 */
function sortableTable(options) {
  const {caption, columns, rows, filters = [], text} = options;
  const body = element('tbody');
  const lines = rows.map((row) => ({row, line: tableLine(row, columns), text: text(row).toLowerCase()}));
  const count = element('output', {'aria-live': 'polite'});
  /** @type {{column: Column | null, down: boolean}} */
  const order = {column: null, down: false};
  /** @type {Array<{filter: Filter, menu: HTMLSelectElement}>} */
  const menus = filters.map((filter) => ({filter, menu: filterMenu(filter, rows)}));
  const search = /** @type {HTMLInputElement} */ (element('input', {type: 'search', placeholder: 'name, status, kernel'}));

  function draw() {
    const wanted = search.value.toLowerCase();
    let shown = lines.filter(({row, text}) => text.includes(wanted) &&
      menus.every(({filter, menu}) => menu.value === '' || [filter.values(row)].flat().includes(menu.value)));
    const column = order.column;
    if (column) {
      shown = shown.slice().sort((a, b) => {
        const x = column.sort(a.row), y = column.sort(b.row);
        if (x === null || y === null) return compareValues(x, y);  // unknown stays last
        return order.down ? compareValues(y, x) : compareValues(x, y);
      });
    }
    body.replaceChildren(...shown.map(({line}) => line));
    count.textContent = shown.length + ' of ' + lines.length;
  }

  const heads = columns.map((column) => {
    const head = element('th', {scope: 'col', class: column.number ? 'num' : null, 'aria-sort': 'none'});
    head.append(element('button', {
      type: 'button', title: 'Sort by ' + column.title,
      onclick: () => {
        order.down = order.column === column ? !order.down : Boolean(column.number);
        order.column = column;
        for (const other of heads) other.setAttribute('aria-sort', 'none');
        head.setAttribute('aria-sort', order.down ? 'descending' : 'ascending');
        draw();
      },
    }, column.title));
    return head;
  });
  search.addEventListener('input', draw);
  for (const {menu} of menus) menu.addEventListener('change', draw);
  draw();
  return element('div', {class: 'data'},
    element('div', {class: 'filters', role: 'group', 'aria-label': 'Filter: ' + caption},
      element('label', {}, 'Search ', search),
      ...menus.map(({filter, menu}) => element('label', {}, filter.label + ' ', menu)), count),
    scrolling(element('table', {}, element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...heads)), body), caption));
}

/** @param {any} row @param {Column[]} columns */
function tableLine(row, columns) {
  return element('tr', {}, ...columns.map((column, i) =>
    element(i === 0 ? 'th' : 'td', {scope: i === 0 ? 'row' : null, class: column.number ? 'num' : null}, column.show(row))));
}

/** @param {Filter} filter @param {any[]} rows @returns {HTMLSelectElement} */
function filterMenu(filter, rows) {
  const values = Array.from(new Set(rows.flatMap((row) => filter.values(row)))).sort();
  return /** @type {HTMLSelectElement} */ (element('select', {}, element('option', {value: ''}, 'all'),
    ...values.filter((v) => v !== '').map((v) => element('option', {value: v}, cut(v, 60)))));
}

/** A table as wide as it needs to be, that can be scrolled by keyboard too. @param {HTMLElement} table @param {string} name */
function scrolling(table, name) {
  return element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': name}, table);
}

/**
 * A plain table of the data behind a chart.
 * @param {string} caption @param {Array<{field: string, title: string}>} columns @param {any[]} rows
 */
function plainTable(caption, columns, rows) {
  return scrolling(element('table', {}, element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...columns.map((c) => element('th', {scope: 'col'}, c.title)))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...columns.map((c) =>
      element('td', {}, String(row[c.field] ?? ''))))))), caption);
}
