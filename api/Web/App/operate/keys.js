// The keys of an account: all accounts' for operators, and one's own.
import { html, useState } from '../ui.js';
import { call } from '../api.js';
import { t, time } from '../texts.js';
import { may } from '../session.js';
import { useAct } from './act.js';
import { Field } from './field.js';
import { Shown } from './shown.js';
import { useWatched } from './watch.js';

const SCOPES = ['jobs', 'read', 'admin'];
const KEYS_MILLISECONDS = 5000;

/**
 * @param {object} props
 * @param {string} props.list the path that lists the keys
 * @param {string} props.make the path that makes one
 * @param {string} props.one the path below which each has its own, to be revoked
 * @param {string} [props.own] the key that the session goes by, where it is among them
 */
export function Keys({ list, make, one, own }) {
  const keys = useWatched(list, KEYS_MILLISECONDS);
  const [form, setForm] = useState({ name: '', days: '', scopes: [may('jobs') ? 'jobs' : 'read'] });
  const [fresh, setFresh] = useState('');
  const { busy, problem, act } = useAct();
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    act(async () => {
      const made = await call('POST', make, {
        body: { name: form.name || undefined, scopes: form.scopes, ...(form.days ? { expires_days: Number(form.days) } : {}) },
        once: true,
      });
      setFresh(made.key);
      setForm((before) => ({ ...before, name: '', days: '' }));
      keys.again();
    });
  };
  /** @param {string} id */
  const revoke = (id) =>
    act(async () => {
      await call('DELETE', `${one}/${id}`);
      keys.again();
    });
  /** Whether a key is not beyond the session's own. @param {any} key */
  const isWithin = (key) => may('jobs') && key.scopes.every(may);
  const found = keys.data?.data ?? [];
  return html`<section>
    <h2>${t('keys.title')}</h2>
    ${(keys.problem || problem) && html`<p class="error" role="alert">${keys.problem || problem.message}</p>`}
    <${Shown} label=${t('keys.shown')} value=${fresh} />
    ${found.length > 0 &&
    html`<div class="scroll" tabindex="0" role="region" aria-label=${t('keys.title')}>
      <table>
        <thead>
          <tr>${['name', 'prefix', 'scopes', 'created', 'used', 'expires', 'state'].map((name) => html`<th scope="col">${t(`keys.${name}`)}</th>`)}</tr>
        </thead>
        <tbody>
          ${found.map(
            (/** @type {any} */ key) => html`<tr key=${key.id} data-key=${key.id}>
              <th scope="row">${key.name}${key.id === own && html` <span class="badge live">${t('keys.own')}</span>`}</th>
              <td><code>${key.prefix}…</code></td>
              <td>${key.scopes.join(', ')}</td>
              <td>${time(key.created_at)}</td>
              <td>${key.last_used_at ? time(key.last_used_at) : '–'}</td>
              <td>${key.expires_at ? time(key.expires_at) : t('keys.never')}</td>
              <td>
                ${key.revoked_at
                  ? t('keys.revoked', { at: time(key.revoked_at) })
                  : isWithin(key) &&
                    html`<button type="button" disabled=${busy} onclick=${() => revoke(key.id)}>
                      ${t('keys.revoke')}<span class="unseen"> ${key.name}</span>
                    </button>`}
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`}
    ${may('jobs') &&
    html`<form onsubmit=${send} class="panel money">
      <h3>${t('keys.new')}</h3>
      <${Field} name="key-name" label=${t('keys.name')} value=${form.name} errors=${problem?.errors?.name} onChange=${(/** @type {string} */ name) => setForm({ ...form, name })} />
      <${Field} name="key-days" type="number" label=${t('keys.days')} value=${form.days} errors=${problem?.errors?.expires_days} onChange=${(/** @type {string} */ days) => setForm({ ...form, days })} />
      <fieldset>
        <legend>${t('keys.scopes')}</legend>
        ${SCOPES.filter(may).map(
          (scope) => html`<label class="row" key=${scope}>
            <input
              type="checkbox" checked=${form.scopes.includes(scope)}
              onchange=${(/** @type {any} */ event) =>
                setForm({ ...form, scopes: event.target.checked ? [...form.scopes, scope] : form.scopes.filter((one) => one !== scope) })}
            />
            ${t(`scope.${scope}`)}
          </label>`,
        )}
      </fieldset>
      <button class="first" disabled=${busy || form.scopes.length === 0}>${t('keys.make')}</button>
    </form>`}
  </section>`;
}
