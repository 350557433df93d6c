// A chart over time, with its figures as a table for those who do not see it.
import uPlot from '../vendor/uplot/uPlot.esm.js';
import { html, useEffect, useRef } from '../ui.js';
import { number, t, time } from '../texts.js';

const HEIGHT = 190;

/** Told apart by their dashes as well as by their colours. @type {{ light: string, dark: string, dash: number[] }[]} */
const LINES = [
  { light: '#4338ca', dark: '#a5b4fc', dash: [] },
  { light: '#b42318', dark: '#ff9c91', dash: [6, 4] },
  { light: '#146c43', dark: '#7ddba3', dash: [2, 3] },
  { light: '#525966', dark: '#a9b0bd', dash: [10, 3, 2, 3] },
];

const isDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string[]} props.at when each point is, as the API writes it
 * @param {{ name: string, values: (number | null | undefined)[] }[]} props.lines
 * @param {(value: number) => string} [props.show] a value in words
 */
export function Chart({ title, at, lines, show = number }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const drawn = useRef(/** @type {any} */ (null));
  const names = lines.map(({ name }) => name).join('\n');
  useEffect(() => {
    const element = /** @type {HTMLDivElement} */ (place.current);
    const axis = { stroke: () => (isDark() ? '#a9b0bd' : '#525966'), grid: { stroke: () => (isDark() ? '#333844' : '#d9dce2'), width: 1 } };
    const chart = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height: HEIGHT,
        legend: { live: false },
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 0, 1) * 1.05] } },
        series: [
          {},
          ...lines.map(({ name }, index) => {
            const line = LINES[index % LINES.length];
            return { label: name, stroke: () => (isDark() ? line.dark : line.light), width: 2, dash: line.dash, spanGaps: false };
          }),
        ],
        axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => show(tick)) }],
      },
      [[], ...lines.map(() => [])],
      element,
    );
    drawn.current = chart;
    const size = new ResizeObserver(() => chart.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT }));
    size.observe(element);
    const colours = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => chart.redraw();
    colours.addEventListener('change', redraw);
    return () => {
      size.disconnect();
      colours.removeEventListener('change', redraw);
      chart.destroy();
    };
  }, [names]);
  useEffect(() => {
    drawn.current?.setData([at.map((text) => Date.parse(text) / 1000), ...lines.map(({ values }) => values.map((value) => value ?? null))]);
  }, [names, at, lines]);
  return html`<figure class="chart panel">
    <figcaption><h3>${title}</h3></figcaption>
    <div ref=${place} aria-hidden="true"></div>
    ${at.length === 0 && html`<p class="quiet">${t('operate.no_points')}</p>`}
    <details>
      <summary>${t('operate.figures')}</summary>
      <div class="scroll" tabindex="0" role="region" aria-label=${title}>
        <table>
          <thead>
            <tr><th scope="col">${t('operate.at')}</th>${lines.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr>
          </thead>
          <tbody>
            ${at
              .map((moment, index) => ({ moment, index }))
              .slice(-30)
              .reverse()
              .map(
                ({ moment, index }) => html`<tr key=${moment}>
                  <th scope="row">${time(moment)}</th>
                  ${lines.map(({ values }) => html`<td>${values[index] === undefined || values[index] === null ? '–' : show(/** @type {number} */ (values[index]))}</td>`)}
                </tr>`,
              )}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`;
}
