// Draws the report from the JSON in #data.

const { points, timelines, spans } = JSON.parse(document.getElementById('data').textContent);
const COLOURS = { pyvidu: '#2563eb', 'pyvidu.js': '#0d9488', 'openvidu-browser': '#d97706' };
const TITLES = {
  detect_ms: 'network fails → reconnecting',
  signaling_ms: 'network is back → reconnected (or told of the eviction)',
  inbound_ms: 'network is back → we see the others move',
  outbound_ms: 'network is back → the others see us move',
};

function chart(parent, height) {
  const element = parent.appendChild(document.createElement('div'));
  element.style.height = `${height}px`;
  const drawn = echarts.init(element, null, { renderer: 'svg' });
  addEventListener('resize', () => drawn.resize());
  return drawn;
}

for (const [metric, rows] of Object.entries(points)) {
  if (!rows.length) continue;
  const dots = (row, index) =>
    row.values.map(([value, stalled]) => ({
      value: [Math.max(1, value), index],
      itemStyle: { color: stalled ? 'transparent' : COLOURS[row.client], borderColor: COLOURS[row.client], opacity: 0.6 },
    }));
  const medians = rows.flatMap((row, index) => (row.median === null ? [] : [[Math.max(1, row.median), index]]));
  chart(document.getElementById('distributions'), 110 + 26 * rows.length).setOption({
    animation: false,
    title: { text: TITLES[metric], textStyle: { fontSize: 14 } },
    grid: { left: 300, right: 30, top: 40, bottom: 40 },
    tooltip: { formatter: ({ value }) => `${rows[value[1]].cell}: ${value[0] >= 20000 ? 'never' : `${value[0]} ms`}` },
    xAxis: { type: 'log', min: 1, max: 20000, name: 'ms', axisLabel: { formatter: (ms) => (ms >= 20000 ? 'never' : ms) } },
    yAxis: { type: 'category', inverse: true, data: rows.map((row) => row.cell), axisLabel: { width: 280, overflow: 'truncate' } },
    series: [
      { type: 'scatter', symbolSize: 9, data: rows.flatMap(dots) },
      { type: 'scatter', symbol: 'rect', symbolSize: [3, 20], itemStyle: { color: '#1c2430' }, data: medians },
    ],
  });
}

const LANES = ['told', 'evidence', 'verdict', 'action', 'stream', 'requests', 'sockets', 'fetches', 'we see them', 'they see us', 'stalls'];
const timeline = chart(document.getElementById('timeline'), 460);

function draw(trial) {
  const at = (lane, list) => list.map(([when, text]) => ({ value: [when, LANES.indexOf(lane)], name: text }));
  const outage = (kind) => at(kind, trial.outage.filter((entry) => entry.kind === kind).map(({ at: when, text }) => [when, text]));
  const ticks = (lane, list) => at(lane, list.map((when) => [when, lane]));
  const end = Math.max(trial.down[1] + 2, ...trial.events.map(([when]) => when)) + 1;
  const seen = (list) => list.filter((when) => when > -1 && when < end);
  timeline.setOption(
    {
      animation: false,
      grid: { left: 110, right: 30, top: 20, bottom: 80 },
      tooltip: { formatter: ({ name, value }) => `${value[0].toFixed(3)} s: ${name}` },
      dataZoom: [{ type: 'slider' }, { type: 'inside' }],
      xAxis: { type: 'value', min: -1, max: Number(end.toFixed(1)), name: 's' },
      yAxis: { type: 'category', inverse: true, data: LANES },
      series: [
        {
          type: 'scatter',
          symbolSize: 11,
          symbol: 'diamond',
          itemStyle: { color: '#c0182b' },
          data: [...at('told', trial.events), ...outage('verdict')],
          markArea: { silent: true, itemStyle: { color: '#8883' }, data: [[{ xAxis: trial.down[0] }, { xAxis: trial.down[1] }]] },
        },
        { type: 'scatter', symbolSize: 8, data: [...outage('evidence'), ...outage('action'), ...outage('stream')] },
        {
          type: 'scatter',
          symbol: 'rect',
          symbolSize: [2, 16],
          itemStyle: { color: '#334' },
          data: [
            ...at('requests', trial.requests.filter(([when]) => when > -1)),
            ...ticks('sockets', seen(trial.sockets)),
            ...ticks('fetches', seen(trial.fetches)),
            ...ticks('we see them', seen(trial.inbound)),
            ...ticks('they see us', seen(trial.outbound)),
            ...at('stalls', trial.stalls.map(([began, ended, who]) => [began, `${who} stood still for ${Math.round(1000 * (ended - began))} ms`])),
          ],
        },
      ],
    },
    { notMerge: true },
  );
}

const cells = document.getElementById('cells');
for (const [index, { cell }] of timelines.entries()) cells.add(new Option(cell, index));
cells.addEventListener('change', () => draw(timelines[cells.value]));
if (timelines.length) draw(timelines[0]);

for (const { cell, ...phases } of spans) {
  const table = document.getElementById('spans').appendChild(document.createElement('table'));
  table.createCaption().textContent = cell;
  table.caption.style.fontWeight = 600;
  for (const [phase, steps] of Object.entries(phases)) {
    for (const [step, ms, trials] of steps) {
      const row = table.insertRow();
      for (const text of [`after the ${phase}`, `${Math.round(ms)} ms`, step, `${trials}×`]) row.insertCell().textContent = text;
    }
  }
}
