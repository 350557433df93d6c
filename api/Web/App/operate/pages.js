// Lists that come in pages.
import { useEffect, useState } from '../ui.js';
import { call } from '../api.js';

/**
 * A list of the API, page by page.
 * @param {string} path with its parameters, but the cursor
 * @returns {{ rows: any[] | null, more: (() => void) | null, again: () => void, problem: string }}
 *   rows is null until the first page; more is null where there is none
 */
export function usePages(path) {
  const [state, setState] = useState({ path: '', rows: /** @type {any[] | null} */ (null), cursor: '', problem: '' });
  const [asked, ask] = useState(0);
  /** @param {any[]} before @param {string} cursor @param {AbortSignal} [signal] */
  const load = async (before, cursor, signal) => {
    try {
      const page = await call('GET', cursor ? `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}` : path, { signal });
      setState({ path, rows: [...before, ...page.data], cursor: page.next_cursor ?? '', problem: '' });
    } catch (error) {
      if (!signal?.aborted) {
        setState((now) => ({ ...now, problem: /** @type {Error} */ (error).message }));
      }
    }
  };
  useEffect(() => {
    const end = new AbortController();
    load([], '', end.signal);
    return () => end.abort();
  }, [path, asked]);
  const rows = state.path === path ? state.rows : null;
  return {
    rows,
    more: rows && state.cursor ? () => load(rows, state.cursor) : null,
    again: () => ask((count) => count + 1),
    problem: state.problem,
  };
}
