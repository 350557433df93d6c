// What views are written with: Preact with its hooks and htm, and signals for what several modules share.
import { h, render } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import htm from './vendor/htm/htm.module.js';
import { computed, effect, signal } from './vendor/signals-core/signals-core.module.js';

/** Markup with components: html`<${View} name=${value} />`. */
const html = htm.bind(h);

export { computed, effect, html, render, signal, useEffect, useLayoutEffect, useMemo, useRef, useState };

/**
 * The value of a signal; the component is drawn anew when it changes.
 * @template T
 * @param {{ value: T, peek(): T }} source
 * @returns {T}
 */
export function useValue(source) {
  const [, draw] = useState({});
  useEffect(() => effect(() => (source.value, draw({}))), [source]);
  return source.peek();
}

/**
 * A signal that tells only when a value has been still for some time.
 * @template T
 * @param {T} value
 * @param {number} milliseconds
 * @returns {T}
 */
export function useStill(value, milliseconds) {
  const [still, setStill] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setStill(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return still;
}

/**
 * A handler that passes on what a field has in it.
 * @param {(value: string) => unknown} take
 */
export const onValue = (take) => (/** @type {any} */ event) => take(event.target.value);

/**
 * A handler that passes on the number in a field; NaN where it has none.
 * @param {(value: number) => unknown} take
 */
export const onNumber = (take) => (/** @type {any} */ event) => take(event.target.valueAsNumber);

let lastId = 0;

/** An id for an element, to be named by its label. @returns {string} */
export const useId = () => useMemo(() => `e${++lastId}`, []);
