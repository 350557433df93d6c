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
  { name: 'gallery', scope: 'read', load: () => import('./views/gallery.js') },
  { name: 'jobs', scope: 'read', load: () => import('./views/jobs.js') },
  { name: 'account', scope: 'read', load: () => import('./views/account.js') },
  { name: 'operations', scope: 'admin', load: () => import('./views/operations.js') },
  { name: 'accounts', scope: 'admin', load: () => import('./views/accounts.js') },
];
