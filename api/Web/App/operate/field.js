// A field of a form, with its name and what is wrong with it.
import { html } from '../ui.js';

/**
 * @param {{ name: string, label: string, value: string, type?: string, errors?: string[], onChange: (value: string) => void }} props
 */
export function Field({ name, label, value, type = 'text', errors, onChange }) {
  return html`<div class="field">
    <label for=${name}>${label}</label>
    <input
      id=${name} type=${type} step="any" value=${value} aria-invalid=${errors ? 'true' : undefined} aria-describedby=${errors ? `${name}-error` : undefined}
      oninput=${(/** @type {any} */ event) => onChange(event.target.value)}
    />
    ${errors && html`<p id=${`${name}-error`} class="error">${errors.join(' ')}</p>`}
  </div>`;
}
