// Paints a mask on the picture: what is white is made anew. Works with a mouse, a pen, whose pressure is the brush's width, fingers and
// keys.
import { html, onNumber, useEffect, useRef, useState } from '../ui.js';
import { t } from '../texts.js';
import { upload } from './draft.js';

const MOST_UNDO = 30;
const KEY_STEP = 8;

/** @param {import('./fields.js').ControlProps} props */
export function MaskField(props) {
  const { id, label, values, onChange, described } = props;
  const image = values.image;
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const past = useRef(/** @type {ImageData[]} */ ([]));
  const stroke = useRef(/** @type {{ x: number, y: number } | null} */ (null));
  const cursor = useRef({ x: 0, y: 0 });
  const [brush, setBrush] = useState(0.12);
  const [tool, setTool] = useState(/** @type {'paint' | 'erase' | 'move'} */ ('paint'));
  const [zoom, setZoom] = useState(1);
  const [undos, setUndos] = useState(0);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    past.current = [];
    setUndos(0);
  }, [image?.id]);

  if (!image) {
    return html`<label for=${id}>${label}</label><p id=${id} class="quiet">${t('mask.picture_first')}</p>`;
  }

  const context = () => /** @type {CanvasRenderingContext2D} */ (canvas.current?.getContext('2d', { willReadFrequently: true }));
  const remember = () => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (canvas.current);
    past.current = [...past.current, context().getImageData(0, 0, width, height)].slice(-MOST_UNDO);
    setUndos(past.current.length);
  };
  const done = async () => {
    const painted = canvas.current;
    if (!painted) {
      return;
    }

    // White on black, as the API takes it
    const mask = new OffscreenCanvas(painted.width, painted.height);
    const paint = /** @type {OffscreenCanvasRenderingContext2D} */ (mask.getContext('2d'));
    paint.fillRect(0, 0, mask.width, mask.height);
    paint.drawImage(painted, 0, 0);
    try {
      onChange(await upload(await mask.convertToBlob({ type: 'image/png' })));
      setProblem('');
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message);
    }
  };
  /** @param {PointerEvent} event */
  const at = (event) => {
    const box = /** @type {HTMLCanvasElement} */ (canvas.current).getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * image.width, y: ((event.clientY - box.top) / box.height) * image.height };
  };
  /** @param {{ x: number, y: number }} from @param {{ x: number, y: number }} to @param {number} pressure */
  const draw = (from, to, pressure) => {
    const paint = context();
    paint.globalCompositeOperation = tool === 'erase' ? 'destination-out' : 'source-over';
    paint.strokeStyle = '#fff';
    paint.lineCap = 'round';
    paint.lineWidth = Math.max(1, brush * Math.min(image.width, image.height) * pressure);
    paint.beginPath();
    paint.moveTo(from.x, from.y);
    paint.lineTo(to.x, to.y + 0.01);
    paint.stroke();
    paint.globalCompositeOperation = 'source-over';
  };
  /** @param {PointerEvent} event */
  const pressure = (event) => (event.pointerType === 'pen' ? 0.3 + 1.4 * event.pressure : 1);
  /** @param {PointerEvent} event */
  const down = (event) => {
    if (tool === 'move' || event.button !== 0) {
      return;
    }

    event.preventDefault();
    canvas.current?.setPointerCapture(event.pointerId);
    remember();
    stroke.current = at(event);
    draw(stroke.current, stroke.current, pressure(event));
  };
  /** @param {PointerEvent} event */
  const move = (event) => {
    for (const part of stroke.current ? (event.getCoalescedEvents?.() ?? [event]) : []) {
      const to = at(part);
      draw(/** @type {{ x: number, y: number }} */ (stroke.current), to, pressure(part));
      stroke.current = to;
    }
  };
  const up = () => {
    if (stroke.current) {
      stroke.current = null;
      done();
    }
  };
  /** The arrow keys move the brush, space paints. @param {KeyboardEvent} event */
  const key = (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const spot = cursor.current;
    if (way) {
      const step = Math.max(1, Math.min(image.width, image.height) / (100 / KEY_STEP));
      const next = {
        x: Math.min(image.width, Math.max(0, spot.x + way[0] * step)),
        y: Math.min(image.height, Math.max(0, spot.y + way[1] * step)),
      };
      cursor.current = next;
      if (event.shiftKey) {
        remember();
        draw(spot, next, 1);
        done();
      }
    } else if (event.key === ' ') {
      remember();
      draw(spot, spot, 1);
      done();
    } else {
      return;
    }

    event.preventDefault();
  };
  /** @param {(paint: CanvasRenderingContext2D, size: { width: number, height: number }) => void} change */
  const change = (change) => {
    remember();
    const paint = context();
    paint.fillStyle = '#fff';
    change(paint, /** @type {HTMLCanvasElement} */ (canvas.current));
    paint.globalCompositeOperation = 'source-over';
    done();
  };
  const undo = () => {
    const before = past.current.pop();
    setUndos(past.current.length);
    if (before) {
      context().putImageData(before, 0, 0);
      done();
    }
  };
  /** @param {string} name @param {'paint' | 'erase' | 'move'} value */
  const choice = (name, value) =>
    html`<button type="button" aria-pressed=${String(tool === value)} onclick=${() => setTool(value)}>${t(name)}</button>`;
  return html`<fieldset class="mask">
    <legend>${label}</legend>
    <div class="row" role="toolbar" aria-label=${t('mask.tools')}>
      ${choice('mask.paint', 'paint')} ${choice('mask.erase', 'erase')} ${choice('mask.move', 'move')}
      <button type="button" disabled=${undos === 0} onclick=${undo}>${t('mask.undo')}</button>
      <button type="button"
        onclick=${() => change((paint, { width, height }) => paint.fillRect(0, 0, width, height))}>${t('mask.fill')}</button>
      <button type="button" onclick=${() =>
        change((paint, { width, height }) => {
          paint.globalCompositeOperation = 'xor';
          paint.fillRect(0, 0, width, height);
        })}>${t('mask.invert')}</button>
      <button type="button"
        onclick=${() => change((paint, { width, height }) => paint.clearRect(0, 0, width, height))}>${t('mask.clear')}</button>
    </div>
    <div class="row">
      <label for=${`${id}-brush`}>${t('mask.brush')}</label>
      <input id=${`${id}-brush`} type="range" min="0.01" max="0.5" step="0.01" value=${brush} oninput=${onNumber(setBrush)} />
      <label for=${`${id}-zoom`}>${t('mask.zoom')}</label>
      <input id=${`${id}-zoom`} type="range" min="1" max="6" step="0.25" value=${zoom} oninput=${onNumber(setZoom)} />
    </div>
    <div class="canvas" tabindex="0" role="group" aria-label=${t('mask.area')}>
      <div class="layers" style=${{ width: `${zoom * 100}%` }}>
        <img src=${image.url} alt="" />
        <canvas
          id=${id} key=${image.id} ref=${canvas} width=${image.width} height=${image.height} tabindex="0" role="img"
            aria-label=${t('mask.canvas')}
          aria-describedby=${described} class=${tool === 'move' ? 'moving' : ''}
          onpointerdown=${down} onpointermove=${move} onpointerup=${up} onpointercancel=${up} onkeydown=${key}
        ></canvas>
      </div>
    </div>
    <p class="quiet">${t('mask.help')}</p>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
  </fieldset>`;
}
