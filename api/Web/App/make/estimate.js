// What the draft would cost, and what is wrong with it, while it is made up.
import { html, useEffect, useState, useStill } from '../ui.js';
import { number, said, span, t } from '../texts.js';
import { call, Problem } from '../api.js';

const STILL = 400;

/**
 * Asks for the estimate whenever the request has been still for a moment.
 * @param {string} kind @param {Record<string, any>} body
 * @param {boolean} isWhole whether it has all that every request of the kind must have
 * @returns {{ estimate: any, errors: Record<string, string[]> }} the errors are those of fields that have a value
 */
export function useEstimate(kind, body, isWhole) {
  const text = useStill(isWhole ? JSON.stringify({ kind, body }) : '', STILL);
  const [found, setFound] = useState({ estimate: null, errors: {} });
  useEffect(() => {
    if (!text) {
      setFound({ estimate: null, errors: {} });
      return undefined;
    }

    const asked = JSON.parse(text);
    const abort = new AbortController();
    call('POST', `/v1/${asked.kind}/estimate`, { body: asked.body, signal: abort.signal }).then(
      (estimate) => setFound({ estimate, errors: {} }),
      (problem) => {
        if (problem instanceof Problem) {
          const errors = Object.entries(problem.errors).filter(([name]) => asked.body[name.split(/[.[]/)[0]] !== undefined);
          setFound({ estimate: null, errors: Object.fromEntries(errors) });
        }
      },
    );
    return () => abort.abort();
  }, [text]);
  return found;
}

/** @param {{ estimate: any }} props */
export const Estimate = ({ estimate }) =>
  html`<p class="estimate" role="status">
    ${
      estimate &&
      html`${t('estimate.cost', { cost: number(estimate.cost, { maximumFractionDigits: 3 }) })}${' '}
    ${estimate.waiting_reason ? said(estimate.waiting_reason, estimate.waiting_notice) : (estimate.eta_seconds === undefined ? t('estimate.unknown')
      : t('estimate.eta', { time: span(estimate.eta_seconds) }))}
    ${estimate.warnings?.map(
      (/** @type {string} */ warning, /** @type {number} */ i) => html`<br />⚠ ${said(warning, estimate.warning_notices?.[i])}`,
    )}`
    }
  </p>`;
