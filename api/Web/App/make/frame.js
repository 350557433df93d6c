// The picture in a frame whose edges are dragged outwards: what is between them is painted.
import { html, useRef } from '../ui.js';
import { t } from '../texts.js';
import { setValues } from './draft.js';

const SIDES = /** @type {const} */ (['left', 'right', 'top', 'bottom']);
const STEP = 8;
const MOST = 512;

/** @param {{ image: import('./draft.js').Picture, values: Record<string, number | undefined> }} props */
export function Frame({ image, values }) {
  const area = useRef(/** @type {HTMLElement | null} */ (null));
  const dragged = useRef(/** @type {{ side: string, from: number, value: number, scale: number } | null} */ (null));
  const [left, right, top, bottom] = SIDES.map((side) => values[side] ?? 0);
  const width = image.width + left + right;
  const height = image.height + top + bottom;
  /** @param {PointerEvent} event @param {string} side @param {number} value */
  const down = (event, side, value) => {
    event.preventDefault();
    /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
    const scale = width / (area.current?.clientWidth || width);
    dragged.current = { side, value, scale, from: side === 'left' || side === 'right' ? event.clientX : event.clientY };
  };
  /** @param {PointerEvent} event */
  const move = (event) => {
    const drag = dragged.current;
    if (drag) {
      const isWide = drag.side === 'left' || drag.side === 'right';
      const way = drag.side === 'left' || drag.side === 'top' ? -1 : 1;
      const moved = way * ((isWide ? event.clientX : event.clientY) - drag.from) * drag.scale;
      setValues({ [drag.side]: Math.min(MOST, Math.max(0, Math.round((drag.value + moved) / STEP) * STEP)) });
    }
  };
  return html`<div class="frame" ref=${area} style=${{ aspectRatio: `${width} / ${height}` }} aria-hidden="true">
    <img
      src=${image.url} alt=""
      style=${{
        left: `${(left / width) * 100}%`,
        top: `${(top / height) * 100}%`,
        width: `${(image.width / width) * 100}%`,
        height: `${(image.height / height) * 100}%`,
      }}
    />
    ${SIDES.map(
      (side, index) => html`<div
        class=${`edge ${side}`} title=${t(`fields.${side}`)}
          onpointerdown=${(/** @type {PointerEvent} */ event) => down(event, side, [left, right, top, bottom][index])}
        onpointermove=${move} onpointerup=${() => (dragged.current = null)} onpointercancel=${() => (dragged.current = null)}
      ></div>`,
    )}
  </div>`;
}
