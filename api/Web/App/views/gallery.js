// All that was made, the newest first.
import { html, useEffect, useRef, useState, useStill } from '../ui.js';
import { call } from '../api.js';
import { number, t, time } from '../texts.js';
import { Emptiness, usePages, Virtual } from '../paged.js';
import { Output } from '../make/output.js';
import { loadCatalogue } from '../make/catalogue.js';
import { setFromJob } from '../make/draft.js';
import { go } from '../routes.js';

const KINDS = ['text2img', 'img2img', 'inpaint', 'outpaint', 'super-resolution', 'edit', 'controlnet', 'video'];

/**
 * @typedef {{ job: string, index: number, words: string, width: number, height: number, isPicture: boolean, hasSmall: boolean }} Shown
 * What is kept of an output: little, as there may be a hundred thousand.
 */

/** @param {any} job @returns {Shown[]} */
const shownOf = (job) =>
  job.outputs.map((/** @type {any} */ output) => ({
    job: job.id,
    index: output.index,
    words: job.request?.prompt || t(`kinds.${job.kind}`),
    width: output.width,
    height: output.height,
    isPicture: output.content_type.startsWith('image/'),
    hasSmall: Boolean(output.thumbnail_url),
  }));

/** @param {Shown} shown */
const keyOf = ({ job, index }) => `${job}/${index}`;

const addressOf = (/** @type {Shown} */ { job, index }) => `/v1/jobs/${job}/outputs/${index}`;

export default function Gallery() {
  const [filters, setFilters] = useState({ kind: '', prompt: '', created_after: '', created_before: '' });
  const still = useStill(filters, 300);
  const list = usePages('/v1/jobs', { state: 'succeeded', ...asked(still) }, shownOf);
  const [chosen, setChosen] = useState(/** @type {Set<string>} */ (new Set()));
  const [open, setOpen] = useState(-1);
  useEffect(() => void loadCatalogue().catch(() => {}), []);
  /** @param {string} name */
  const field = (name) => (/** @type {any} */ event) => setFilters({ ...filters, [name]: event.target.value });
  /** @param {Shown} shown */
  const toggle = (shown) => {
    const next = new Set(chosen);
    if (!next.delete(keyOf(shown))) {
      next.add(keyOf(shown));
    }

    setChosen(next);
  };
  /** @param {Shown} shown @param {number} index */
  const draw = (shown, index) => html`<div class="thumb">
    <button type="button" onclick=${() => setOpen(index)} aria-label=${t('gallery.open', { words: shown.words })}>
      ${
        shown.hasSmall || shown.isPicture
          ? html`<img src=${shown.hasSmall ? `${addressOf(shown)}/thumbnail` : addressOf(shown)} alt="" loading="lazy" decoding="async" />`
          : html`<span>${shown.words}</span>`
      }
    </button>
    <input type="checkbox" checked=${chosen.has(keyOf(shown))} onchange=${() => toggle(shown)}
      aria-label=${t('gallery.choose', { words: shown.words })} />
  </div>`;
  /** @param {Set<string>} gone jobs whose outputs were deleted */
  const forget = (gone) => {
    list.change((rows) => rows.filter(({ job }) => !gone.has(job)));
    setChosen(new Set());
  };
  const selected = chosen.size === 0 ? [] : list.rows.filter((shown) => chosen.has(keyOf(shown)));
  return html`<h1>${t('views.gallery')}</h1>
    <form class="filters" role="search" onsubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <div>
        <label for="g-words">${t('list.words')}</label>
        <input id="g-words" type="search" value=${filters.prompt} maxlength="200" oninput=${field('prompt')} />
      </div>
      <div>
        <label for="g-kind">${t('make.kind')}</label>
        <select id="g-kind" onchange=${field('kind')}>
          <option value="">${t('list.all')}</option>
          ${KINDS.map((kind) => html`<option value=${kind}>${t(`kinds.${kind}`)}</option>`)}
        </select>
      </div>
      <div><label for="g-from">${t('list.from')}</label><input id="g-from" type="date" value=${filters.created_after}
        onchange=${field('created_after')} /></div>
      <div><label for="g-to">${t('list.to')}</label><input id="g-to" type="date" value=${filters.created_before}
        onchange=${field('created_before')} /></div>
    </form>
    ${selected.length > 0 && html`<${Chosen} selected=${selected}
      onDone=${forget} />`}
    <${Emptiness} ...${list} />
    <${Virtual}
      rows=${list.rows} cell=${160} height=${176} keyOf=${keyOf} draw=${draw} isWhole=${list.isWhole} more=${list.more}
        label=${t('views.gallery')}
    />
    ${
      open >= 0 &&
      list.rows[open] &&
      html`<${Details}
      shown=${list.rows[open]} onClose=${() => setOpen(-1)}
      onStep=${(/** @type {number} */ by) => list.rows[open + by] && setOpen(open + by)}
    />`
    }`;
}

/** @param {Record<string, string>} filters */
const asked = ({ kind, prompt, created_after: from, created_before: to }) => ({
  kind,
  prompt,
  created_after: from && new Date(`${from}T00:00:00`).toISOString(),
  created_before: to && new Date(`${to}T23:59:59.999`).toISOString(),
});

/** What can be done with those that are chosen. @param {{ selected: Shown[], onDone: (jobs: Set<string>) => void }} props */
function Chosen({ selected, onDone }) {
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const jobs = new Set(selected.map(({ job }) => job));
  /** @param {() => Promise<void>} act */
  const trying = async (act) => {
    setBusy(true);
    try {
      await act();
      setProblem('');
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message);
    } finally {
      setBusy(false);
    }
  };
  const remove = () =>
    trying(async () => {
      dialog.current?.close();
      for (const job of jobs) {
        await call('DELETE', `/v1/jobs/${job}/outputs`);
      }

      onDone(jobs);
    });
  return html`<div class="panel row" role="region" aria-label=${t('gallery.chosen', { count: number(selected.length) })}>
    <strong>${t('gallery.chosen', { count: number(selected.length) })}</strong>
    <button type="button" disabled=${busy} onclick=${() => trying(() => saveAsZip(selected))}>${t('gallery.zip')}</button>
    <button type="button" disabled=${busy} onclick=${() => dialog.current?.showModal()}>${t('gallery.delete')}</button>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    <dialog ref=${dialog} aria-labelledby="delete-title">
      <h2 id="delete-title">${t('gallery.delete_title', { count: number(jobs.size) })}</h2>
      <p>${t('gallery.delete_help')}</p>
      <form method="dialog" class="row">
        <button type="button" onclick=${remove}>${t('gallery.delete')}</button>
        <button>${t('gallery.keep')}</button>
      </form>
    </dialog>
  </div>`;
}

/** @param {Shown[]} selected */
async function saveAsZip(selected) {
  const { zipSync } = await import('../vendor/fflate/browser.js');
  /** @type {Record<string, [Uint8Array, { level: 0 }]>} */
  const files = {};
  for (const shown of selected) {
    const answer = await fetch(addressOf(shown));
    if (!answer.ok) {
      throw new Error(t('gallery.gone', { words: shown.words }));
    }

    const type = (answer.headers.get('Content-Type') ?? '').split('/')[1].replace('jpeg', 'jpg');
    // Pictures are compressed already
    files[`${shown.job}-${shown.index}.${type}`] = [new Uint8Array(await answer.arrayBuffer()), { level: 0 }];
  }

  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([zipSync(files)], { type: 'application/zip' }));
  link.download = 'pictures.zip';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * One output, large, with all that is known of it. Arrow keys go on.
 * @param {{ shown: Shown, onClose: () => void, onStep: (by: number) => void }} props
 */
function Details({ shown, onClose, onStep }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [job, setJob] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const abort = new AbortController();
    call('GET', `/v1/jobs/${shown.job}`, { signal: abort.signal }).then(
      setJob,
      (error) => abort.signal.aborted || setProblem(error.message),
    );
    return () => abort.abort();
  }, [shown.job]);
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by && !(event.target instanceof HTMLInputElement)) {
      onStep(by);
    }
  };
  const output = job?.id === shown.job ? job.outputs.find((/** @type {any} */ one) => one.index === shown.index) : null;
  /** @param {number | null} [seed] */
  const again = async (seed) => {
    await setFromJob(job, { seed: seed === undefined ? output.seed : seed });
    go('make');
  };
  return html`<dialog ref=${dialog} class="details" onclose=${onClose} onkeydown=${key} aria-label=${shown.words}>
    <div class="row">
      <button type="button" onclick=${() => onStep(-1)}>${t('gallery.newer')}</button>
      <button type="button" onclick=${() => onStep(1)}>${t('gallery.older')}</button>
      <form method="dialog"><button>${t('output.close')}</button></form>
    </div>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${
      output
        ? html`<${Output} job=${job} output=${output} />
          <div class="row">
            <button type="button" onclick=${() => again()}>${t('run.again')}</button>
            <button type="button" onclick=${() => again(null)}>${t('run.vary')}</button>
            <a class="button" href=${`#/jobs?id=${job.id}`}>${t('gallery.job')}</a>
          </div>
          <${Parameters} job=${job} />`
        : html`<p class="quiet">${t('shell.loading')}</p>`
    }
  </dialog>`;
}

/** Every parameter of a job. @param {{ job: any }} props */
export function Parameters({ job }) {
  const rows = Object.entries({ kind: t(`kinds.${job.kind}`), ...job.request, created_at: time(job.created_at) }).filter(
    ([, value]) => value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return html`<dl class="parameters">
    ${rows.map(([name, value]) => html`<div><dt>${name.replaceAll('_', ' ')}</dt><dd>${typeof value === 'object' ? JSON.stringify(value)
      : String(value)}</dd></div>`)}
  </dl>`;
}
