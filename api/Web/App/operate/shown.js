// What is shown once.
import { html, useState } from '../ui.js';
import { t } from '../texts.js';

/** A secret that is shown this once. @param {{ label: string, value: string }} props */
export function Shown({ label, value }) {
  const [copied, setCopied] = useState(false);
  return html`<div role="status" class="shown">
    ${value &&
    html`<p>${label}</p>
      <p class="row">
        <code class="secret">${value}</code>
        <button type="button" onclick=${() => navigator.clipboard.writeText(value).then(() => setCopied(true), () => setCopied(false))}>
          ${t(copied ? 'shown.copied' : 'shown.copy')}
        </button>
      </p>`}
  </div>`;
}
