// Before and after, one over the other, with a line between them that is moved.
import { html, onNumber, useId, useState } from '../ui.js';
import { t } from '../texts.js';

/** @param {{ before: string, after: string, alt: string }} props addresses of two pictures of one aspect */
export function Compare({ before, after, alt }) {
  const id = useId();
  const [share, setShare] = useState(50);
  return html`<div class="compare">
    <img src=${after} alt=${alt} />
    <img src=${before} alt="" style=${{ clipPath: `inset(0 ${100 - share}% 0 0)` }} />
    <label class="unseen" for=${id}>${t('output.compare')}</label>
    <input id=${id} type="range" min="0" max="100" value=${share} oninput=${onNumber(setShare)} />
  </div>`;
}
