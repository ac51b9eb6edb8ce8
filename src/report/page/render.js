// Draws charts as SVG without a browser: node render.js JOB, a file that holds
// {"libraries": [paths], "charts": [{"title", "spec", "file", "colors": {"--torch": "#d1480f", ...}}]}.
'use strict';
const fs = require('fs');
const vm = require('vm');
const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
for (const library of job.libraries) vm.runInThisContext(fs.readFileSync(library, 'utf8'), {filename: library});

async function draw(chart) {
  const config = {...chartConfig, font: 'Helvetica, Arial, sans-serif', padding: 12, background: 'var(--panel)', axisY: {labelLimit: 260}};
  const spec = {...chart.spec, width: 560, autosize: 'pad', config, title: {text: chart.title, anchor: 'start', color: 'var(--ink)', fontSize: 15, offset: 10}};
  const compiled = vegaLite.compile(spec, {logger: vega.logger(vega.Error)}).spec;
  const view = new vega.View(vega.parse(compiled), {renderer: 'none', logLevel: vega.Error});
  const svg = await view.toSVG();
  // The page's colours are CSS variables; a picture that stands alone gets their values.
  fs.writeFileSync(chart.file, svg.replace(/var\((--[a-z0-9]+)\)/g, (whole, name) => chart.colors[name] ?? whole));
}

(async () => {
  for (const chart of job.charts) await draw(chart);
})().catch((error) => {
  process.stderr.write(String(error.message) + '\n');
  process.exit(1);
});
