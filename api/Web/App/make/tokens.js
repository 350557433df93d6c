// How much of a prompt the model reads: asked while it is written.
import { html, useEffect, useState, useStill } from '../ui.js';
import { number, t } from '../texts.js';
import { call } from '../api.js';

const STILL = 400;

/** So much is shown of what is not read, in characters. */
const MOST_SHOWN = 200;

/**
 * @typedef {object} Count how one text encoder reads the prompt
 * @property {string} tokenizer clip or t5
 * @property {number} limit
 * @property {{ tokens: number, chunks: number[], cut?: { text: string } }} read
 */

/**
 * Counts the tokens of a prompt whenever it has been still for a moment; nothing while the answer is of other words.
 * @param {string} model @param {string} field prompt or negative_prompt @param {string} words @param {number | undefined} steps
 * @returns {Count[]} one for each text encoder that counts differently
 */
export function useTokens(model, field, words, steps) {
  const text = useStill(words.trim() ? JSON.stringify({ model, body: { [field]: words, num_inference_steps: steps } }) : '', STILL);
  const [found, setFound] = useState({ text: '', counts: /** @type {Count[]} */ ([]) });
  useEffect(() => {
    if (!text) {
      return undefined;
    }

    const asked = JSON.parse(text);
    const abort = new AbortController();
    call('POST', `/v1/models/${encodeURIComponent(asked.model)}/tokens`, { body: asked.body, signal: abort.signal }).then(
      ({ encoders }) => setFound({ text, counts: differing(encoders, field) }),
      // What is wrong with the prompt is said by its estimate
      () => setFound({ text, counts: [] }),
    );
    return () => abort.abort();
  }, [text]);
  return found.text === text ? found.counts : [];
}

/** @param {any[]} encoders @param {string} field @returns {Count[]} */
function differing(encoders, field) {
  const counts = encoders
    .filter((encoder) => encoder.counted)
    .map((encoder) => ({ tokenizer: encoder.tokenizer, limit: encoder.limit, read: encoder[field] }));
  const seen = new Set();
  return counts.filter((count) => {
    const key = JSON.stringify([count.limit, count.read]);
    return !seen.has(key) && seen.add(key);
  });
}

/**
 * The count below a prompt's field, and what is cut of it or how it is read in parts, which is read out once it is so.
 * @param {{ id: string, counts: Count[] }} props
 */
export function Tokens({ id, counts }) {
  const named = counts.length > 1;
  const name = (/** @type {Count} */ { tokenizer }) => (named ? `${t(`tokens.${tokenizer}`)}: ` : '');
  return html`<p class="quiet tokens" id=${id}>
      ${counts
        .map((count) => name(count) + t('tokens.count', { tokens: number(count.read.tokens), limit: number(count.limit) }))
        .join(' · ')}
    </p>
    <div class="tokens" role="status">
      ${counts.map((count) => html`<${Note} key=${count.tokenizer} count=${count} name=${name(count)} />`)}
    </div>`;
}

/** @param {{ count: Count, name: string }} props */
function Note({ count, name }) {
  const { limit, read } = count;
  if (read.cut) {
    const { text } = read.cut;
    return html`<p class="cut">⚠ ${name}${t('tokens.cut')} <q>${text.slice(0, MOST_SHOWN)}${text.length > MOST_SHOWN ? '…' : ''}</q></p>`;
  }

  return read.chunks.length > 1
    ? html`<p class="quiet">${name}${t('tokens.chunks', {
        limit: number(limit),
        count: number(read.chunks.length),
        parts: read.chunks.map((tokens) => number(tokens)).join(' + '),
      })}</p>`
    : null;
}
