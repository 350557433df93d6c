// A job that was asked for here: how far it is, and what it made.
import { html, useState } from '../ui.js';
import { has, number, said, span, t } from '../texts.js';
import { cancel, isOver, tell, useJob } from '../jobs.js';
import { call } from '../api.js';
import { go } from '../routes.js';
import { Output } from './output.js';
import { setFromJob } from './draft.js';

/** @param {{ id: string }} props */
export function Run({ id }) {
  const followed = useJob(id);
  const [problem, setProblem] = useState('');
  if (!followed) {
    return html`<article class="panel run"><p class="quiet">${t('shell.loading')}</p></article>`;
  }

  const { job, preview } = followed;
  /** @param {() => Promise<unknown>} act */
  const trying = (act) => () =>
    act().then(
      () => setProblem(''),
      (/** @type {Error} */ error) => setProblem(error.message),
    );
  const words = job.request?.prompt || t(`kinds.${job.kind}`);
  return html`<article class="panel run" aria-label=${words} data-job=${id} data-state=${job.state}>
    <h2>${words}</h2>
    <p role="status">${stateOf(job)}</p>
    ${
      !isOver(job) &&
      html`<progress max=${job.progress?.steps ?? 1} value=${job.progress ? job.progress.step : undefined}
        aria-label=${t('run.progress')}></progress>
      ${preview && html`<img class="preview" src=${preview} alt=${t('run.preview')} />`}
      <div class="row">
        <button type="button" disabled=${job.cancel_requested} onclick=${trying(() => cancel(id))}>${t('run.cancel')}</button>
      </div>`
    }
    ${job.error && html`<${Failure} error=${job.error} />`}
    ${job.warnings?.map(
      (/** @type {string} */ warning, /** @type {number} */ i) => html`<p class="quiet">⚠ ${said(warning, job.warning_notices?.[i])}</p>`,
    )}
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    <div class="outputs">
      ${job.outputs.map((/** @type {any} */ output) => html`<${Output} key=${output.index} job=${job} output=${output} />`)}
    </div>
    ${
      isOver(job) &&
      html`<div class="row">
      <button type="button" onclick=${() => again(job)}>${t('run.again')}</button>
      ${job.request?.seed !== undefined && html`<button type="button" onclick=${() => again(job, null)}>${t('run.vary')}</button>`}
    </div>`
    }
  </article>`;
}

/**
 * Why a job failed: what its code means, and the system's own sentence, which is in English.
 * @param {{ error: { code: string, detail: string } }} props
 */
export const Failure = ({ error }) =>
  html`<p class="error">${has(`errors.${error.code}`) ? t(`errors.${error.code}`) : t('errors.other')}</p>
    <p class="quiet" lang="en">${error.detail}</p>`;

/** Fills the form as the job was made. @param {any} job @param {number | null} [seed] */
async function again(job, seed) {
  await setFromJob(job, { seed });
  go('make');
  scrollTo({ top: 0 });
}

/** How a job stands, in words. @param {any} job */
export function stateOf(job) {
  switch (job.state) {
    case 'queued':
      return job.waiting_reason
        ? said(job.waiting_reason, job.waiting_notice)
        : t('run.queued', {
            position: job.position ?? '?',
            eta: job.eta_seconds === undefined ? '' : t('run.eta', { time: span(job.eta_seconds) }),
          });
    case 'running':
      return job.progress ? t('run.step', { step: job.progress.step, steps: job.progress.steps }) : t('run.running');
    case 'succeeded':
      return t('run.succeeded', {
        time: span((Date.parse(job.finished_at) - Date.parse(job.started_at ?? job.created_at)) / 1000),
        cost: number(job.cost.charged, { maximumFractionDigits: 3 }),
      });
    default:
      return t(`states.${job.state}`);
  }
}

/**
 * Submits a request; a call that is repeated because its answer was lost makes no second job.
 * @param {string} kind @param {Record<string, any>} body @returns {Promise<string>} the job's id
 */
export async function submit(kind, body) {
  const job = await call('POST', `/v1/${kind}`, { body, headers: { 'Idempotency-Key': crypto.randomUUID() } });
  tell(job);
  return job.id;
}
