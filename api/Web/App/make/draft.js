// What is being made up: the kind, the model and the fields' values. It outlives a look at another view, and all but its pictures a reload.
import { effect, signal } from '../ui.js';
import { call } from '../api.js';
import { catalogue, loadCatalogue } from './catalogue.js';

const KEPT = 'draft';
const MOST_SHOWN = 40;

/**
 * @typedef {{ id: string, url: string, width: number, height: number }} Picture an upload, with an address to show it
 * @typedef {{ kind: string, model: string, values: Record<string, any> }} Draft
 */

/** Whether a field's value is a picture, or has one in it. @param {any} value */
export const hasPicture = (value) => /"url":"blob:/.test(JSON.stringify(value) ?? '');

/** @type {import('../vendor/signals-core/signals-core.module.js').Signal<Draft>} */
export const draft = signal({ kind: 'text2img', model: '', values: {}, ...JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') });

effect(() => {
  const { kind, model, values } = draft.value;
  const kept = Object.entries(values).filter(([, value]) => !hasPicture(value));
  sessionStorage.setItem(KEPT, JSON.stringify({ kind, model, values: Object.fromEntries(kept) }));
});

/** Changes some values; undefined and '' take one away. @param {Record<string, any>} values */
export function setValues(values) {
  draft.value = { ...draft.peek(), values: { ...draft.peek().values, ...values } };
}

/** @param {string} kind */
export function setKind(kind) {
  draft.value = { ...draft.peek(), kind };
}

/** The models that do a kind. @param {string} kind */
export const modelsOf = (kind) => catalogue.value?.models.filter((model) => model.kinds.includes(kind)) ?? [];

/** The chosen model, or the first that does the kind. */
export function modelOf({ kind, model } = draft.value) {
  const models = modelsOf(kind);
  return models.find(({ name }) => name === model) ?? models.find(({ available }) => available) ?? models[0];
}

/** The draft as a request's body: the values of those fields that its kind has. @returns {Record<string, any>} */
export function bodyOf({ kind, model, values } = draft.value) {
  const fields = catalogue.value?.kinds.find(({ name }) => name === kind)?.fields ?? [];
  const body = cleaned(fields, values);
  const chosen = modelOf({ kind, model, values });
  return chosen ? { ...body, model: chosen.name } : body;
}

/** @param {import('./catalogue.js').Field[]} fields @param {Record<string, any>} values @returns {Record<string, any>} */
function cleaned(fields, values) {
  /** @type {Record<string, any>} */
  const body = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined || value === null || value === '') {
      continue;
    }

    if (field.type === 'picture') {
      body[field.name] = value.id;
    } else if (field.type === 'list') {
      const items = value.map((/** @type {any} */ item) => cleaned(field.fields ?? [], item));
      if (items.length > 0) {
        body[field.name] = items;
      }
    } else if (field.type === 'object') {
      body[field.name] = cleaned(field.fields ?? [], value);
    } else {
      body[field.name] = value;
    }
  }

  return body;
}

/** Uploads on their way. @type {Set<Promise<unknown>>} */
const pending = new Set();

/** The pictures that were uploaded from this page, by their files' hashes, with the address to show each. @type {Map<string, string>} */
const shown = new Map();

/** The picture that a job began with, where it was uploaded from this page. @param {any} job @returns {string | undefined} */
export const beginningOf = (job) => shown.get(job.request?.image?.sha256);

/** Waits until what was painted last is uploaded. */
export const uploaded = () => Promise.allSettled([...pending]);

/** Uploads a picture. @param {Blob} file @returns {Promise<Picture>} */
export function upload(file) {
  const sent = call('POST', '/v1/uploads', { body: file }).then(({ id, width, height, sha256 }) => {
    const url = URL.createObjectURL(file);
    shown.set(sha256, url);
    // The oldest are let go, for the memory that they take
    for (const [hash, old] of [...shown].slice(0, -MOST_SHOWN)) {
      URL.revokeObjectURL(old);
      shown.delete(hash);
    }

    return { id, width, height, url };
  });
  pending.add(sent);
  const forget = () => pending.delete(sent);
  sent.then(forget, forget);
  return sent;
}

/**
 * Takes over how a job was made, as far as the fields are the same.
 * @param {any} job
 * @param {{ seed?: number | null }} [options] another seed; null: drawn anew
 */
export async function setFromJob(job, { seed } = {}) {
  if (!catalogue.peek()) {
    await loadCatalogue();
  }

  const request = job.request ?? {};
  const fields = catalogue.peek()?.kinds.find((/** @type {any} */ kind) => kind.name === job.kind)?.fields ?? [];
  /** @type {Record<string, any>} */
  const values = {};
  for (const { name, type } of fields) {
    const value = request[name];
    const isEmpty = value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
    if (type !== 'picture' && type !== 'json' && !isEmpty) {
      values[name] = value;
    }
  }

  if (seed !== undefined) {
    values.seed = seed ?? undefined;
  }

  draft.value = { kind: job.kind, model: job.model, values: { ...picturesOf(draft.peek().values), ...values } };
}

/** @param {Record<string, any>} values */
const picturesOf = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => hasPicture(value)));

/** Takes a job's output as the picture to begin with. @param {string} kind @param {string} job @param {number} index */
export async function setFromOutput(kind, job, index) {
  const answer = await fetch(`/v1/jobs/${job}/outputs/${index}`);
  const image = await upload(await answer.blob());
  draft.value = { ...draft.peek(), kind, values: { ...draft.peek().values, image, mask: undefined, width: undefined, height: undefined } };
}
