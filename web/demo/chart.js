// Draws the timeline of an outage: lanes, bars and points on a time axis, which timeline.py computed from its record. It is
// loaded, with ECharts, when the first timeline is opened.

import * as echarts from '../static/vendor/echarts/echarts.esm.min.mjs';

/**
 * The classes of the same names in timeline.py.
 * @typedef {{ lane: number, from: number, to: number, tone: string, label: string, text: string, short?: string }} Bar
 * @typedef {{ lane: number, at: number, tone: string, label: string, text: string }} Point
 *
 * @typedef {object} Story
 * @property {string[]} lanes
 * @property {number} begins
 * @property {number} until
 * @property {number | null} ends
 * @property {string | null} end
 * @property {Point[]} evidence
 * @property {Point[]} verdicts
 * @property {Bar[]} attempts
 * @property {Bar[]} streams
 *
 * @typedef {HTMLElement & { chart?: echarts.ECharts }} Canvas
 * @typedef {{ x: number, y: number, width: number, height: number }} Rectangle
 * @typedef {{ start?: number, end?: number }} Zoom
 * @typedef {Record<string, string>} Paint   a colour for each tone and for the parts of the chart
 * @typedef {NonNullable<echarts.CustomSeriesOption['renderItem']>} RenderItem
 */

const dark = matchMedia('(prefers-color-scheme: dark)');
/** @type {WeakMap<Element, string>} the JSON of the Story that is drawn in an element */
const shown = new WeakMap();

/**
 * @param {Element} element
 * @returns {Paint}
 */
function colours(element) {
  const style = getComputedStyle(element);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const names = ['good', 'warn', 'bad', 'quiet', 'accent', 'ink', 'line', 'surface', 'sunken', 'page'];
  return { ...Object.fromEntries(names.map((name) => [name, of(name)])), unknown: of('sunken') };
}

/**
 * Return the function that draws a bar between two times, at least 3 px wide, with its label if there is room for it.
 * @param {Bar[]} bars
 * @param {Paint} paint
 * @returns {RenderItem}
 */
const bar = (bars, paint) => (params, api) => {
  const item = bars[params.dataIndex];
  const [left, middle] = api.coord([item.from, item.lane]);
  const right = api.coord([item.to, item.lane])[0];
  const [, lane] = /** @type {number[]} */ (api.size?.([0, 1]) ?? [0, 0]);
  const height = Math.min(26, lane * 0.55);
  const whole = { x: left, y: middle - height / 2, width: Math.max(3, right - left), height };
  const grid = /** @type {Rectangle & typeof params.coordSys} */ (params.coordSys);
  const shape = echarts.graphic.clipRectByRect(whole, grid);
  if (!shape) return null;
  /** @type {Extract<ReturnType<RenderItem>, { type: 'group' }>} */
  const group = { type: 'group', children: [{ type: 'rect', shape: { ...shape, r: 4 }, style: { fill: paint[item.tone] } }] };
  const text = [item.label, item.short ?? ''].find((words) => shape.width > 6.6 * words.length + 6);
  if (text) {
    const fill = item.tone === 'unknown' ? paint.quiet : paint.surface;
    const style = { text, x: shape.x + shape.width / 2, y: middle, fill, font: '600 12px system-ui, sans-serif' };
    group.children.push({ type: 'text', silent: true, style: { ...style, align: 'center', verticalAlign: 'middle' } });
  }
  return group;
};

/**
 * @param {string} name
 * @param {Bar[]} items
 * @param {Paint} paint
 * @returns {echarts.CustomSeriesOption}
 */
function bars(name, items, paint) {
  const data = items.map((item) => ({ value: [item.from, item.to, item.lane], text: item.text }));
  return { name, type: 'custom', renderItem: bar(items, paint), encode: { x: [0, 1], y: 2 }, data, clip: true };
}

/**
 * @param {string} name
 * @param {Point[]} items
 * @param {Paint} paint
 * @param {string} symbol
 * @param {number} width
 * @returns {echarts.ScatterSeriesOption}
 */
function points(name, items, paint, symbol, width) {
  const data = items.map((item) => ({
    value: [item.at, item.lane], text: item.text, label: { formatter: item.label }, itemStyle: { color: paint[item.tone] },
  }));
  return {
    name, type: 'scatter', symbol, symbolSize: 11, data, z: 4,
    itemStyle: { borderColor: paint.surface, borderWidth: 1.5 },
    label: { show: true, position: 'right', distance: 5, color: paint.ink, fontSize: 11 },
    labelLayout: ({ rect, labelRect }) => {
      // Keep labels on the chart: near the right edge they go to the left of their point.
      const left = labelRect.x + labelRect.width > width && rect.x > width / 2;
      return left ? { x: rect.x - 5, y: rect.y + rect.height / 2, align: 'right', verticalAlign: 'middle', hideOverlap: true } : { hideOverlap: true };
    },
  };
}

/** @param {Story} story */
function leftmost(story) {
  return story.begins - 0.02 * story.until;
}

/**
 * @param {Canvas} element
 * @param {Story} story
 * @param {Zoom[]} zoom   of the chart that is replaced, if there is one
 * @returns {echarts.EChartsOption}
 */
function option(element, story, zoom) {
  const paint = colours(element);
  const narrow = element.clientWidth < 560;
  const verdicts = points('verdicts', story.verdicts, paint, 'diamond', element.clientWidth);
  if (story.ends !== null) {
    const color = paint[story.end === 'sessionDisconnected' ? 'bad' : 'good'];
    verdicts.markLine = {
      z: 1, silent: true, symbol: 'none', label: { show: false }, lineStyle: { color, type: 'solid', width: 1.5 },
      data: [{ xAxis: story.ends }],
    };
    verdicts.markArea = { z: 0, silent: true, itemStyle: { color: paint.sunken, opacity: 0.35 }, data: [[{ xAxis: 0 }, { xAxis: story.ends }]] };
  }
  const before = leftmost(story);
  return {
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif', color: paint.ink },
    grid: { left: narrow ? 78 : 104, right: 14, top: 18, bottom: 84 },
    xAxis: {
      type: 'value', min: before, max: story.until, name: 'seconds since the outage was detected', nameLocation: 'middle', nameGap: 26,
      nameTextStyle: { color: paint.quiet, fontSize: 11 },
      axisLabel: { color: paint.quiet, showMinLabel: false, showMaxLabel: false, hideOverlap: true, formatter: (value) => (value < 0 ? '' : `${+value.toFixed(2)}`) },
      axisLine: { lineStyle: { color: paint.line } }, splitLine: { lineStyle: { color: paint.line } },
    },
    yAxis: {
      type: 'category', data: story.lanes, inverse: true, axisTick: { show: false }, axisLine: { show: false },
      axisLabel: { color: paint.ink, fontSize: 12, width: narrow ? 68 : 92, overflow: 'truncate', interval: 0 },
      splitLine: { show: true, lineStyle: { color: paint.line } },
    },
    dataZoom: [
      { type: 'inside', filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false, ...zoom[0] },
      {
        type: 'slider', filterMode: 'none', height: 22, bottom: 10, showDetail: false, showDataShadow: false, brushSelect: false, borderColor: paint.line,
        backgroundColor: 'transparent', fillerColor: `${paint.accent}22`, handleStyle: { color: paint.surface, borderColor: paint.accent },
        moveHandleStyle: { color: paint.accent, opacity: 0.4 }, emphasis: { handleStyle: { borderColor: paint.accent } }, ...zoom[1],
      },
    ],
    tooltip: {
      trigger: 'item', confine: true, backgroundColor: paint.surface, borderColor: paint.line, textStyle: { color: paint.ink, fontSize: 13 },
      extraCssText: 'max-width: 300px; white-space: normal; overflow-wrap: anywhere',
      formatter: (/** @type {any} */ { data }) => echarts.format.encodeHTML(data.text ?? '').replaceAll('\n', '<br>'),
    },
    series: [
      points('evidence', story.evidence, paint, 'circle', element.clientWidth), verdicts,
      bars('attempts', story.attempts, paint), bars('streams', story.streams, paint),
    ],
  };
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target instanceof HTMLElement) drawAgain(target);
});

/** @param {HTMLElement} element */
function drawAgain(element) {
  const json = shown.get(element);
  if (json) draw(element, json);
}

/**
 * Draw `json`, the result of timeline.story, into `element`, and keep its zoom.
 * @param {Canvas} element
 * @param {string} json
 */
export function draw(element, json) {
  /** @type {Story} */
  const story = JSON.parse(json);
  element.style.height = `${128 + 50 * story.lanes.length}px`;
  const chart = echarts.getInstanceByDom(element) ?? echarts.init(element);
  const before = /** @type {Zoom[]} */ (shown.has(element) ? chart.getOption().dataZoom : []);
  const drawn = option(element, story, before.map(({ start, end }) => ({ start, end })));
  chart.resize();
  chart.setOption(drawn, { notMerge: true });
  shown.set(element, json);
  resized.observe(element);
  element.chart = chart;
}

/**
 * Zoom to the whole outage or, if `part` is 'end', from 0.5 s before its end on, where most happens in little time.
 * @param {Canvas} element
 * @param {string} part
 */
export function lookAt(element, part) {
  const json = shown.get(element);
  if (!json) return; // nothing is drawn yet
  /** @type {Story} */
  const story = JSON.parse(json);
  const from = part === 'end' ? Math.max(0, (story.ends ?? story.until) - 0.5) : leftmost(story);
  element.chart?.dispatchAction({ type: 'dataZoom', startValue: from, endValue: story.until });
}

/** @param {HTMLElement} element */
export function clear(element) {
  resized.unobserve(element);
  shown.delete(element);
  echarts.getInstanceByDom(element)?.dispose();
}

dark.addEventListener('change', () => {
  const element = document.getElementById('timeline-chart');
  if (element) drawAgain(element);
});
