// One case in full: what ran, how it was checked, verdicts, and its samples. Built when it is opened.

/** @param {Page} page */
function caseSection(page) {
  const rows = caseRows(page);
  return element('section', {id: 'cases'}, element('h2', {}, 'Every case in detail'),
    ...rows.map((row) => caseDetails(row, page)));
}

/** @param {any} row @param {Page} page */
function caseDetails(row, page) {
  const details = element('details', {class: 'case', id: row.anchor}, element('summary', {},
    element('b', {}, foreign(cut(row.label, 100))), element('span', {class: 'quiet'}, row.verdict?.text || '')));
  details.addEventListener('toggle', () => {
    if (details.children.length > 1) return;
    details.append(...caseBody(row, page));
    if (page.samples[row.id]) drawSamples(details, page, row);
  });
  return details;
}

/** @param {any} row @param {Page} page */
function caseBody(row, page) {
  const {report} = page;
  const entries = Object.values(row.entries);
  const subjectOf = (/** @type {any} */ e) => titleOf(e.subject, report);
  /** @type {Array<[string, (e: any) => Node | string]>} */
  const lines = [
    ['Status', (e) => e.status === 'ok' ? 'ok' : element('span', {class: statusClass(e)}, e.status + (e.reason ? ': ' + e.reason : ''))],
    ['Time a call', (e) => e.text.time], ['95 % range', (e) => e.text.range],
    ['Rate', (e) => (e.text.rate + ' ' + e.text.spread).trim()], ['% of best here', (e) => e.text.share],
    ['Processes', (e) => e.processes === null ? '' : String(e.processes)],
    ['Samples', (e) => sampleWords(page.samples[row.id], e.subject)],
    ['Kernel', (e) => foreign(e.kernel)], ['Answer', (e) => e.text.check],
    ['Taken off the CPU', (e) => e.text.switches], ['Waiting processes', (e) => e.text.waiters],
    ['Fixed arithmetic', (e) => e.text.arithmetic],
    ['Doubts', (e) => e.flags.join(', ')], ['Notes', (e) => foreign(e.notes.join('; '))],
  ];
  const shown = lines.filter(([, show]) => entries.some((e) => { const v = show(e); return v !== '' && !(v instanceof Node && v.textContent === ''); }));
  const table = element('table', {}, element('thead', {}, element('tr', {}, element('td', {}, ''),
    ...entries.map((e) => element('th', {scope: 'col'}, foreign(subjectOf(e)))))),
  element('tbody', {}, ...shown.map(([name, show]) => element('tr', {}, element('th', {scope: 'row'}, name),
    ...entries.map((e) => element('td', {}, show(e)))))));
  return [
    element('p', {}, element('code', {}, foreign(row.id)), ' ', explained('how it was measured', 'how-time')),
    row.verdicts.length === 0 ? '' : element('ul', {}, ...row.verdicts.map((v) => element('li', {},
      `${titleOf(v.a, report)} against ${titleOf(v.b, report)}: ${v.sentence}; ${v.basis}` + (v.flags.length > 0 ? `; ${v.flags.join(', ')}` : '')))),
    scrolling(table, 'Details of ' + cut(row.label, 80)),
    stateOf(row, page),
  ];
}

/** What the machine did while the case was measured. @param {any} row @param {Page} page */
function stateOf(row, page) {
  const {columns, lines, alike} = page.state;
  const line = lines.find((l) => l.case === row.id);
  if (!line) return '';
  const facts = columns.map((title, i) => [title, line.cells[i]]).concat(alike.map((f) => [f.name, f.answer])).filter(([, text]) => text !== '');
  return element('p', {class: 'quiet'}, explained('The machine meanwhile', 'how-state'), ': ', foreign(facts.map(([title, text]) => title + ' ' + text).join(', ')));
}

/** @param {any} samples @param {string} subject */
function sampleWords(samples, subject) {
  const found = samples?.subjects.find((s) => s.subject === subject);
  return found ? `${found.samples} in ${found.blocks} blocks` : '';
}

/** @param {HTMLElement} details @param {Page} page @param {any} row */
function drawSamples(details, page, row) {
  const samples = page.samples[row.id];
  const spread = element('div', {class: 'chart'}), drift = element('div', {class: 'chart'});
  details.append(
    element('div', {class: 'two'},
      element('div', {}, element('h3', {}, 'Distribution of samples'), spread,
        element('p', {class: 'quiet'}, 'All samples over the median of their framework: a narrow peak is a quiet measurement, a long right tail is disturbance.')),
      element('div', {}, element('h3', {}, 'Over the time of the run'), drift,
        element('p', {class: 'quiet'}, 'Each mark is one block (median and quartiles). A level line is a steady machine.'))),
    element('details', {}, element('summary', {}, 'Numbers: one row a round'), roundTable(samples, page.report)));
  drawChart(spread, page.sample_charts.distribution, 'Distribution of samples of ' + row.label, {bins: samples.bins});
  drawChart(drift, page.sample_charts.drift, 'Time of blocks over the run, ' + row.label, {points: samples.points});
}

/** @param {any} samples @param {any} report */
function roundTable(samples, report) {
  const rounds = Array.from(new Set(samples.subjects.flatMap((s) => s.rounds.map((r) => r.round)))).sort((a, b) => a - b);
  const columns = [{field: 'round', title: 'round (fresh processes)'},
    ...samples.subjects.map((s) => ({field: s.subject, title: titleOf(s.subject, report)}))];
  return plainTable('Median time of a call', columns, rounds.map((round) => Object.assign(Object.create(null), {round},
    ...samples.subjects.map((s) => ({[s.subject]: s.rounds.find((r) => r.round === round)?.text ?? ''})))));
}
