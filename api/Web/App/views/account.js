// The caller's own account: its money, its webhooks, its rules.
import { html, useState } from '../ui.js';
import { call } from '../api.js';
import { number, t, time } from '../texts.js';
import { may } from '../session.js';
import { useAct } from '../operate/act.js';
import { Keys } from '../operate/keys.js';
import { usePages } from '../operate/pages.js';
import { Shown } from '../operate/shown.js';
import { PagedTable } from '../operate/table.js';
import { useWatched } from '../operate/watch.js';

const ACCOUNT_MILLISECONDS = 5000;
const DELIVERIES_MILLISECONDS = 5000;

const credits = (/** @type {number} */ amount) => number(amount, { maximumFractionDigits: 4 });

export default function Account() {
  const { data, problem } = useWatched('/v1/account', ACCOUNT_MILLISECONDS);
  return html`<h1>${t('views.account')}</h1>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${data &&
    html`<dl class="figures">
      <div class="panel"><dt>${t('account.name')}</dt><dd>${data.name}</dd></div>
      <div class="panel"><dt>${t('account.balance')}</dt><dd data-figure="balance">${credits(data.balance)}</dd></div>
      <div class="panel"><dt>${t('account.held')}</dt><dd>${credits(data.held)}</dd></div>
      <div class="panel"><dt>${t('account.scopes')}</dt><dd>${data.scopes.join(', ')}</dd></div>
    </dl>`}
    ${data && html`<${Keys} list="/v1/account/keys" make="/v1/account/keys" one="/v1/account/keys" own=${data.key_id} />`}
    <${Transactions} />
    ${may('jobs') && html`<${Webhooks} />`}
    <${Rules} />`;
}

function Transactions() {
  const pages = usePages('/v1/account/transactions?limit=50');
  return html`<section>
    <h2>${t('account.transactions')}</h2>
    <${PagedTable}
      name=${t('account.transactions')} pages=${pages}
      columns=${[
        { name: t('account.at'), of: (/** @type {any} */ row) => time(row.at) },
        { name: t('account.entry'), of: (/** @type {any} */ row) => t(`entry.${row.entry}`) },
        { name: t('account.amount'), of: (/** @type {any} */ row) => credits(row.amount) },
        { name: t('account.balance'), of: (/** @type {any} */ row) => credits(row.balance) },
        { name: t('account.job'), of: (/** @type {any} */ row) => row.job ?? '' },
        { name: t('account.note'), of: (/** @type {any} */ row) => row.note ?? '' },
      ]}
    />
  </section>`;
}

function Webhooks() {
  const secrets = useWatched('/v1/webhooks/secrets', DELIVERIES_MILLISECONDS);
  const deliveries = useWatched('/v1/webhooks/deliveries?limit=50', DELIVERIES_MILLISECONDS);
  const { busy, problem, act } = useAct();
  const [fresh, setFresh] = useState('');
  const add = () =>
    act(async () => {
      setFresh((await call('POST', '/v1/webhooks/secrets', { once: true })).secret);
      secrets.again();
    });
  /** @param {string} id */
  const remove = (id) =>
    act(async () => {
      await call('DELETE', `/v1/webhooks/secrets/${id}`);
      secrets.again();
    });
  /** @param {string} id */
  const redeliver = (id) =>
    act(async () => {
      await call('POST', `/v1/webhooks/deliveries/${encodeURIComponent(id)}/redeliver`);
      deliveries.again();
    });
  return html`<section>
    <h2>${t('webhooks.title')}</h2>
    <p class="quiet">${t('webhooks.help')}</p>
    ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    <h3>${t('webhooks.secrets')}</h3>
    <ul class="plain">
      ${(secrets.data?.data ?? []).map(
        (/** @type {any} */ secret) => html`<li key=${secret.id} class="row">
          <code>${secret.id}</code> <span class="quiet">${time(secret.created_at)}</span>
          <button type="button" disabled=${busy} onclick=${() => remove(secret.id)}>${t('webhooks.remove')}</button>
        </li>`,
      )}
    </ul>
    <button type="button" disabled=${busy} onclick=${add}>${t('webhooks.add')}</button>
    <${Shown} label=${t('webhooks.shown')} value=${fresh} />
    <h3>${t('webhooks.deliveries')}</h3>
    ${(deliveries.data?.data ?? []).length === 0
      ? html`<p class="quiet">${t('table.none')}</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label=${t('webhooks.deliveries')}>
          <table>
            <thead>
              <tr>${['at', 'event', 'url', 'state', 'attempts', 'error', 'again'].map((name) => html`<th scope="col">${t(`webhooks.${name}`)}</th>`)}</tr>
            </thead>
            <tbody>
              ${deliveries.data.data.map(
                (/** @type {any} */ one) => html`<tr key=${one.id}>
                  <th scope="row">${time(one.created_at)}</th>
                  <td>${one.event}</td>
                  <td>${one.url}</td>
                  <td>${t(`webhooks.${one.state}`)}</td>
                  <td>${number(one.attempts)}</td>
                  <td>${[one.last_status, one.last_error].filter(Boolean).join(' ')}</td>
                  <td><button type="button" disabled=${busy} onclick=${() => redeliver(one.id)}>${t('webhooks.redeliver')}</button></td>
                </tr>`,
              )}
            </tbody>
          </table>
        </div>`}
  </section>`;
}

function Rules() {
  const { data } = useWatched('/v1/account/safety', 60_000);
  return html`<section>
    <h2>${t('safety.title')}</h2>
    ${data &&
    html`<p>${data.policy ? t('safety.policy', { policy: data.policy }) : t('safety.default')}</p>
      ${data.blocked_words.length > 0 && html`<p>${t('safety.words', { words: data.blocked_words.join(', ') })}</p>`}`}
  </section>`;
}
