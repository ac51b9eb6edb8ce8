// How charts look, on the page and in pictures. Colours are CSS variables of page.css.
const chartConfig = {
  background: 'transparent',
  font: 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif',
  view: {stroke: null},
  axis: {
    labelColor: 'var(--ink)', titleColor: 'var(--muted)', gridColor: 'var(--line)', domainColor: 'var(--line)',
    tickColor: 'var(--line)', labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', titlePadding: 8,
  },
  legend: {
    labelColor: 'var(--ink)', titleColor: 'var(--muted)', labelFontSize: 12, symbolOpacity: 1, symbolSize: 90,
    columns: {expr: 'width < 420 ? 2 : 6'}, labelLimit: 220,
  },
  range: {category: ['var(--other0)', 'var(--other1)', 'var(--other2)', 'var(--torch)', 'var(--mlx)', 'var(--native)']},
};
