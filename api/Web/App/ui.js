// What views are written with: Preact with its hooks and htm, and signals for what several modules share.
import { html, render, useEffect, useMemo, useRef, useState } from './vendor/htm/standalone.module.js';
import { computed, effect, signal } from './vendor/signals-core/signals-core.module.js';

export { computed, effect, html, render, signal, useEffect, useMemo, useRef, useState };

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

let lastId = 0;

/** An id for an element, to be named by its label. @returns {string} */
export const useId = () => useMemo(() => `e${++lastId}`, []);
