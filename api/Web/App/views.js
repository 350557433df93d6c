// The views. To add one: a line here, a module in views/ whose default export is its component, and its name in texts/ as views.NAME.

/**
 * @typedef {object} View
 * @property {string} name in the address, #/name
 * @property {'read' | 'jobs' | 'admin'} scope what the session's key must allow
 * @property {() => Promise<{ default: Function }>} load
 */

/** @type {View[]} */
export const views = [
  { name: 'make', scope: 'jobs', load: () => import('./views/make.js') },
];
