// Width and height of what is made.
import { html, onNumber, useMemo, useState } from '../ui.js';
import { t } from '../texts.js';

/** Width and height, which a model has its own likings for. @param {import('./fields.js').ControlProps} props */
export function Size(props) {
  const { id, model, values, onChangeAll, errors, described, isWrong } = props;
  const [isLocked, setLocked] = useState(false);
  const width = values.width;
  const height = values.height;
  const likes = useMemo(() => sizesOf(model), [model]);
  const isPicture = values.image && !width && !height;
  /** @param {'width' | 'height'} side @param {number | undefined} value */
  const change = (side, value) => {
    const [w, h] = [width ?? model.default_width, height ?? model.default_height];
    const other =
      isLocked && value
        ? side === 'width'
          ? { height: fitting(model, (value * h) / w) }
          : { width: fitting(model, (value * w) / h) }
        : {};
    onChangeAll({ ...other, [side]: value });
  };
  return html`<fieldset>
    <legend>${t('fields.size')}</legend>
    <div class="row sizes">
      ${likes.map(
        ([w, h]) => html`<button
          type="button" aria-pressed=${String((width ?? (isPicture ? 0
            : model.default_width)) === w && (height ?? model.default_height) === h)}
          onclick=${() => onChangeAll({ width: w, height: h })}
        >${w} × ${h}</button>`,
      )}
    </div>
    <div class="row">
      <div><label for=${id}>${t('fields.width')}</label>
        <input id=${id} type="number" class="side" min=${model.min_side} max=${model.max_side} step="1" value=${width ?? ''}
          placeholder=${isPicture ? values.image.width : model.default_width} aria-describedby=${described} aria-invalid=${isWrong}
          oninput=${onNumber((side) => change('width', side || undefined))} /></div>
      <div><label for=${`${id}-h`}>${t('fields.height')}</label>
        <input id=${`${id}-h`} type="number" class="side" min=${model.min_side} max=${model.max_side} step="1" value=${height ?? ''}
          placeholder=${isPicture ? values.image.height : model.default_height} aria-invalid=${errors.height ? 'true' : undefined}
          oninput=${onNumber((side) => change('height', side || undefined))} /></div>
      <label class="row"><input type="checkbox" checked=${isLocked} onchange=${() => setLocked(!isLocked)} /> ${t('make.lock')}</label>
      ${(width || height) && html`<button type="button" class="plain"
        onclick=${() => onChangeAll({ width: undefined, height: undefined })}>${t('make.own_size')}</button>`}
    </div>
    ${errors.height && html`<p class="error">${errors.height.join('; ')}</p>`}
  </fieldset>`;
}

/** Sizes of the usual aspects with the model's usual number of pixels. @param {import('./catalogue.js').Model} model @returns {[number, number][]} */
function sizesOf(model) {
  const pixels = model.default_width * model.default_height;
  /** @type {[number, number][]} */
  const sizes = [1, 4 / 3, 3 / 4, 16 / 9, 9 / 16].map((aspect) => [
    fitting(model, Math.sqrt(pixels * aspect)),
    fitting(model, Math.sqrt(pixels / aspect)),
  ]);
  return sizes.filter(([w, h]) => w * h <= model.max_pixels);
}

/** A side that the model makes. @param {import('./catalogue.js').Model} model @param {number} side */
function fitting(model, side) {
  const multiple = Math.max(model.multiple_of, 8);
  return Math.min(model.max_side, Math.max(model.min_side, Math.round(side / multiple) * multiple));
}
