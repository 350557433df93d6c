// What is asked for again and again while it is looked at.
import { useEffect, useState } from '../ui.js';
import { call } from '../api.js';

/**
 * The answer of a path, asked for anew after so many milliseconds while the page is seen.
 * @param {string} path
 * @param {number} milliseconds
 * @returns {{ data: any, problem: string, again: () => void }} data is null until the first answer; again asks at once
 */
export function useWatched(path, milliseconds) {
  const [state, setState] = useState({ path: '', data: /** @type {any} */ (null), problem: '' });
  const [asked, ask] = useState(0);
  useEffect(() => {
    const end = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const look = async () => {
      try {
        setState({ path, data: await call('GET', path, { signal: end.signal }), problem: '' });
      } catch (error) {
        if (end.signal.aborted) {
          return;
        }

        setState((before) => ({ ...before, problem: /** @type {Error} */ (error).message }));
      }

      // A page that nobody sees asks for nothing
      timer = setTimeout(() => (document.hidden ? document.addEventListener('visibilitychange', look, { once: true, signal: end.signal }) : look()), milliseconds);
    };
    look();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [path, milliseconds, asked]);
  return { data: state.path === path ? state.data : null, problem: state.problem, again: () => ask((count) => count + 1) };
}
