// A prompt.
import { html, onValue, useRef, useState } from '../ui.js';
import { t } from '../texts.js';
import { Tokens, useTokens } from './tokens.js';

/** What the API takes of a prompt, in characters. */
const LONGEST = 4000;

/** @param {import('./fields.js').ControlProps} props */
export function Words(props) {
  const { id, value, onChange, isWrong, described, field, label, model, values } = props;
  const counts = useTokens(model.name, field.name, value ?? '', values.num_inference_steps);
  const countId = `${id}-tokens`;
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  /** Puts a name where the cursor is, apart from the words beside it. @param {string} name */
  const insert = (name) => {
    const element = /** @type {HTMLTextAreaElement} */ (area.current);
    const before = element.value.slice(0, element.selectionStart);
    const after = element.value.slice(element.selectionEnd);
    element.setRangeText(
      `${/(^|[\s(])$/.test(before) ? '' : ' '}${name}${/^($|[\s,.)])/.test(after) ? '' : ' '}`,
      element.selectionStart,
      element.selectionEnd,
      'end',
    );
    onChange(element.value);
    element.focus();
  };
  return html`<label for=${id} class=${field.required ? 'needed' : ''}>${label}</label>
    <textarea
      id=${id} ref=${area} rows=${field.name === 'prompt' ? 4 : 2} value=${value ?? ''} required=${field.required} aria-invalid=${isWrong}
      aria-describedby=${`${described ?? ''} ${countId}`.trim()} maxlength=${LONGEST} oninput=${onValue(onChange)}
    ></textarea>
    <${Tokens} id=${countId} counts=${counts} />
    ${model.embeddings?.length > 0 && html`<${Embeddings} names=${model.embeddings} of=${label} onChoose=${insert} />`}`;
}

/**
 * The model's textual inversions, which act where a prompt has their names.
 * @param {{ names: string[], of: string, onChoose: (name: string) => void }} props of: the name of the prompt's field
 */
function Embeddings({ names, of, onChoose }) {
  const [chosen, setChosen] = useState(names[0]);
  const name = names.includes(chosen) ? chosen : names[0];
  return html`<div class="row pick">
    <select aria-label=${t('make.embedding', { field: of })} onchange=${onValue(setChosen)}>
      ${names.map((one) => html`<option value=${one} selected=${one === name}>${one}</option>`)}
    </select>
    <button type="button" onclick=${() => onChoose(name)}>${t('make.insert')}<span class="unseen"> ${t('make.embedding', { field: of })}</span></button>
  </div>`;
}
