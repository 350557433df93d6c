// How a request's fields are shown. A field that is not in the table below is shown all the same, by its type, with the API's description.
import { html, onNumber, onValue, useId, useRef, useState } from '../ui.js';
import { has, number, t } from '../texts.js';
import { catalogue } from './catalogue.js';
import { PictureField } from './picture.js';
import { ControlPreview } from './control.js';
import { MaskField } from './mask.js';
import { Size } from './size.js';
import { Words } from './words.js';

/**
 * @typedef {import('./catalogue.js').Field} Field
 * @typedef {import('./catalogue.js').Model} Model
 * @typedef {object} Shown how a field is shown
 * @property {number} [order] among the fields that are always there; without it a field stands under "more"
 * @property {Function} [as] the component, where the field's type does not say it
 * @property {[number, number, number]} [range] least, most, step: a slider
 * @property {(model: Model, kind: string, values: Record<string, any>) => any} [otherwise] what holds where the field is empty
 * @property {(model: Model, kind: string) => string[]} [choices]
 * @property {Function} [below] what stands below each item of a list, the component
 * @property {(model: Model, kind: string) => boolean} [when] whether the model has a use for it
 */

/** The order from which on fields are settings, below the button. */
const SETTINGS = 30;

/** @type {Record<string, Shown>} */
const known = {
  prompt: { order: 10, as: Words },
  negative_prompt: { order: 11, as: Words },
  image: { order: 1, as: PictureField },
  mask: { order: 2, as: MaskField },
  mask_prompt: { order: 3, when: (model) => model.has_mask_finder },
  control: { order: 4, below: ControlPreview },
  left: { order: 5, range: [0, 512, 8], otherwise: () => 0 },
  right: { order: 6, range: [0, 512, 8], otherwise: () => 0 },
  top: { order: 7, range: [0, 512, 8], otherwise: () => 0 },
  bottom: { order: 8, range: [0, 512, 8], otherwise: () => 0 },
  strength: { order: 20, range: [0.05, 1, 0.05], otherwise: (_, kind) => (kind === 'inpaint' ? 1 : 0.75) },
  image_guidance_scale: { order: 21, range: [1, 5, 0.1], otherwise: () => 1.5 },
  scale: { order: 22, choices: (model) => (model.scale ? ['2', '3', '4'].filter((n) => +n <= model.scale) : ['2', '3', '4']) },
  width: { order: 30, as: Size },
  num_images: { order: 40, range: [1, 4, 1], otherwise: () => 1 },
  num_frames: { order: 41, otherwise: (model) => model.default_frames },
  fps: { order: 42, otherwise: (model) => model.default_fps },
  seed: { order: 50, as: Seed },
  num_inference_steps: { order: 60, otherwise: (model) => model.default_steps },
  guidance_scale: { order: 61, range: [0, 20, 0.5], otherwise: (model) => model.default_guidance_scale },
  scheduler: {
    order: 62,
    choices: () => catalogue.peek().schedulers.map((/** @type {any} */ one) => one.name),
    otherwise: (model) => model.default_scheduler,
  },
  loras: { order: 70, when: (model) => model.loras?.length > 0 },
  'loras.model': { choices: (model) => model.loras ?? [] },
  'loras.scale': { range: [-2, 2, 0.05], otherwise: () => 1 },
  'loras.text_encoder_scale': { range: [-2, 2, 0.05], otherwise: (_model, _kind, values) => values.scale ?? 1 },
  'control.type': { choices: (model) => model.control_types ?? [] },
  'control.preprocessor': { choices: () => ['none', 'canny', 'invert', 'blur', 'tile'] },
  'control.resize_mode': { choices: () => ['crop', 'fit', 'stretch'] },
  'control.scale': { range: [0, 4, 0.05], otherwise: () => 1 },
  'control.start': { range: [0, 1, 0.05], otherwise: () => 0 },
  'control.end': { range: [0, 1, 0.05], otherwise: () => 1 },
  output_format: {
    choices: (_, kind) => (kind === 'video' ? ['mp4', 'webm', 'gif', 'webp', 'zip'] : ['png', 'jpg', 'webp']),
    otherwise: (_, kind) => (kind === 'video' ? 'mp4' : 'png'),
  },
  mask_mode: { choices: () => ['paint_white', 'paint_black', 'paint_transparent'] },
  safety: { choices: () => ['off', 'flag', 'blur', 'black'], when: (model) => model.has_safety_checker },
  vae: { choices: (model) => model.vaes ?? [], when: (model) => model.vaes?.length > 0 },
  refiner: { when: (model) => Boolean(model.refiner) },
  'refiner.model': { choices: (model) => (model.refiner ? [model.refiner] : []), otherwise: (model) => model.refiner },
  'refiner.switch_at': { range: [0.05, 1, 0.05], otherwise: () => 0.8 },
  'hires_fix.scale': { range: [1, 4, 0.25], otherwise: () => 2 },
  'hires_fix.strength': { range: [0.05, 1, 0.05], otherwise: () => 0.5 },
  'hires_fix.upscaler': { choices: (model) => [...(model.upscaler ? [model.upscaler] : []), 'lanczos'] },
  clip_skip: { range: [0, 4, 1], otherwise: () => 0 },
  guidance_rescale: { range: [0, 1, 0.05], otherwise: () => 0 },
  output_quality: { range: [1, 100, 1], otherwise: () => 90 },
  // In the width's
  height: { when: () => false },
  // Chosen above all fields
  model: { when: () => false },
};

/**
 * @param {string} path a field's name, behind that of what it is in
 * @returns {Shown}
 */
const shownAs = (path) => known[path] ?? {};

/**
 * The fields of a kind that a model has a use for: what the picture is made of, what is often set, in order, and the others.
 */
export function fieldsFor(/** @type {Field[]} */ fields, /** @type {Model} */ model, /** @type {string} */ kind) {
  const useful = fields.filter((field) => shownAs(field.name).when?.(model, kind) ?? true);
  const order = (/** @type {Field} */ field) => shownAs(field.name).order ?? 0;
  return {
    main: useful.filter((field) => order(field) > 0 && order(field) < SETTINGS).sort((a, b) => order(a) - order(b)),
    settings: useful.filter((field) => order(field) >= SETTINGS).sort((a, b) => order(a) - order(b)),
    more: useful.filter((field) => order(field) === 0),
  };
}

/** The name of a field in the page's language. @param {string} path */
export const labelOf = (path) => (has(`fields.${path}`) ? t(`fields.${path}`) : (path.split('.').pop() ?? '').replaceAll('_', ' '));

/**
 * @typedef {object} FieldProps
 * @property {Field} field
 * @property {string} path
 * @property {Model} model
 * @property {string} kind
 * @property {any} value
 * @property {Record<string, any>} values of all fields beside it
 * @property {(value: any) => void} onChange
 * @property {(values: Record<string, any>) => void} onChangeAll
 * @property {Record<string, string[]>} errors
 */

/** A field, with its name and what is wrong with it. @param {FieldProps} props */
export function FieldView(props) {
  const { field, path, errors } = props;
  const id = useId();
  const shown = shownAs(path);
  const wrong = errors[props.path] ?? errors[field.name] ?? [];
  const As = shown.as ?? (shown.choices ? Choice : shown.range ? Range : BY_TYPE[field.type]);
  // A field that nobody has named here is shown with what the API says of it
  const help = has(`help.${path}`) ? t(`help.${path}`) : has(`fields.${path}`) || shown.order ? '' : field.description;
  const described = `${wrong.length > 0 ? `${id}-error` : ''} ${help ? `${id}-help` : ''}`.trim() || undefined;
  return html`<div class="field" data-field=${path}>
    <${As} ...${props} id=${id} shown=${shown} label=${labelOf(path)} isWrong=${wrong.length > 0 ? 'true' : undefined}
      described=${described} />
    ${help && html`<p class="quiet" id=${`${id}-help`}>${help}</p>`}
    ${wrong.length > 0 && html`<p class="error" id=${`${id}-error`}>${wrong.join('; ')}</p>`}
  </div>`;
}

/** @typedef {FieldProps & { id: string, shown: Shown, label: string, isWrong?: string, described?: string }} ControlProps */

/** @param {ControlProps} props */
const label = ({ id, label, field }) => html`<label for=${id} class=${field.required ? 'needed' : ''}>${label}</label>`;

/** @param {ControlProps} props */
function Text(props) {
  const { id, value, onChange, isWrong, described } = props;
  return html`${label(props)}
    <input id=${id} value=${value ?? ''} aria-invalid=${isWrong} aria-describedby=${described} oninput=${onValue(onChange)} />`;
}

/** @param {ControlProps} props */
function Amount(props) {
  const { id, field, value, values, onChange, isWrong, described, shown, model, kind } = props;
  return html`${label(props)}
    <input
      id=${id} type="number" inputmode="decimal" step=${field.type === 'integer' ? 1 : 'any'} value=${value ?? ''}
      placeholder=${shown.otherwise?.(model, kind, values) ?? ''} aria-invalid=${isWrong} aria-describedby=${described}
      oninput=${onNumber((amount) => onChange(Number.isNaN(amount) ? undefined : amount))}
    />`;
}

/** @param {ControlProps} props */
function Range(props) {
  const { id, value, values, onChange, isWrong, described, shown, model, kind, field } = props;
  const [least, most, step] = /** @type {[number, number, number]} */ (shown.range);
  const now = value ?? shown.otherwise?.(model, kind, values) ?? least;
  const limit = field.name === 'num_images' ? (model.max_images ?? most) : most;
  return html`${label(props)}
    <div class="range">
      <input
        id=${id} type="range" min=${least} max=${limit} step=${step} value=${now} aria-invalid=${isWrong} aria-describedby=${described}
        oninput=${onNumber(onChange)}
      />
      <output for=${id}>${number(now)}</output>
    </div>`;
}

/** @param {ControlProps} props */
function Choice(props) {
  const { id, field, value, values, onChange, isWrong, described, shown, model, kind } = props;
  const otherwise = shown.otherwise?.(model, kind, values);
  const isNumber = field.type === 'integer' || field.type === 'number';
  return html`${label(props)}
    <select
      id=${id} aria-invalid=${isWrong} aria-describedby=${described}
      onchange=${onValue((chosen) => onChange(chosen === '' ? undefined : isNumber ? +chosen : chosen))}
    >
      <option value="" selected=${value === undefined}>${otherwise ? t('make.otherwise', { value: otherwise })
        : t('make.as_model')}</option>
      ${shown.choices?.(model, kind).map((choice) => html`<option value=${choice} selected=${String(value) === choice}>${choice}</option>`)}
    </select>`;
}

/** @param {ControlProps} props */
function Flag(props) {
  const { id, label: name, value, onChange, described } = props;
  return html`<label class="row" for=${id}>
    <input id=${id} type="checkbox" checked=${value === true} aria-describedby=${described}
      onchange=${(/** @type {any} */ event) => onChange(event.target.checked || undefined)} />
    ${name}
  </label>`;
}

/** Any JSON. @param {ControlProps} props */
function Json(props) {
  const { id, value, onChange, isWrong, described } = props;
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value));
  const [isBad, setBad] = useState(false);
  /** @param {string} written */
  const change = (written) => {
    setText(written);
    try {
      onChange(written.trim() === '' ? undefined : JSON.parse(written));
      setBad(false);
    } catch {
      setBad(true);
    }
  };
  return html`${label(props)}
    <input id=${id} value=${text} aria-invalid=${isBad ? 'true' : isWrong} aria-describedby=${described} placeholder="JSON"
      oninput=${onValue(change)} />`;
}

/** The fields of an object, which is left out while it is closed. @param {ControlProps} props */
function Group(props) {
  const { path, field, value, onChange, model, kind, errors, label: name } = props;
  const isOn = value !== undefined;
  return html`<fieldset>
    <legend class="unseen">${name}</legend>
    <label class="row"><input type="checkbox" checked=${isOn} onchange=${() => onChange(isOn ? undefined : {})} /> ${name}</label>
    ${
      isOn &&
      html`<div class="inner">
      ${field.fields?.map(
        (inner) => html`<${FieldView}
          key=${inner.name} field=${inner} path=${`${path}.${inner.name}`} model=${model} kind=${kind} value=${value[inner.name]}
            values=${value}
          onChange=${(/** @type {any} */ next) => onChange({ ...value, [inner.name]: next })} onChangeAll=${onChange} errors=${errors}
        />`,
      )}
    </div>`
    }
  </fieldset>`;
}

/** A list of objects. @param {ControlProps} props */
function List(props) {
  const { path, field, onChange, model, kind, errors, shown, label: name } = props;
  /** @type {any[]} */
  const items = props.value ?? [];
  // As they are when something changes: a picture may come long after what was chosen beside it
  const latest = useRef(items);
  latest.current = items;
  /** @param {number} index @param {any} changes */
  const put = (index, changes) => onChange(latest.current.map((old, at) => (at === index ? { ...old, ...changes } : old)));
  return html`<fieldset>
    <legend>${name}</legend>
    ${items.map(
      (item, index) => html`<div class="inner" key=${index}>
        ${field.fields?.map(
          (inner) => html`<${FieldView}
            key=${inner.name} field=${inner} path=${`${path}.${inner.name}`} model=${model} kind=${kind} value=${item[inner.name]}
              values=${item}
            onChange=${(/** @type {any} */ next) => put(index, { [inner.name]: next })}
            onChangeAll=${(/** @type {any} */ next) => put(index, next)}
            errors=${{ [`${path}.${inner.name}`]: errors[`${path}[${index}].${inner.name}`] ?? [] }}
          />`,
        )}
        ${shown.below && html`<${shown.below} item=${item} index=${index} />`}
        <button type="button" onclick=${() => onChange(items.filter((_, at) => at !== index))}>${t('make.remove', { name })}</button>
      </div>`,
    )}
    ${
      items.length < (field.most ?? 100) &&
      html`<button type="button" onclick=${() => onChange([...items, {}])}>${t('make.add', { name })}</button>`
    }
  </fieldset>`;
}

/** @param {ControlProps} props */
function Seed(props) {
  const { id, value, onChange, isWrong, described } = props;
  return html`${label(props)}
    <div class="row">
      <input
        id=${id} class="seed" inputmode="numeric" pattern="[0-9]*" value=${value ?? ''} placeholder=${t('make.drawn')}
          aria-invalid=${isWrong} aria-describedby=${described}
        oninput=${onValue((seed) => onChange(/^\d+$/.test(seed) ? Number(seed) : undefined))}
      />
      <button type="button" onclick=${() => onChange(crypto.getRandomValues(new Uint32Array(1))[0])}>${t('make.dice')}</button>
      ${value !== undefined && html`<button type="button" class="plain" onclick=${() => onChange(undefined)}>${t('make.draw')}</button>`}
    </div>`;
}

/** @type {Record<string, Function>} */
const BY_TYPE = {
  string: Text,
  integer: Amount,
  number: Amount,
  boolean: Flag,
  picture: PictureField,
  object: Group,
  list: List,
  json: Json,
};
