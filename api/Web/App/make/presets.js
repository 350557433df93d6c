// Presets: what the form has in it, but pictures, kept under a name in this browser. One whose prompt has {prompt} in it is a style: it is
// laid around the words that are there.
import { html, onValue, signal, useEffect, useRef, useState, useValue } from '../ui.js';
import { t } from '../texts.js';
import { session } from '../session.js';
import { draft, hasPicture } from './draft.js';

/** @typedef {{ name: string, kind: string, model: string, values: Record<string, any> }} Preset */

const MOST = 200;
const LONGEST_NAME = 100;
const LARGEST_FILE = 1 << 20;
const WORDS = '{prompt}';

/** @type {import('../vendor/signals-core/signals-core.module.js').Signal<Preset[]>} */
const presets = signal([]);

/** Each account of this browser has its own. */
const place = () => `presets.${session.peek()?.account_id}`;

function load() {
  try {
    presets.value = presetsOf(JSON.parse(localStorage.getItem(place()) ?? '[]'));
  } catch {
    presets.value = [];
  }
}

/** @param {Preset[]} list @throws {Error} the browser keeps no more */
function keep(list) {
  const sorted = [...list].sort((a, b) => a.name.localeCompare(b.name));
  if (sorted.length > MOST) {
    throw new Error(t('presets.too_many', { most: MOST }));
  }

  try {
    localStorage.setItem(place(), JSON.stringify(sorted));
  } catch {
    throw new Error(t('presets.full'));
  }

  presets.value = sorted;
}

/** What of a file, or of what was kept, is presets. @param {any} found @returns {Preset[]} @throws {Error} */
function presetsOf(found) {
  const isPreset = (/** @type {any} */ one) =>
    typeof one?.name === 'string' &&
    one.name.length > 0 &&
    one.name.length <= LONGEST_NAME &&
    typeof one.kind === 'string' &&
    typeof one.model === 'string' &&
    one.values?.constructor === Object &&
    ['prompt', 'negative_prompt'].every((words) => ['string', 'undefined'].includes(typeof one.values[words]));
  if (!Array.isArray(found) || found.length > MOST || !found.every(isPreset)) {
    throw new Error(t('presets.no_file', { most: MOST }));
  }

  return found.map(({ name, kind, model, values }) => ({ name, kind, model, values }));
}

/** Lays a preset over the draft; pictures stay. @param {Preset} preset */
function use({ kind, model, values }) {
  const now = draft.peek().values;
  const kept = Object.fromEntries(Object.entries(now).filter(([, value]) => hasPicture(value)));
  const laid = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      ['prompt', 'negative_prompt'].includes(name) ? value.replace(WORDS, () => now[name] ?? '') : value,
    ]),
  );
  // A style says nothing of the words that it is laid around
  const words = values.prompt === undefined && now.prompt !== undefined ? { prompt: now.prompt } : {};
  draft.value = { kind, model, values: { ...kept, ...words, ...laid } };
}

export function Presets() {
  const list = useValue(presets);
  const who = useValue(session);
  const [chosen, setChosen] = useState('');
  const [name, setName] = useState('');
  const [said, setSaid] = useState({ text: '', isError: false });
  const file = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(load, [who?.account_id]);
  const preset = list.find((one) => one.name === chosen);
  /** @param {string} text what is said when it is done @param {() => void | Promise<void>} what */
  const act = (text, what) => async () => {
    try {
      await what();
      setSaid({ text, isError: false });
    } catch (error) {
      setSaid({ text: /** @type {Error} */ (error).message, isError: true });
    }
  };
  /** @param {string} title @param {Omit<Preset, 'name'>} preset @param {string[]} replaced */
  const put = (title, { kind, model, values }, replaced) => {
    keep([...presets.peek().filter((one) => !replaced.includes(one.name)), { name: title, kind, model, values }]);
    setChosen(title);
  };
  const title = name.trim();
  const save = act(t('presets.saved'), () => {
    const { kind, model, values } = draft.peek();
    const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== '' && !hasPicture(value));
    put(title, { kind, model, values: Object.fromEntries(kept) }, [title]);
  });
  const rename = act(t('presets.renamed'), () => preset && put(title, preset, [title, preset.name]));
  const remove = act(t('presets.removed'), () => {
    keep(list.filter((one) => one !== preset));
    setChosen('');
  });
  const take = act(t('presets.used'), () => preset && use(preset));
  const read = act(t('presets.taken'), async () => {
    const given = file.current?.files?.[0];
    if (!given) {
      return;
    }

    if (given.size > LARGEST_FILE) {
      throw new Error(t('presets.no_file', { most: MOST }));
    }

    let found;
    try {
      found = JSON.parse(await given.text());
    } catch {
      throw new Error(t('presets.no_file', { most: MOST }));
    }

    const taken = presetsOf(found);
    keep([...presets.peek().filter((one) => !taken.some((other) => other.name === one.name)), ...taken]);
  });
  const give = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(presets.peek(), null, 2)], { type: 'application/json' }));
    link.download = 'presets.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return html`<details class="presets">
    <summary>${t('presets.title')}</summary>
    <p class="quiet">${t('presets.help', { words: WORDS })}</p>
    ${
      list.length > 0 &&
      html`<label for="preset">${t('presets.one')}</label>
      <div class="row pick">
        <select id="preset" onchange=${onValue((value) => (setChosen(value), setName(value)))}>
          <option value="" selected=${!preset}>${t('presets.none')}</option>
          ${list.map((one) => html`<option value=${one.name} selected=${one === preset}>${one.name}</option>`)}
        </select>
        <button type="button" disabled=${!preset} onclick=${take}>${t('presets.use')}</button>
        <button type="button" disabled=${!preset} onclick=${remove}>${t('presets.remove')}</button>
      </div>`
    }
    <label for="preset-name">${t('presets.name')}</label>
    <div class="row pick">
      <input id="preset-name" value=${name} maxlength=${LONGEST_NAME} autocomplete="off" oninput=${onValue(setName)} />
      <button type="button" disabled=${!title} onclick=${save}>${t('presets.save')}</button>
      <button type="button" disabled=${!preset || !title || title === chosen} onclick=${rename}>${t('presets.rename')}</button>
    </div>
    <div class="row">
      <button type="button" disabled=${list.length === 0} onclick=${give}>${t('presets.export')}</button>
      <label class="button" for="preset-file">${t('presets.import')}</label>
      <input id="preset-file" ref=${file} class="unseen" type="file" accept="application/json,.json" onchange=${read} />
    </div>
    <p role="status" class=${said.isError ? 'error' : 'quiet'}>${said.text}</p>
  </details>`;
}
