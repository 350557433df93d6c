// Makes pictures and clips: one form for every kind, and what was made with it.
import { html, signal, useEffect, useState, useValue } from '../ui.js';
import { t } from '../texts.js';
import { Problem } from '../api.js';
import { catalogue, loadCatalogue } from '../make/catalogue.js';
import { bodyOf, draft, modelOf, modelsOf, setKind, setValues, uploaded } from '../make/draft.js';
import { fieldsFor, FieldView } from '../make/fields.js';
import { Estimate, useEstimate } from '../make/estimate.js';
import { CopyAs } from '../make/code.js';
import { Presets } from '../make/presets.js';
import { Run, submit } from '../make/run.js';

/** What was asked for on this page, the newest first. @type {{ value: string[], peek(): string[] }} */
const runs = signal([]);

/** Older ones are in the gallery. */
const MOST_RUNS = 20;

/** How often it is looked which models there are. */
const MODELS_MILLISECONDS = 10_000;

export default function Make() {
  const known = useValue(catalogue);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const load = () =>
      loadCatalogue().then(
        () => setProblem(''),
        (error) => setProblem(error.message),
      );
    load();
    const timer = setInterval(() => document.visibilityState === 'visible' && load(), MODELS_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);
  return html`<h1>${t('views.make')}</h1>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${
      !known
        ? html`<p class="quiet">${t('shell.loading')}</p>`
        : known.kinds.length === 0
          ? html`<p>${t('make.no_models')}</p>`
          : html`<div class="make"><${Form} /><${Runs} /></div>`
    }`;
}

function Form() {
  const { kinds } = useValue(catalogue);
  const made = useValue(draft);
  const kind = kinds.find((/** @type {any} */ one) => one.name === made.kind) ?? kinds[0];
  const model = modelOf({ ...made, kind: kind.name });
  const body = bodyOf({ ...made, kind: kind.name });
  const { estimate, errors: soft } = useEstimate(
    kind.name,
    body,
    kind.fields.every((/** @type {any} */ field) => !field.required || body[field.name] !== undefined),
  );
  const [refused, setRefused] = useState(/** @type {Problem | null} */ (null));
  const [busy, setBusy] = useState(false);
  const { main, settings, more } = fieldsFor(kind.fields, model, kind.name);
  const errors = { ...soft, ...refused?.errors };

  /** @param {Event} event */
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    setRefused(null);
    try {
      await uploaded();
      const id = await submit(kind.name, bodyOf({ ...draft.peek(), kind: kind.name }));
      runs.value = [id, ...runs.peek()].slice(0, MOST_RUNS);
    } catch (error) {
      setRefused(error instanceof Problem ? error : new Problem(0, { detail: /** @type {Error} */ (error).message }, null));
      requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('.make [aria-invalid]'))?.focus());
    } finally {
      setBusy(false);
    }
  };
  /** @param {Record<string, any>} values */
  const change = (values) => {
    setValues(values);
    setRefused(null);
  };
  /** @param {import('../make/catalogue.js').Field} field */
  const view = (field) => html`<${FieldView}
    key=${field.name} field=${field} path=${field.name} model=${model} kind=${kind.name} value=${made.values[field.name]}
      values=${made.values}
    onChange=${(/** @type {any} */ value) => change({ [field.name]: value })} onChangeAll=${change} errors=${errors}
  />`;
  /** Control and enter send from anywhere in the form. @param {KeyboardEvent} event */
  const key = (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      send(event);
    }
  };
  return html`<form class="panel form" onsubmit=${send} onkeydown=${key} novalidate>
    <fieldset class="choice kinds">
      <legend class="unseen">${t('make.kind')}</legend>
      ${kinds.map(
        (/** @type {any} */ { name }) => html`<label>
          <input type="radio" class="unseen" name="kind" value=${name} checked=${name === kind.name}
            onchange=${() => (setKind(name), setRefused(null))} />
          <span class="button">${t(`kinds.${name}`)}</span>
        </label>`,
      )}
    </fieldset>
    <div class="field">
      <label for="model">${t('fields.model')}</label>
      <select id="model" onchange=${(/** @type {any} */ event) => (draft.value = { ...draft.peek(), model: event.target.value })}>
        ${modelsOf(kind.name).map(
          ({ name, available }) =>
            html`<option value=${name} selected=${name === model?.name}>${name}${available ? '' : ` (${t('make.no_worker')})`}</option>`,
        )}
      </select>
      <p class="quiet">${model?.description}</p>
      ${model?.paused && html`<p class="quiet" role="status">${t('make.paused')}</p>`}
    </div>
    <${Presets} />
    ${main.map(view)}
    <div class="send">
      <${Estimate} estimate=${estimate} />
      ${refused && html`<p class="error" role="alert">${refused.message}</p>`}
      <div class="row">
        <button class="first" disabled=${busy}>${busy ? t('make.sending') : t('make.send')}</button>
        <${CopyAs} kind=${kind.name} body=${() => bodyOf({ ...draft.peek(), kind: kind.name })} />
      </div>
    </div>
    ${settings.map(view)}
    <details>
      <summary>${t('make.more')}</summary>
      ${more.map(view)}
    </details>
  </form>`;
}

function Runs() {
  const ids = useValue(runs);
  return html`<section class="runs" aria-label=${t('make.made')}>
    ${ids.length === 0 ? html`<p class="quiet panel">${t('make.none')}</p>` : ids.map((id) => html`<${Run} key=${id} id=${id} />`)}
  </section>`;
}
