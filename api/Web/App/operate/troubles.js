// What is wrong with the system, in words, with what to do about it.
import { span, t } from '../texts.js';

/** A worker reports every two seconds. */
const LATE_SECONDS = 10;

/** A job that waits longer than this, with workers that could run it, waits for too long. */
const LONG_WAIT_SECONDS = 600;

/** From so many ended jobs on, a share of failures tells something. */
const ENOUGH_JOBS = 10;

const MANY_FAILURES = 0.2;

/**
 * @param {any} load the answer of /v1/system/load
 * @param {any[]} workers those of /v1/admin/workers
 * @param {any} history that of /v1/admin/history
 * @param {number} now in milliseconds
 * @returns {{ name: string, text: string }[]} the worst first
 */
export function troubles(load, workers, history, now = Date.now()) {
  const found = [];
  for (const [model, figures] of Object.entries(load?.models ?? {})) {
    if (figures.paused) {
      found.push({ name: `paused-${model}`, text: t('trouble.paused', { model, jobs: figures.queued }) });
    } else if (figures.queued > 0 && figures.workers === 0) {
      found.push({ name: `no-worker-${model}`, text: t('trouble.no_worker', { model, jobs: figures.queued }) });
    } else if ((figures.oldest_queued_seconds ?? 0) > LONG_WAIT_SECONDS) {
      found.push({ name: `long-wait-${model}`, text: t('trouble.long_wait', { model, wait: span(figures.oldest_queued_seconds) }) });
    }
  }

  if (workers && !workers.some((worker) => worker.live)) {
    found.push({ name: 'no-workers', text: t('trouble.no_workers') });
  }

  for (const worker of workers ?? []) {
    const age = (now - Date.parse(worker.last_seen)) / 1000;
    if (!worker.live && age > LATE_SECONDS) {
      found.push({ name: `gone-${worker.id}`, text: t('trouble.gone', { worker: worker.id, age: span(age) }) });
    } else if (worker.draining) {
      found.push({ name: `drained-${worker.id}`, text: t('trouble.drained', { worker: worker.id }) });
    }
  }

  const succeeded = sum(history?.points, 'succeeded');
  const failed = sum(history?.points, 'failed');
  if (succeeded + failed >= ENOUGH_JOBS && failed / (succeeded + failed) > MANY_FAILURES) {
    const [reason] = Object.entries(history.failures).sort(([, a], [, b]) => b - a)[0] ?? ['?'];
    found.push({ name: 'failures', text: t('trouble.failures', { failed, all: succeeded + failed, reason }) });
  }

  return found;
}

/** @param {any[] | undefined} points @param {string} name */
export const sum = (points, name) => (points ?? []).reduce((total, point) => total + (point[name] ?? 0), 0);
