// What the whole system does, and what operators do about it.
import { html, useState } from '../ui.js';
import { call } from '../api.js';
import { has, number, span, t, time } from '../texts.js';
import { go } from '../routes.js';
import { useAct } from '../operate/act.js';
import { Chart } from '../operate/chart.js';
import { sum, troubles } from '../operate/troubles.js';
import { useWatched } from '../operate/watch.js';

const LOAD_MILLISECONDS = 1000;
const WORKERS_MILLISECONDS = 2000;
const HISTORY_MILLISECONDS = 10_000;
const RANGES = ['15m', '2h', '24h', '7d', '30d'];

/** @param {{ params: Record<string, string> }} props range and model are in the address */
export default function Operations({ params }) {
  const range = RANGES.includes(params.range) ? params.range : RANGES[0];
  const model = params.model ?? '';
  const load = useWatched('/v1/system/load', LOAD_MILLISECONDS);
  const workers = useWatched('/v1/admin/workers', WORKERS_MILLISECONDS);
  const history = useWatched(
    `/v1/admin/history?${new URLSearchParams(model ? { range, model } : { range })}`,
    HISTORY_MILLISECONDS,
  );
  const problem = load.problem || workers.problem || history.problem;
  return html`<h1>${t('views.operations')}</h1>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    <${Wrong} list=${load.data && workers.data ? troubles(load.data, workers.data.data, history.data) : null} />
    ${load.data && html`<${Now} total=${load.data.total} />`}
    ${load.data && html`<${Models} models=${load.data.models} again=${load.again} />`}
    ${workers.data && html`<${Workers} list=${workers.data.data} again=${workers.again} />`}
    <${JobActions} />
    <${Past} range=${range} model=${model} history=${history.data} />`;
}

/** @param {{ list: { name: string, text: string }[] | null }} props */
function Wrong({ list }) {
  return html`<section aria-label=${t('operate.wrong')} role="status" class="wrong">
    ${list?.length === 0 && html`<p class="good">${t('trouble.none')}</p>`}
    ${list && list.length > 0 && html`<ul>${list.map(({ name, text }) => html`<li key=${name} class="error">${text}</li>`)}</ul>`}
  </section>`;
}

/** @param {{ total: any }} props */
function Now({ total }) {
  /** @type {[string, string][]} */
  const figures = [
    ['queued', number(total.queued)],
    ['running', number(total.running)],
    ['workers', number(total.workers)],
    ['slots', `${number(total.slots - total.free_slots)} / ${number(total.slots)}`],
    ['throughput', number(total.throughput_per_minute)],
    ['wait', total.wait_seconds === undefined ? '–' : span(total.wait_seconds)],
    ['oldest', total.oldest_queued_seconds === undefined ? '–' : span(total.oldest_queued_seconds)],
  ];
  return html`<dl class="figures">
    ${figures.map(([name, value]) => html`<div class="panel" key=${name}><dt>${t(`operate.${name}`)}</dt><dd data-figure=${name}>${value}</dd></div>`)}
  </dl>`;
}

/** @param {{ models: Record<string, any>, again: () => void }} props */
function Models({ models, again }) {
  const { busy, problem, act } = useAct();
  const rows = Object.entries(models).sort(([, a], [, b]) => b.queued - a.queued || b.running - a.running);
  /** @param {string} name @param {boolean} isPaused */
  const turn = (name, isPaused) =>
    act(async () => {
      await call('POST', `/v1/admin/models/${encodeURIComponent(name)}/${isPaused ? 'resume' : 'pause'}`);
      again();
    });
  return html`<section>
    <h2>${t('operate.models')}</h2>
    <p class="quiet">${t('model.pause_help')}</p>
    ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label=${t('operate.models')}>
      <table>
        <thead>
          <tr>${['model', 'queued', 'running', 'slots', 'throughput', 'run_seconds', 'wait', 'oldest', 'state'].map((name) => html`<th scope="col">${t(`operate.${name}`)}</th>`)}</tr>
        </thead>
        <tbody>
          ${rows.map(
            ([name, one]) => html`<tr key=${name} data-model=${name} data-state=${one.paused ? 'paused' : 'open'}>
              <th scope="row">${name}</th>
              <td>${number(one.queued)}</td>
              <td>${number(one.running)}</td>
              <td>${number(one.slots - one.free_slots)} / ${number(one.slots)}</td>
              <td>${number(one.throughput_per_minute)}</td>
              <td>${one.run_seconds === undefined ? '–' : span(one.run_seconds)}</td>
              <td>${one.wait_seconds === undefined ? '–' : span(one.wait_seconds)}</td>
              <td>${one.oldest_queued_seconds === undefined ? '–' : span(one.oldest_queued_seconds)}</td>
              <td>
                <span class="row nowrap">
                  <button type="button" disabled=${busy} onclick=${() => turn(name, one.paused)}>
                    ${t(one.paused ? 'model.resume' : 'model.pause')}<span class="unseen"> ${name}</span>
                  </button>
                  ${one.paused && html`<span class="badge draining">${t('model.paused')}</span>`}
                </span>
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** @param {{ list: any[], again: () => void }} props */
function Workers({ list, again }) {
  const [problem, setProblem] = useState('');
  /** @param {any} worker */
  const drain = (worker) => async () => {
    try {
      await call('POST', `/v1/admin/workers/${encodeURIComponent(worker.id)}/${worker.draining ? 'undrain' : 'drain'}`);
      setProblem('');
      again();
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message);
    }
  };
  return html`<section>
    <h2>${t('operate.workers')}</h2>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${list.length === 0 && html`<p class="quiet">${t('trouble.no_workers')}</p>`}
    <ul class="workers">
      ${list.map(
        (worker) => html`<li class="panel" key=${worker.id} data-worker=${worker.id} data-state=${stateOf(worker)}>
          <h3>${worker.id} <span class="badge ${stateOf(worker)}">${t(`worker.${stateOf(worker)}`)}</span></h3>
          <p class="quiet">
            ${[worker.info?.device, worker.info?.dtype, worker.info?.host, worker.info?.version].filter(Boolean).join(' · ')}
          </p>
          <dl class="pairs">
            <dt>${t('operate.running')}</dt><dd>${number(worker.running)} / ${number(worker.slots)}</dd>
            <dt>${t('worker.memory')}</dt><dd>${worker.info?.memory_bytes ? `${number(worker.info.memory_bytes / 2 ** 30, { maximumFractionDigits: 1 })} GiB` : '–'}</dd>
            <dt>${t('worker.loaded')}</dt><dd>${worker.loaded.join(', ') || '–'}</dd>
            <dt>${t('worker.seen')}</dt><dd>${time(worker.last_seen)}</dd>
            <dt>${t('worker.kernels')}</dt><dd>${worker.info?.kernels ?? '–'}</dd>
            <dt>${t('worker.clips')}</dt><dd>${worker.info?.clips ?? '–'}</dd>
          </dl>
          <button type="button" onclick=${drain(worker)}>${t(worker.draining ? 'worker.undrain' : 'worker.drain')}</button>
          <p class="quiet">${t(worker.draining ? 'worker.undrain_help' : 'worker.drain_help')}</p>
        </li>`,
      )}
    </ul>
  </section>`;
}

/** @param {any} worker */
const stateOf = (worker) => (!worker.live ? 'gone' : worker.draining ? 'draining' : 'live');

/** Acts on one job of any account, by its id. */
function JobActions() {
  const [id, setId] = useState('');
  const [said, setSaid] = useState({ text: '', isError: false });
  /** @param {'requeue' | 'cancel'} act */
  const act = (act) => async () => {
    try {
      const job = await call('POST', `/v1/admin/jobs/${encodeURIComponent(id.trim())}/${act}`);
      setSaid({ text: t(`operate.said_${act}`, { state: t(`states.${job.state}`) }), isError: false });
    } catch (error) {
      setSaid({ text: /** @type {Error} */ (error).message, isError: true });
    }
  };
  return html`<section>
    <h2>${t('operate.job')}</h2>
    <div class="row">
      <label for="job-id">${t('operate.job_id')}</label>
      <input id="job-id" value=${id} autocomplete="off" spellcheck=${false} oninput=${(/** @type {any} */ event) => setId(event.target.value)} />
      <button type="button" disabled=${!id.trim()} onclick=${act('requeue')}>${t('operate.requeue')}</button>
      <button type="button" disabled=${!id.trim()} onclick=${act('cancel')}>${t('operate.cancel')}</button>
    </div>
    <p role="status" class=${said.isError ? 'error' : 'quiet'}>${said.text}</p>
  </section>`;
}

/** @param {{ range: string, model: string, history: any }} props */
function Past({ range, model, history }) {
  const points = history?.points ?? [];
  const at = points.map((/** @type {any} */ point) => point.at);
  /** @param {string} name */
  const values = (name) => points.map((/** @type {any} */ point) => point[name]);
  /** Ends counted in a step, for each minute of it. @param {string} name */
  const rate = (name) => points.map((/** @type {any} */ point) => (point[name] * 60) / history.step_seconds);
  /** @param {...string} names */
  const lines = (...names) => names.map((name) => ({ name: t(`operate.${name}`), values: values(name) }));
  return html`<section>
    <h2>${t('operate.past')}</h2>
    <div class="row">
      <fieldset class="choice">
        <legend class="unseen">${t('operate.range')}</legend>
        ${RANGES.map(
          (one) => html`<label key=${one}>
            <input type="radio" class="unseen" name="range" checked=${one === range} onchange=${() => go('operations', model ? { range: one, model } : { range: one })} />
            <span class="button">${t(`range.${one}`)}</span>
          </label>`,
        )}
      </fieldset>
      <label for="of-model" class="unseen">${t('operate.model')}</label>
      <select id="of-model" class="seed" onchange=${(/** @type {any} */ event) => go('operations', event.target.value ? { range, model: event.target.value } : { range })}>
        <option value="">${t('operate.all_models')}</option>
        ${(history?.models ?? []).map((/** @type {string} */ name) => html`<option value=${name} selected=${name === model}>${name}</option>`)}
      </select>
    </div>
    ${history &&
    html`<div class="charts">
        <${Chart} title=${t('operate.jobs')} at=${at} lines=${[...lines('queued', 'running'), { name: t('operate.places'), values: values('slots') }]} />
        <${Chart}
          title=${t('operate.ended')} at=${at}
          lines=${['succeeded', 'failed', 'cancelled'].map((name) => ({ name: t(`operate.${name}`), values: rate(name) }))}
        />
        <${Chart} title=${t('operate.times')} at=${at} lines=${lines('run_seconds_p50', 'run_seconds_p95', 'oldest_queued_seconds')} show=${span} />
      </div>
      <dl class="figures">
        ${['succeeded', 'failed', 'cancelled', 'expired'].map(
          (name) => html`<div class="panel" key=${name}><dt>${t(`operate.${name}`)}</dt><dd>${number(sum(points, name))}</dd></div>`,
        )}
        <div class="panel"><dt>${t('operate.charged')}</dt><dd>${number(sum(points, 'charged'), { maximumFractionDigits: 2 })}</dd></div>
        ${Object.entries(history.run_seconds ?? {}).map(
          ([name, seconds]) => html`<div class="panel" key=${name}><dt>${t(`operate.${name}`)}</dt><dd>${span(/** @type {number} */ (seconds))}</dd></div>`,
        )}
      </dl>
      <${Failures} failures=${history.failures} />`}
  </section>`;
}

/** @param {{ failures: Record<string, number> }} props */
function Failures({ failures }) {
  const rows = Object.entries(failures).sort(([, a], [, b]) => b - a);
  return rows.length === 0
    ? null
    : html`<h3>${t('operate.failures')}</h3>
        <table>
          <thead><tr><th scope="col">${t('operate.reason')}</th><th scope="col">${t('operate.jobs')}</th></tr></thead>
          <tbody>
            ${rows.map(
              ([code, jobs]) => html`<tr key=${code}>
                <th scope="row">${has(`failure.${code}`) ? t(`failure.${code}`) : code}</th>
                <td>${number(jobs)}</td>
              </tr>`,
            )}
          </tbody>
        </table>`;
}
