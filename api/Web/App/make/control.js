// A control picture as the network would be shown it.
import { html, useEffect, useState, useStill } from '../ui.js';
import { t } from '../texts.js';
import { call, Problem } from '../api.js';
import { bodyOf, draft } from './draft.js';

const STILL = 400;

/** What the API must be told, whatever the form has in it; the picture does not depend on it. */
const SOME_PROMPT = '-';

/** @param {{ item: any, index: number }} props the control picture in the draft, and its place there */
export function ControlPreview({ item, index }) {
  const { model, width, height, hires_fix, control } = bodyOf(draft.value);
  const asked = item.image && control?.[index] && { model, width, height, hires_fix, prompt: SOME_PROMPT, control: [control[index]] };
  const text = useStill(asked ? JSON.stringify(asked) : '', STILL);
  const [made, setMade] = useState({ url: '', problem: '' });
  useEffect(() => {
    if (!text) {
      setMade({ url: '', problem: '' });
      return undefined;
    }

    const abort = new AbortController();
    let url = '';
    call('POST', '/v1/controlnet/preview', { body: JSON.parse(text), signal: abort.signal }).then(
      (picture) => {
        url = URL.createObjectURL(picture);
        setMade({ url, problem: '' });
      },
      (problem) => problem instanceof Problem && setMade({ url: '', problem: problem.message }),
    );
    return () => {
      abort.abort();
      URL.revokeObjectURL(url);
    };
  }, [text]);
  return html`<div data-preview=${made.url ? 'made' : undefined}>
    ${
      made.url &&
      html`<p class="quiet">${t('control.preview')}</p>
      <img src=${made.url} alt=${t('control.preview')} />`
    }
    ${made.problem && html`<p class="quiet" role="status">${made.problem}</p>`}
  </div>`;
}
