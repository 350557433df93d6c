// Where on the page one is: #/view?name=value. The address says all of it, so that it can be kept, sent and gone back to.
import { signal } from './ui.js';

/** @typedef {{ view: string, params: Record<string, string> }} Route */

/** @returns {Route} */
function read() {
  const [view, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { view, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** Where one is. @type {import('./vendor/signals-core/signals-core.module.js').Signal<Route>} */
export const route = signal(read());

/**
 * The address of a view.
 * @param {string} view
 * @param {Record<string, string | number>} [params]
 */
export function href(view, params = {}) {
  const query = new URLSearchParams(Object.entries(params).map(([name, value]) => [name, String(value)])).toString();
  return `#/${view}${query ? `?${query}` : ''}`;
}

/** Goes to a view. @param {string} view @param {Record<string, string | number>} [params] */
export function go(view, params) {
  location.hash = href(view, params);
}

addEventListener('hashchange', () => {
  const change = () => (route.value = read());
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (document.startViewTransition && !isStill && read().view !== route.peek().view) {
    document.startViewTransition(change);
  } else {
    change();
  }
});
