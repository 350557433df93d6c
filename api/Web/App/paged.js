// Long lists: pages of the API's lists are read as one comes to them, and only what is in sight is drawn.
import { html, useEffect, useLayoutEffect, useRef, useState } from './ui.js';
import { call } from './api.js';
import { t } from './texts.js';

const PAGE = 100;

/**
 * The pages of a list, one after the other.
 * @template Row
 * @param {string} path
 * @param {Record<string, string>} filters empty ones do not bind
 * @param {(item: any) => Row[]} rowsOf what is kept of an item
 * @returns {{ rows: Row[], isWhole: boolean, problem: string, more: () => void, change: (make: (rows: Row[]) => Row[]) => void }}
 */
export function usePages(path, filters, rowsOf) {
  const query = new URLSearchParams([...Object.entries(filters), ['limit', String(PAGE)]].filter(([, value]) => value)).toString();
  const [, draw] = useState({});
  const list = useRef({ query, rows: /** @type {Row[]} */ ([]), cursor: '', isWhole: false, problem: '', isBusy: false });
  if (list.current.query !== query) {
    list.current = { query, rows: [], cursor: '', isWhole: false, problem: '', isBusy: false };
  }

  const now = list.current;
  const more = async () => {
    if (now.isBusy || now.isWhole) {
      return;
    }

    now.isBusy = true;
    try {
      const page = await call('GET', `${path}?${query}${now.cursor ? `&cursor=${encodeURIComponent(now.cursor)}` : ''}`);
      // Not a new list each time: there may be a hundred thousand rows
      now.rows.push(...page.data.flatMap(rowsOf));
      now.cursor = page.next_cursor ?? '';
      now.isWhole = !now.cursor;
    } catch (error) {
      now.isWhole = true;
      now.problem = /** @type {Error} */ (error).message;
    } finally {
      now.isBusy = false;
      draw({});
    }
  };
  useEffect(() => void more(), [query]);
  return {
    rows: now.rows,
    isWhole: now.isWhole,
    problem: now.problem,
    more,
    change: (make) => {
      list.current.rows = make(list.current.rows);
      draw({});
    },
  };
}

/**
 * Draws those cells of a grid that are in sight, and asks for more before its end is.
 * @template Row
 * @param {object} props
 * @param {Row[]} props.rows
 * @param {number} props.cell least width of a cell in pixels; 0: a cell is a whole line
 * @param {number} props.height of a cell
 * @param {(row: Row, index: number) => any} props.draw
 * @param {(row: Row) => string} props.keyOf
 * @param {boolean} props.isWhole
 * @param {() => void} props.more
 * @param {string} props.label
 */
export function Virtual({ rows, cell, height, draw, keyOf, isWhole, more, label }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [sight, setSight] = useState({ from: 0, to: 0, columns: 1 });
  const look = () => {
    const place = box.current?.getBoundingClientRect();
    if (!place) {
      return;
    }

    const columns = cell ? Math.max(1, Math.floor(place.width / cell)) : 1;
    const from = Math.max(0, Math.floor(-place.top / height) - 2) * columns;
    const to = (Math.ceil((innerHeight - place.top) / height) + 2) * columns;
    setSight((before) => (before.from === from && before.to === to && before.columns === columns ? before : { from, to, columns }));
  };
  useLayoutEffect(look);
  useEffect(() => {
    let frame = 0;
    // Once a frame, when the page's layout is known, and not at each of the events before it
    const lookSoon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        look();
      });
    };
    addEventListener('scroll', lookSoon, { passive: true });
    addEventListener('resize', lookSoon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', lookSoon);
      removeEventListener('resize', lookSoon);
    };
  }, [cell, height]);
  useEffect(() => {
    if (!isWhole && sight.to + 2 * sight.columns >= rows.length) {
      more();
    }
  }, [sight, rows.length, isWhole]);
  const lines = Math.ceil(rows.length / sight.columns);
  return html`<ul
    ref=${box} class="virtual" aria-label=${label} aria-busy=${String(!isWhole)} data-count=${rows.length}
    style=${{ height: `${lines * height}px`, '--columns': sight.columns }}
  >
    ${rows.slice(sight.from, sight.to).map((row, at) => {
      const index = sight.from + at;
      return html`<li
        key=${keyOf(row)} aria-setsize=${isWhole ? rows.length : -1} aria-posinset=${index + 1}
        style=${{
          top: `${Math.floor(index / sight.columns) * height}px`,
          left: `${((index % sight.columns) / sight.columns) * 100}%`,
          width: `${100 / sight.columns}%`,
          height: `${height}px`,
        }}
      >
        ${draw(row, index)}
      </li>`;
    })}
  </ul>`;
}

/** What stands where a list has nothing. @param {{ rows: unknown[], isWhole: boolean, problem: string }} props */
export const Emptiness = ({ rows, isWhole, problem }) =>
  problem
    ? html`<p class="error" role="alert">${problem}</p>`
    : rows.length === 0 && html`<p class="quiet" role="status">${isWhole ? t('list.empty') : t('shell.loading')}</p>`;
