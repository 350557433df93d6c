// All accounts, for operators: their keys, money and limits, and what operators did.
import { html, useState } from '../ui.js';
import { call } from '../api.js';
import { number, t, time } from '../texts.js';
import { useAct } from '../operate/act.js';
import { Field } from '../operate/field.js';
import { Keys } from '../operate/keys.js';
import { usePages } from '../operate/pages.js';
import { PagedTable } from '../operate/table.js';
import { useWatched } from '../operate/watch.js';

const ENTRIES = ['top_up', 'grant', 'refund'];

const credits = (/** @type {number} */ amount) => number(amount, { maximumFractionDigits: 4 });

/** @param {{ params: Record<string, string> }} props id is the account that is opened */
export default function Accounts({ params }) {
  return params.id
    ? html`<${One} key=${params.id} id=${params.id} />`
    : html`<h1>${t('views.accounts')}</h1>
        <${All} />
        <${Books} />
        <${Audit} />`;
}

function All() {
  const pages = usePages('/v1/admin/accounts?limit=100');
  const [name, setName] = useState('');
  const { busy, problem, act } = useAct();
  /** @param {Event} event */
  const make = async (event) => {
    event.preventDefault();
    if (await act(() => call('POST', '/v1/admin/accounts', { body: { name: name.trim() }, once: true }))) {
      setName('');
      pages.again();
    }
  };
  return html`<section>
    <form class="row" onsubmit=${make}>
      <label for="new-account">${t('accounts.new')}</label>
      <input id="new-account" value=${name} maxlength="200" required oninput=${(/** @type {any} */ event) => setName(event.target.value)} />
      <button disabled=${busy || !name.trim()}>${t('accounts.make')}</button>
    </form>
    ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    <${PagedTable}
      name=${t('views.accounts')} pages=${pages}
      columns=${[
        {
          name: t('account.name'),
          of: (/** @type {any} */ row) => html`<a href=${`#/accounts?id=${row.id}`}>${row.name}</a>`,
        },
        { name: t('account.balance'), of: (/** @type {any} */ row) => credits(row.balance) },
        { name: t('account.held'), of: (/** @type {any} */ row) => credits(row.held) },
        { name: t('accounts.weight'), of: (/** @type {any} */ row) => number(row.weight) },
        { name: t('accounts.state'), of: (/** @type {any} */ row) => t(row.disabled ? 'accounts.disabled' : 'accounts.enabled') },
        { name: t('accounts.created'), of: (/** @type {any} */ row) => time(row.created_at) },
      ]}
    />
  </section>`;
}

/** @param {{ id: string }} props */
function One({ id }) {
  const account = useWatched(`/v1/admin/accounts/${encodeURIComponent(id)}`, 5000);
  const { busy, problem, act } = useAct();
  const one = account.data;
  /** @param {any} body */
  const change = (body) =>
    act(async () => {
      await call('PATCH', `/v1/admin/accounts/${encodeURIComponent(id)}`, { body, once: true });
      account.again();
    });
  return html`<p><a href="#/accounts">${t('accounts.back')}</a></p>
    <h1>${one?.name ?? t('views.accounts')}</h1>
    ${(account.problem || problem) && html`<p class="error" role="alert">${account.problem || problem.message}</p>`}
    ${one &&
    html`<dl class="figures">
        <div class="panel"><dt>${t('account.balance')}</dt><dd data-figure="balance">${credits(one.balance)}</dd></div>
        <div class="panel"><dt>${t('account.held')}</dt><dd>${credits(one.held)}</dd></div>
        <div class="panel"><dt>${t('accounts.state')}</dt><dd>${t(one.disabled ? 'accounts.disabled' : 'accounts.enabled')}</dd></div>
      </dl>
      <div class="row">
        <${Weight} value=${one.weight} busy=${busy} onChange=${(/** @type {number} */ weight) => change({ weight })} />
        <button type="button" disabled=${busy} onclick=${() => change({ disabled: !one.disabled })}>
          ${t(one.disabled ? 'accounts.enable' : 'accounts.disable')}
        </button>
      </div>
      <${Limits} value=${one.limits} busy=${busy} onChange=${(/** @type {any} */ limits) => change({ limits })} />
      <${Money} id=${id} onDone=${account.again} />
      <${Keys}
        list=${`/v1/admin/keys?account=${encodeURIComponent(id)}`} make=${`/v1/admin/accounts/${encodeURIComponent(id)}/keys`} one="/v1/admin/keys"
      />`}`;
}

/** @param {{ value: number, busy: boolean, onChange: (weight: number) => void }} props */
function Weight({ value, busy, onChange }) {
  const [typed, setTyped] = useState(String(value));
  return html`<label for="weight">${t('accounts.weight')}</label>
    <input id="weight" class="side" type="number" min="1" max="1000" value=${typed} oninput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
    <button type="button" disabled=${busy || typed === String(value)} onclick=${() => onChange(Number(typed))}>${t('accounts.save')}</button>`;
}

/** Limits as the JSON that the API takes. @param {{ value: string | undefined, busy: boolean, onChange: (limits: any) => void }} props */
function Limits({ value, busy, onChange }) {
  const [typed, setTyped] = useState(value ?? '{}');
  const [wrong, setWrong] = useState(false);
  const save = () => {
    try {
      onChange(JSON.parse(typed));
      setWrong(false);
    } catch {
      setWrong(true);
    }
  };
  return html`<details>
    <summary>${t('accounts.limits')}</summary>
    <label for="limits">${t('accounts.limits_help')}</label>
    <textarea id="limits" spellcheck=${false} aria-invalid=${wrong ? 'true' : undefined} value=${typed} oninput=${(/** @type {any} */ event) => setTyped(event.target.value)}></textarea>
    ${wrong && html`<p class="error" role="alert">${t('accounts.not_json')}</p>`}
    <button type="button" disabled=${busy} onclick=${save}>${t('accounts.save')}</button>
  </details>`;
}

/** @param {{ id: string, onDone: () => void }} props */
function Money({ id, onDone }) {
  const [form, setForm] = useState({ entry: ENTRIES[0], amount: '', note: '', job: '', key: crypto.randomUUID() });
  const { busy, problem, act } = useAct();
  const [said, setSaid] = useState('');
  /** @param {Record<string, string>} values */
  const set = (values) => {
    setSaid('');
    // Another request is another key: the same one sent again, after a broken connection, moves nothing twice
    setForm((before) => ({ ...before, key: crypto.randomUUID(), ...values }));
  };
  /** @param {Event} event */
  const send = async (event) => {
    event.preventDefault();
    const isRefund = form.entry === 'refund';
    const done = await act(() =>
      call('POST', `/v1/admin/accounts/${encodeURIComponent(id)}/credits`, {
        body: {
          entry: form.entry,
          amount: Number(form.amount),
          ...(form.note ? { note: form.note } : {}),
          ...(isRefund ? { job: form.job.trim() } : {}),
        },
        headers: { 'Idempotency-Key': form.key },
      }),
    );
    if (done) {
      set({ amount: '', note: '', job: '' });
      setSaid(t('money.done'));
      onDone();
    }
  };
  const errors = problem?.errors ?? {};
  return html`<section>
    <h2>${t('money.title')}</h2>
    <form onsubmit=${send} class="panel money">
      <div class="field">
        <label for="entry">${t('account.entry')}</label>
        <select id="entry" onchange=${(/** @type {any} */ event) => set({ entry: event.target.value })}>
          ${ENTRIES.map((entry) => html`<option value=${entry} selected=${entry === form.entry}>${t(`entry.${entry}`)}</option>`)}
        </select>
      </div>
      <${Field} name="amount" type="number" label=${t('account.amount')} value=${form.amount} errors=${errors.amount} onChange=${(/** @type {string} */ amount) => set({ amount })} />
      ${form.entry === 'refund' &&
      html`<${Field} name="job" label=${t('account.job')} value=${form.job} errors=${errors.job} onChange=${(/** @type {string} */ job) => set({ job })} />`}
      <${Field} name="note" label=${t('account.note')} value=${form.note} errors=${errors.note} onChange=${(/** @type {string} */ note) => set({ note })} />
      ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
      <button class="first" disabled=${busy || !(Number(form.amount) > 0)}>${t('money.send')}</button>
      <p role="status" class="quiet">${said}</p>
    </form>
  </section>`;
}

/** Whether all the books agree. */
function Books() {
  const { busy, problem, act } = useAct();
  const [check, setCheck] = useState(/** @type {any} */ (null));
  const look = () => act(async () => setCheck(await call('GET', '/v1/admin/ledger/check')));
  const wrong = check && (check.unbalanced_movements || check.wrong_accounts || check.wrong_holds || check.sum);
  return html`<section>
    <h2>${t('books.title')}</h2>
    <button type="button" disabled=${busy} onclick=${look}>${t('books.check')}</button>
    ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    <p role="status" class=${wrong ? 'error' : 'good'}>${check && (wrong ? t('books.wrong', check) : t('books.right'))}</p>
  </section>`;
}

function Audit() {
  const pages = usePages('/v1/admin/audit?limit=50');
  const { busy, problem, act } = useAct();
  const [check, setCheck] = useState(/** @type {any} */ (null));
  const look = () => act(async () => setCheck(await call('GET', '/v1/admin/audit/check')));
  const found =
    check &&
    (check.problem
      ? t('audit.wrong', { problem: check.problem })
      : check.sealed_to === undefined
        ? t('audit.unsealed', { entries: number(check.entries) })
        : t('audit.right', { entries: number(check.entries), sealed: check.sealed_to }));
  return html`<section>
    <h2>${t('audit.title')}</h2>
    <p class="quiet">${t('audit.help')}</p>
    <button type="button" disabled=${busy} onclick=${look}>${t('audit.check')}</button>
    ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    <p role="status" data-check=${check ? (check.problem ? 'wrong' : 'right') : undefined} class=${check?.problem ? 'error' : check ? 'good' : ''}>${found}</p>
    <${PagedTable}
      name=${t('audit.title')} pages=${pages}
      columns=${[
        { name: t('account.at'), of: (/** @type {any} */ row) => time(row.at) },
        { name: t('audit.actor'), of: (/** @type {any} */ row) => row.actor },
        { name: t('audit.action'), of: (/** @type {any} */ row) => row.action },
        { name: t('audit.target'), of: (/** @type {any} */ row) => row.target },
        { name: t('audit.detail'), of: (/** @type {any} */ row) => html`<code>${row.detail}</code>` },
      ]}
    />
  </section>`;
}
