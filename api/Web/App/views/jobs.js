// The account's jobs: how each stands, what became of it, and what it cost.
import { html, onValue, useEffect, useRef, useState, useStill } from '../ui.js';
import { call } from '../api.js';
import { has, number, span, t, time } from '../texts.js';
import { Emptiness, usePages, Virtual } from '../paged.js';
import { cancel, isOver, useJob } from '../jobs.js';
import { Failure, stateOf } from '../make/run.js';
import { Output } from '../make/output.js';
import { loadCatalogue } from '../make/catalogue.js';
import { setFromJob } from '../make/draft.js';
import { go } from '../routes.js';
import { Parameters } from './gallery.js';

const STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired'];

/** How often the newest are looked at anew. */
const LOOK = 3000;

/** @param {any} job what is kept of a job */
const rowOf = (job) => [
  {
    id: job.id,
    kind: job.kind,
    state: job.state,
    model: job.model,
    words: job.request?.prompt ?? '',
    at: job.created_at,
    cost: job.cost.charged,
  },
];

/** @param {{ params: Record<string, string> }} props */
export default function Jobs({ params }) {
  const [filters, setFilters] = useState({ state: params.state ?? '', prompt: '' });
  const still = useStill(filters, 300);
  const list = usePages('/v1/jobs', still, rowOf);
  useEffect(() => void loadCatalogue().catch(() => {}), []);
  useEffect(() => {
    const timer = setInterval(async () => {
      if (document.visibilityState !== 'visible') {
        return;
      }

      const query = new URLSearchParams(Object.entries({ ...still, limit: '100' }).filter(([, value]) => value)).toString();
      const { data } = await call('GET', `/v1/jobs?${query}`, { once: true }).catch(() => ({ data: [] }));
      list.change((rows) => {
        const fresh = new Map(data.flatMap(rowOf).map((/** @type {any} */ row) => [row.id, row]));
        const kept = rows.map((row) => {
          const now = fresh.get(row.id) ?? row;
          fresh.delete(row.id);
          return now;
        });
        return [...fresh.values(), ...kept].sort((a, b) => (a.at < b.at ? 1 : -1));
      });
    }, LOOK);
    return () => clearInterval(timer);
  }, [JSON.stringify(still)]);
  /** @param {ReturnType<typeof rowOf>[0]} row */
  const draw = (row) => html`<a class="job" href=${`#/jobs?id=${row.id}`} data-state=${row.state}>
    <span class=${`state ${row.state}`}>${t(`state.${row.state}`)}</span>
    <span class="words">${row.words || t(`kinds.${row.kind}`)}</span>
    <span class="quiet">${row.model} · ${time(row.at)}</span>
  </a>`;
  return html`<h1>${t('views.jobs')}</h1>
    <form class="filters" role="search" onsubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <div>
        <label for="j-state">${t('jobs.state')}</label>
        <select id="j-state" onchange=${onValue((state) => setFilters({ ...filters, state }))}>
          <option value="">${t('list.all')}</option>
          ${STATES.map((state) => html`<option value=${state} selected=${state === filters.state}>${t(`state.${state}`)}</option>`)}
        </select>
      </div>
      <div>
        <label for="j-words">${t('list.words')}</label>
        <input id="j-words" type="search" maxlength="200" value=${filters.prompt}
          oninput=${onValue((prompt) => setFilters({ ...filters, prompt }))} />
      </div>
    </form>
    <${Emptiness} ...${list} />
    <${Virtual} rows=${list.rows} cell=${0} height=${72} keyOf=${(/** @type {any} */ row) => row.id} draw=${draw} isWhole=${list.isWhole}
      more=${list.more} label=${t('views.jobs')} />
    ${params.id && html`<${Details} key=${params.id} id=${params.id} />`}`;
}

/** One job, over the list. @param {{ id: string }} props */
function Details({ id }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [lines, setLines] = useState(/** @type {any[]} */ ([]));
  const [deliveries, setDeliveries] = useState(/** @type {any[]} */ ([]));
  const [problem, setProblem] = useState('');
  const [first, setFirst] = useState(/** @type {any} */ (null));
  const job = useJob(id)?.job ?? first;
  useEffect(() => {
    dialog.current?.showModal();
    call('GET', `/v1/jobs/${id}`).then(setFirst, (error) => setProblem(error.message));
  }, []);
  useEffect(() => {
    // The newest lines are where a job's are, unless much was done since
    call('GET', '/v1/account/transactions?limit=100').then(
      ({ data }) => setLines(data.filter((/** @type {any} */ line) => line.job === id).reverse()),
      () => {},
    );
    call('GET', `/v1/webhooks/deliveries?job=${id}&limit=100`).then(
      ({ data }) => setDeliveries(data),
      () => {},
    );
  }, [job?.state]);
  return html`<dialog ref=${dialog} class="details" onclose=${() => go('jobs')} aria-labelledby="job-title">
    <form method="dialog"><button>${t('output.close')}</button></form>
    <h2 id="job-title">${t('jobs.one')}</h2>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${
      job &&
      html`<p role="status"><span class=${`state ${job.state}`}>${t(`state.${job.state}`)}</span> ${stateOf(job)}</p>
      ${
        job.error &&
        html`<${Failure} error=${job.error} />`
      }
      <div class="row">
        ${!isOver(job) && html`<button type="button"
          onclick=${() => cancel(id).catch((error) => setProblem(error.message))}>${t('run.cancel')}</button>`}
        <button type="button"
          onclick=${() => setFromJob(job).then(() => go('make'), (error) => setProblem(error.message))}>${t('jobs.again')}</button>
      </div>
      <h3>${t('jobs.timeline')}</h3>
      <${Timeline} job=${job} deliveries=${deliveries} />
      <div class="outputs">${job.outputs.map((/** @type {any} */ output) => html`<${Output} key=${output.index} job=${job}
        output=${output} />`)}</div>
      ${
        lines.length > 0 &&
        html`<h3>${t('jobs.money')}</h3>
        <ul>
          ${lines.map((line) => html`<li>${time(line.at)}: ${has(`entries.${line.entry}`) ? t(`entries.${line.entry}`)
            : line.entry} ${number(line.amount, { maximumFractionDigits: 6 })}</li>`)}
        </ul>`
      }
      <h3>${t('jobs.parameters')}</h3>
      <p class="quiet">${id}</p>
      <${Parameters} job=${job} />`
    }
  </dialog>`;
}

/** What happened when. @param {{ job: any, deliveries: any[] }} props */
function Timeline({ job, deliveries }) {
  const events = [
    { at: job.created_at, text: t('jobs.submitted') },
    job.started_at && { at: job.started_at, text: t('jobs.started', { attempt: job.attempt }) },
    job.progress && { at: '', text: t('run.step', job.progress) },
    job.finished_at && { at: job.finished_at, text: t(`state.${job.state}`) },
    job.outputs_deleted_at && { at: job.outputs_deleted_at, text: t('jobs.deleted') },
    ...deliveries.map((one) => ({
      at: one.delivered_at ?? one.last_attempt_at ?? one.created_at,
      text: t(one.delivered_at ? 'jobs.told' : 'jobs.not_told', { event: one.event, status: one.last_status ?? one.last_error ?? '' }),
    })),
  ].filter(Boolean);
  let before = job.created_at;
  return html`<ol class="timeline">
    ${events.map(({ at, text }) => {
      const passed = at ? (Date.parse(at) - Date.parse(before)) / 1000 : 0;
      before = at || before;
      return html`<li>${text} ${at && html`<span class="quiet">${time(at)}${passed > 0 ? ` (+${span(passed)})` : ''}</span>`}</li>`;
    })}
  </ol>`;
}
