// The parts of the page, each made from one run's data (docs/page.md).

/** @typedef {{report: any, screen: any, charts: any[], support: any, left_out: any[], reference?: any[], samples: any, sample_charts: any, text: string}} Page */

/** @param {any} entry @returns {string} */
function statusClass(entry) {
  if (entry.status === 'ok') return entry.flags.length > 0 ? 'is-warn' : '';
  return entry.status === 'skipped' || entry.status === 'unsupported' ? 'quiet' : 'is-bad';
}

/** @param {string} subject of the run @param {any} report */
function titleOf(subject, report) {
  return report.subjects.find((s) => s.subject === subject)?.title ?? subject;
}

/** @param {Page} page */
function headSection(page) {
  const {screen, report} = page;
  const [machine, ...rest] = screen.headline.split(' · ');
  const frameworks = report.subjects.filter((s) => s.status === 'ok' && s.framework !== 'native').map((s) => s.title);
  return element('section', {id: 'overview'},
    element('h1', {}, (frameworks.join(' against ') || 'Benchmarks') + ' on ', foreign(machine)),
    element('p', {class: 'sub'}, foreign([...rest, report.started].filter(Boolean).join(' · '))),
    element('ul', {class: 'chips', 'aria-label': 'Frameworks'}, ...screen.subjects.map((words, i) => {
      const subject = report.subjects.filter((s) => s.status === 'ok')[i];
      return element('li', {}, element('span', {class: 'dot', style: 'background:' + frameworkColor(subject), 'aria-hidden': 'true'}), foreign(words));
    })));
}

/** @param {any} subject */
function frameworkColor(subject) {
  return ['torch', 'mlx', 'native'].includes(subject?.framework) ? `var(--${subject.framework})` : 'var(--other0)';
}

/** Failures and doubts come before any number. @param {Page} page */
function doubtSection(page) {
  const failed = page.report.cases.filter((c) => !['ok', 'skipped', 'unsupported'].includes(c.status));
  const parts = [];
  if (failed.length > 0) {
    parts.push(box(failed.length === 1 ? '1 case came to no result' : failed.length + ' cases came to no result',
      failed.map((c) => `${c.label}, ${titleOf(c.subject, page.report)}: ${c.status}: ${c.reason}`), 'bad'));
  }
  const failures = new Set(failed.map((c) => `${c.label}, ${titleOf(c.subject, page.report)}: ${c.status}: ${c.reason}`));
  const doubts = page.screen.doubts.filter((d) => !failures.has(d));
  if (doubts.length > 0) parts.push(box('Read with care', doubts, 'warn'));
  else if (failed.length === 0 && page.screen.finished) parts.push(box('No doubts', [], 'good'));
  return element('section', {id: 'doubts', 'aria-label': 'Doubts and failures'}, ...parts);
}

/** @param {Page} page */
function tileSection(page) {
  const {screen, report} = page;
  const tiles = [];
  const add = (/** @type {string} */ big, /** @type {string} */ small, bad = false, how = '') =>
    tiles.push(element('div', {class: 'tile'}, element('b', {class: bad ? 'is-bad' : null}, big), element('span', {}, how ? explained(small, how) : small)));
  const main = report.verdicts.filter((v) => isMain(v, report) && v.ratio !== null && !v.case.endsWith('/alone'));  // each case once
  if (main.length > 0 && report.controls.trusted === false) {
    add('no verdicts', 'a control of this run failed: its ratios say nothing of who is faster', true, 'how-controls');
  } else if (main.length > 0) {
    const {a, b} = main[0];
    const wins = (/** @type {string} */ kind) => main.filter((v) => v.verdict === kind).length;
    add(`${wins('faster')} : ${wins('slower')}`, `cases won, ${titleOf(a, report)} : ${titleOf(b, report)}; ` +
      `${wins('equal')} equal, ${wins('undecided')} not decided`, false, 'how-verdict');
  }
  for (const check of screen.checks) {
    const [answer, ...figures] = check.answer.split(' (');  // figures stand in small print
    add(answer, [check.name, ...figures.map((f) => f.replace(/\)$/, ''))].join(': '), check.answer.startsWith('NO'), check.name === 'right answers' ? 'how-check' : 'how-controls');
  }
  if (screen.limits.length > 0) {
    const [largest, ...origin] = screen.limits[0].answer.split(' (');  // "(derived)" stands in small print
    const first = [screen.limits[0].name, ...origin.map((o) => `(${o}`)].join(' ');
    add(largest, [first, ...screen.limits.slice(1).map((l) => `${l.name} ${l.answer}`)].join('; '));
  }
  const rest = [];
  if (screen.key_finding) rest.push(element('p', {}, explained('Key finding', 'how-finding'), ': ' + screen.key_finding + '.'));
  if (screen.published) rest.push(element('p', {}, screen.published));
  if (screen.model) rest.push(element('p', {}, element('b', {}, 'Mistral-7B'), ' in ' + screen.model));
  return element('section', {'aria-label': 'In short'}, element('div', {class: 'tiles'}, ...tiles), ...rest);
}

/** The pair of frameworks, not one against the machine's ceiling. @param {any} verdict @param {any} report */
function isMain(verdict, report) {
  const framework = (/** @type {string} */ name) => report.subjects.find((s) => s.subject === name)?.framework;
  return framework(verdict.a) !== 'native' && framework(verdict.b) !== 'native';
}

/** One row a case: rates side by side, winner, share. @param {Page} page */
function resultSection(page) {
  const {report} = page;
  const subjects = report.subjects.filter((s) => s.status === 'ok');
  const rows = caseRows(page);
  const columns = [
    {title: 'Case', how: 'how-case', show: (row) => element('a', {href: '#' + row.anchor, title: row.id}, foreign(cut(row.label, 80))), sort: (row) => row.label},
    ...subjects.map((s) => ({
      title: s.title, number: true,
      show: (row) => rateCell(row.entries[s.subject], row),
      sort: (row) => row.entries[s.subject]?.rate?.value ?? null,
    })),
    {title: 'Winner (95 % range)', show: (row) => row.verdict?.text ?? '', sort: (row) => row.verdict?.ratio ?? null},
    {title: '% of best here', show: (row) => subjects.map((s) => shareWords(row.entries[s.subject])).join(' / '),
      sort: (row) => Math.max(...subjects.map((s) => row.entries[s.subject]?.ceiling_fraction ?? -1))},
  ];
  const filters = [
    {label: 'Workload', values: (row) => row.workload},
    {label: 'Type', values: (row) => row.dtype},
    {label: 'Verdict', values: (row) => row.verdict?.verdict ?? ''},
    {label: 'Status', values: (row) => Object.values(row.entries).map((e) => e.status)},
  ];
  return element('section', {id: 'results'}, element('h2', {}, 'Results'),
    element('p', {class: 'quiet'}, explained('Rates', 'how-rate'), ' with half their ', explained('95 % range', 'how-range'), '; ',
      explained('winner', 'how-verdict'), '; ', explained('% of best here', 'how-ceiling'), ' in the order of the columns. A number leads to its samples.'),
    sortableTable({caption: 'All measured cases', columns, rows, filters,
      text: (row) => row.label + ' ' + row.id + ' ' + Object.values(row.entries).map((e) => e.status + ' ' + e.kernel).join(' ')}));
}

/** As in the text report: "?" where no ceiling is known, "-" where there is no result. @param {any} entry */
function shareWords(entry) {
  if (!entry || entry.status !== 'ok') return '-';
  return entry.text.share.replace(' %', '') || '?';
}

/** @param {any} entry @param {any} row */
function rateCell(entry, row) {
  if (!entry) return '';
  if (entry.status !== 'ok') return element('a', {href: '#' + row.anchor, class: statusClass(entry)}, entry.status);
  return element('a', {href: '#' + row.anchor, class: statusClass(entry) || null},
    entry.text.rate + (entry.text.spread ? ' ' + entry.text.spread : ''));
}

/** Cases with their entries by subject and the main verdict, and an anchor each. @param {Page} page */
function caseRows(page) {
  const {report} = page;
  /** @type {Map<string, any>} */
  const rows = new Map();
  for (const entry of report.cases) {
    if (!rows.has(entry.case)) {
      rows.set(entry.case, {id: entry.case, label: entry.label, workload: entry.workload, dtype: entry.dtype,
        anchor: 'case-' + (rows.size + 1), entries: Object.create(null), verdict: null, verdicts: []});
    }
    rows.get(entry.case).entries[entry.subject] = entry;
  }
  for (const verdict of report.verdicts) {
    const row = rows.get(verdict.case);
    if (!row) continue;
    row.verdicts.push(verdict);
    if (!row.verdict && isMain(verdict, report)) row.verdict = verdict;
  }
  return Array.from(rows.values());
}

/** A column has one unit. @param {string} text */
function sortable(text) {
  return text === '' ? null : Number.isNaN(parseFloat(text)) ? text : parseFloat(text);
}

/** What the machine did beside each case. @param {Page} page */
function stateSection(page) {
  const {columns, lines, alike} = page.state;
  if (columns.length === 0 && alike.length === 0) return null;
  const anchors = new Map(caseRows(page).map((row) => [row.id, row.anchor]));
  return element('section', {id: 'state'}, element('h2', {}, 'State of the machine'),
    element('p', {class: 'quiet'}, explained('What it did', 'how-state'), ' while each case was measured.',
      alike.length > 0 ? foreign(' Beside all of them: ' + alike.map((f) => f.name + ' ' + f.answer).join(', ') + '.') : ''),
    ...(columns.length === 0 ? [] : [sortableTable({caption: 'State of the machine beside each case', rows: lines, filters: [],
      columns: [
        {title: 'Case', show: (l) => element('a', {href: '#' + anchors.get(l.case), title: l.case}, foreign(cut(l.label, 80))), sort: (l) => l.label},
        ...columns.map((title, i) => ({title, number: true, show: (l) => foreign(l.cells[i]), sort: (l) => sortable(l.cells[i])})),
      ],
      text: (l) => l.label + ' ' + l.case + ' ' + l.cells.join(' ')})]));
}

/** What was executed, and nothing else. @param {Page} page */
function supportSection(page) {
  const {support} = page;
  if (support.rows.length === 0 && support.untried.length === 0) return null;
  const look = {native: 'is-good', slow: 'is-warn', fallback: 'is-warn', none: 'quiet', unsupported: 'quiet'};
  const show = (/** @type {any} */ cell) => element('td', {class: look[cell.state] ?? 'is-bad', title: cell.kernel || null}, foreign(cell.text),
    cell.why ? element('div', {class: 'quiet'}, foreign(cut(cell.why, 160))) : null,
    cell.source.startsWith('probe') ? element('div', {class: 'quiet'}, foreign(cell.source)) : null);
  const table = element('table', {}, element('caption', {}, 'What each framework does here, as far as it was executed'),
    element('thead', {}, element('tr', {}, element('th', {scope: 'col'}, 'Operation'), element('th', {scope: 'col'}, 'Type'),
      ...support.subjects.map((s) => element('th', {scope: 'col'}, foreign(s))))),
    element('tbody', {}, ...support.rows.map((row) => element('tr', {},
      element('th', {scope: 'row'}, foreign(row.operation)), element('td', {}, foreign(row.dtype)), ...row.cells.map(show)))));
  return element('section', {id: 'support'}, element('h2', {}, 'Support map'),
    element('p', {class: 'quiet'}, explained('What the words mean', 'how-support'), '. Each cell is the worst that was seen.'),
    ...(support.rows.length > 0 ? [scrolling(table, 'Support map')] : []),
    ...(support.untried.length > 0 ? [element('p', {class: 'quiet'}, foreign(`Not tried in this run: ${support.untried.length} operations (${cut(support.untried.join(', '), 400)}). ` +
      'mlbench list --support probes all of them, and the pages of later runs show what it found.'))] : []));
}

/** The run among known machines, where the page was made with --reference. @param {Page} page */
function referenceSection(page) {
  const rows = page.reference ?? [];
  if (rows.length === 0) return null;
  const note = (/** @type {any} */ r) => (r.doubts.length > 0 ? `doubtful: ${r.doubts.join(', ')}; ` : '') + (r.here ? 'this run' : r.source);
  return element('section', {id: 'reference'}, element('h2', {}, 'Among known machines'),
    element('p', {class: 'quiet'}, 'The best of each machine and framework, of every kind of case that this run measured. Rows of others are single figures without samples, ' +
      'so nothing says how sure they are and there is no verdict between them and this run. Published numbers are the makers\'. Rows with a doubt come last.'),
    sortableTable({caption: 'The best of each machine and framework', rows,
      filters: [{label: 'Kind', values: (r) => r.kind}, {label: 'From', values: (r) => r.here ? 'this run' : r.framework === 'published' ? 'published' : 'imported'}],
      columns: [
        {title: 'Kind', show: (r) => foreign(r.kind), sort: (r) => r.kind},
        {title: 'Machine', show: (r) => element(r.here ? 'b' : 'span', {}, foreign(cut(r.machine, 80))), sort: (r) => r.machine},
        {title: 'Rate', number: true, show: (r) => element('span', {class: r.doubts.length > 0 ? 'is-warn' : null}, r.text), sort: (r) => r.rate.value},
        {title: 'Framework', show: (r) => foreign(cut(r.framework, 60)), sort: (r) => r.framework},
        {title: 'Case', show: (r) => foreign(cut(r.label, 60)), sort: (r) => r.label},
        {title: 'Source', show: (r) => foreign(cut(note(r), 200)), sort: (r) => note(r)},
      ],
      text: (r) => [r.kind, r.machine, r.framework, r.label, note(r)].join(' ')}));
}

/** Cases that no framework measured, by plan: how many and why; each by name where a reader opens a reason. @param {Page} page */
function leftOutSection(page) {
  const groups = page.left_out;
  if (groups.length === 0) return null;
  const total = groups.reduce((sum, g) => sum + g.cases.length, 0);
  return element('section', {id: 'left-out'}, element('h2', {}, 'Left out'),
    element('p', {class: 'quiet'}, `${total} cases were not measured, by plan. That is no result of any framework.`),
    ...groups.map((group) => {
      const details = element('details', {}, element('summary', {}, foreign(group.words)));
      details.addEventListener('toggle', () => {
        if (details.children.length === 1) details.append(leftOutTable(group));
      });
      return details;
    }));
}

/** @param {any} group */
function leftOutTable(group) {
  return sortableTable({caption: group.reason, rows: group.cases, filters: [{label: 'Workload', values: (c) => c.workload}],
    columns: [
      {title: 'Case', show: (c) => foreign(cut(c.case, 100)), sort: (c) => c.case},
      {title: 'Why', show: (c) => foreign(c.reason ?? group.reason), sort: (c) => c.reason ?? group.reason},
    ],
    text: (c) => c.case});
}

/** @param {any} value @param {string} prefix @returns {Array<[string, string]>} */
function flatFacts(value, prefix = '') {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value) && value.some((v) => typeof v === 'object')) return value.flatMap((v, i) => flatFacts(v, `${prefix} ${i + 1}`));
  if (typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, v]) => flatFacts(v, prefix ? `${prefix} ${key}` : key));
  }
  const text = Array.isArray(value) ? value.join(' ') : String(value);
  return text === '' ? [] : [[prefix.replaceAll('_', ' '), text]];
}

/** @param {Page} page */
function machineSection(page) {
  const {report, screen} = page;
  const list = (/** @type {string[]} */ lines) => element('ul', {}, ...lines.map((l) => element('li', {}, foreign(l))));
  const facts = (/** @type {string} */ title, /** @type {any} */ value) => element('details', {}, element('summary', {}, title),
    factList(flatFacts(value).map(([name, text]) => [name, foreign(text)])));
  return element('section', {id: 'machine'}, element('h2', {}, 'Machine and frameworks'),
    factList([['Machine', foreign(screen.headline)], ['Run', foreign(report.run)], ['Started', report.started ?? 'unknown'],
      ['mlbench', report.mlbench_version ?? 'unknown'], ['How it ended', report.ending ?? 'it did not come to an end'],
      ['Duration', report.duration_s === null ? 'unknown' : Math.round(report.duration_s) + ' s'],
      ...report.limits.map((l) => [l.name, `${l.text} (${l.source})`]),
      ...report.ceilings.map((c) => [`best ${c.resource === 'bytes_per_s' ? 'memory' : c.resource}, ${c.device_kind}`, `${c.text}, by ${titleOf(c.subject, report)} in ${c.case}`])]),
    ...(screen.as_used.length > 0 ? [element('h3', {}, 'As used: each framework alone and sustained, beside both together'), list(screen.as_used)] : []),
    ...(screen.notes.length > 0 ? [element('h3', {}, 'Notes'), list(screen.notes)] : []),
    element('h3', {}, 'All facts'), facts('The machine, as its system tells', report.machine),
    ...report.subjects.map((s) => facts(`${s.title} on ${s.device}${s.status === 'ok' ? '' : ': ' + s.status}`, {...s.facts, reason: s.reason})));
}
