// Who is signed in. The key itself is in a cookie that no script can read.
import { signal } from './ui.js';
import { call, onRefused } from './api.js';

const LOOK = 1000;

/**
 * The session: undefined while it is not known, null where nobody is signed in.
 * @type {import('./vendor/signals-core/signals-core.module.js').Signal<
 *   { account_id: string, account_name: string, scopes: string[], expires_at: string } | null | undefined>}
 */
export const session = signal(undefined);

/** Whether the session has ended by itself: its key was revoked, or its time is over. What stands on the page is kept meanwhile. */
export const ended = signal(false);

/** @param {string} scope jobs, read or admin @returns {boolean} whether the session's key allows it */
export function may(scope) {
  const scopes = session.value?.scopes ?? [];
  return scopes.includes(scope) || scopes.includes('admin') || (scope === 'read' && scopes.includes('jobs'));
}

/**
 * Finds out who is signed in, or signs in by the link in the page's address, and looks after it from then on.
 * @param {Promise<unknown>} texts ends when the page has its words
 */
export async function startSession(texts) {
  onRefused(() => (ended.value = Boolean(session.peek())));
  session.value = await call('GET', '/v1/session');
  const link = /^#open=(.+)$/.exec(location.hash)?.[1];
  if (link) {
    // It opens once: it stays neither in the address nor in the history
    history.replaceState(null, '', location.pathname);
    await texts;
    if (!session.peek() || confirm(openTexts.replace(session.peek()?.account_name ?? ''))) {
      await signIn({ link }).catch((problem) => (linkProblem.value = problem));
    }
  }

  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (session.peek() && !ended.peek() && document.visibilityState === 'visible') {
      const found = await call('GET', '/v1/session').catch(() => session.peek());
      ended.value = Boolean(session.peek() && !found);
    }
  }
}

/** What is asked where a link would replace a session; set by the shell, which has the texts. */
export const openTexts = { replace: (/** @type {string} */ account) => account };

/** Why the link in the page's address was refused. @type {{ value: Error | null, peek(): Error | null }} */
export const linkProblem = signal(null);

/** @param {{ key?: string, link?: string }} body */
export async function signIn(body) {
  const before = session.peek();
  const now = await call('POST', '/v1/session', { body });
  if (before && before.account_id !== now.account_id) {
    // What stands on the page is another's
    sessionStorage.clear();
    location.reload();
  }

  session.value = now;
  ended.value = false;
  linkProblem.value = null;
}

/** Signs out; what stands on the page is forgotten. */
export async function signOut() {
  await call('DELETE', '/v1/session');
  sessionStorage.clear();
  ended.value = false;
  session.value = null;
}
