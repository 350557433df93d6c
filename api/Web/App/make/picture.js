// A picture for a request: chosen, dropped or pasted.
import { html, useEffect, useRef, useState } from '../ui.js';
import { t } from '../texts.js';
import { setValues, upload } from './draft.js';
import { Frame } from './frame.js';
import { readParameters } from './parameters.js';

/** @param {import('./fields.js').ControlProps} props */
export function PictureField(props) {
  const { id, kind, value, values, onChange, label, described, isWrong, field } = props;
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [found, setFound] = useState(/** @type {import('./parameters.js').Found | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {File | undefined | null} file */
  const take = async (file) => {
    if (!file) {
      return;
    }

    setBusy(true);
    setProblem('');
    setFound(field.name === 'image' ? await readParameters(file) : null);
    try {
      onChange(await upload(file));
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message);
    } finally {
      setBusy(false);
    }
  };
  /** @param {DragEvent} event */
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files[0]);
  };
  useEffect(() => {
    /** @param {ClipboardEvent} event */
    const paste = (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith('image/'));
      if (file && field.name === 'image') {
        event.preventDefault();
        take(file);
      }
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, []);
  return html`<label for=${id} class=${field.required ? 'needed' : ''}>${label}</label>
    <div
      class=${`drop ${over ? 'over' : ''}`}
      ondragover=${(/** @type {DragEvent} */ event) => (event.preventDefault(), setOver(true))}
      ondragleave=${() => setOver(false)}
      ondrop=${drop}
    >
      ${value && kind !== 'outpaint' && html`<img src=${value.url}
        alt=${t('make.chosen', { width: value.width, height: value.height })} />`}
      ${value && kind === 'outpaint' && html`<${Frame} image=${value} values=${values} />`}
      ${
        found &&
        html`<div class="row">
        <button type="button" onclick=${() => (setValues(found), setFound(null))}>${t('make.take_over')}</button>
        <span class="quiet">${found.prompt}</span>
      </div>`
      }
      <div class="row">
        <input
          id=${id} ref=${input} type="file" accept="image/png,image/jpeg,image/webp" aria-describedby=${described} aria-invalid=${problem
            ? 'true' : isWrong}
          onchange=${() => take(input.current?.files?.[0])}
        />
        ${value && html`<button type="button"
          onclick=${() => (onChange(undefined), input.current && (input.current.value = ''))}>${t('make.take_away')}</button>`}
      </div>
      <p class="quiet">${busy ? t('make.uploading') : t('make.drop')}</p>
    </div>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}`;
}
