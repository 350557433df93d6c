// What is around the views: the way between them, who is signed in, and what is wrong.
import { html, signal, useEffect, useRef, useState, useValue } from './ui.js';
import { connection } from './api.js';
import { ended, linkProblem, may, openTexts, session, signIn, signOut } from './session.js';
import { href, route } from './routes.js';
import { t } from './texts.js';
import { views } from './views.js';

openTexts.replace = (account) => t('session.replace', { account });

/** The name of the view that is drawn: where the address names another, that one is on its way. */
const drawn = signal('');

/** The whole page. */
export function Shell() {
  const who = useValue(session);
  const wasEnded = useValue(ended);
  const shownName = useValue(route).view || shown()[0]?.name;
  const drawnName = useValue(drawn);
  const busy = who === undefined || (who && drawnName !== shownName);
  return html`
    <a class="skip" href="#main" onclick=${toMain}>${t('shell.skip')}</a>
    <header class="top">
      <a class="name" href="#/">Generation</a>
      ${who && html`<${Ways} />`}
      <div class="who">
        <a href="/docs" target="_blank" rel="noopener">${t('shell.docs')}</a>
        ${
          who &&
          html`<span class="account">${who.account_name}</span>
          <button type="button" class="plain" onclick=${signOut}>${t('session.out')}</button>`
        }
      </div>
    </header>
    <${Away} />
    <main id="main" tabindex="-1" data-view=${who ? shownName : undefined} aria-busy=${String(!!busy)}>
      ${who === undefined ? html`<p class="quiet">${t('shell.loading')}</p>` : who ? html`<${Present} />` : html`<${SignIn} />`}
    </main>
    ${wasEnded && html`<${SignInAgain} />`}
  `;
}

/** @param {Event} event */
function toMain(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

const shown = () => views.filter((view) => may(view.scope));

function Ways() {
  const here = useValue(route).view || shown()[0]?.name;
  return html`<nav aria-label=${t('shell.views')}>
    ${shown().map(({ name }) => html`<a href=${href(name)} aria-current=${name === here ? 'page' : undefined}>${t(`views.${name}`)}</a>`)}
  </nav>`;
}

/** The view that the address names. */
function Present() {
  const at = useValue(route);
  const view = views.find(({ name }) => name === at.view) ?? shown()[0];
  const [loaded, setLoaded] = useState(/** @type {{ name: string, View: Function | null } | null} */ (null));
  useEffect(() => {
    document.title = view ? `${t(`views.${view.name}`)} · Generation` : 'Generation';
    let isWanted = true;
    view?.load().then(
      (module) => isWanted && (setLoaded({ name: view.name, View: module.default }), (drawn.value = view.name)),
      () => isWanted && (setLoaded({ name: view.name, View: null }), (drawn.value = view.name)),
    );
    return () => (isWanted = false);
  }, [view]);
  if (!view) {
    return html`<p>${t('shell.nothing')}</p>`;
  }

  if (loaded?.name !== view.name) {
    return html`<p class="quiet">${t('shell.loading')}</p>`;
  }

  return loaded.View
    ? html`<${loaded.View} key=${view.name} params=${at.params} />`
    : html`<p role="alert">${t('shell.reload')} <button type="button" onclick=${() => location.reload()}>${t('shell.again')}</button></p>`;
}

/** Says that the server is away, while it is. */
function Away() {
  const { up, reason } = useValue(connection);
  return html`<div role="status" class="away">${!up && html`<p><strong>${t(reason ? 'away.cannot' : 'away.title')}</strong> ${reason} ${t('away.kept')}</p>`}</div>`;
}

/** The form that signs in by a key. @param {{ onDone?: () => void }} props */
function KeyForm({ onDone }) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.focus(), []);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn({ key: field.current?.value.trim() ?? '' });
      onDone?.();
    } catch (problem) {
      setError(/** @type {Error} */ (problem).message);
      field.current?.focus();
    } finally {
      setBusy(false);
    }
  };
  return html`<form onsubmit=${submit} class="key">
    <label for="key">${t('session.key')}</label>
    <input
      id="key" ref=${field} type="password" autocomplete="off" spellcheck=${false} required
      aria-invalid=${error ? 'true' : undefined} aria-describedby=${error ? 'key-error' : 'key-help'}
    />
    ${error ? html`<p id="key-error" class="error" role="alert">${error}</p>` : html`<p id="key-help"
      class="quiet">${t('session.help')}</p>`}
    <button class="first" disabled=${busy}>${t('session.in')}</button>
  </form>`;
}

function SignIn() {
  const problem = useValue(linkProblem);
  useEffect(() => void (document.title = 'Generation'), []);
  return html`<section class="signin">
    <h1>${t('session.title')}</h1>
    ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    <${KeyForm} />
  </section>`;
}

/** Over the view, which stays as it is. */
function SignInAgain() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  return html`<dialog ref=${dialog} aria-labelledby="again" oncancel=${(/** @type {Event} */ event) => event.preventDefault()}>
    <h1 id="again">${t('session.title')}</h1>
    <p>${t('session.ended')}</p>
    <${KeyForm} />
    <button type="button" class="plain" onclick=${signOut}>${t('session.leave')}</button>
  </dialog>`;
}
