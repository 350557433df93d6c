// Jobs as they happen: one signal a job, fed by its events while anybody looks at it.
import { signal, useEffect, useValue } from './ui.js';
import { call, listen } from './api.js';

/**
 * @typedef {object} Followed
 * @property {any} job its document
 * @property {string} [preview] the latest preview, as an address
 */

/** Most streams at once: a browser has six connections to a server where it speaks HTTP/1.1. */
const MOST_STREAMS = 3;

const POLL = 1000;

/** @type {Map<string, { state: { value: Followed | null, peek(): Followed | null }, watchers: number, stop: () => void }>} */
const followed = new Map();
let streams = 0;

export const isOver = (/** @type {any} */ job) => !['queued', 'running'].includes(job.state);

/** A job and its preview, kept up while the component is there. @param {string} id @returns {Followed | null} */
export function useJob(id) {
  const entry = entryOf(id);
  useEffect(() => {
    if (entry.watchers++ === 0) {
      entry.stop = follow(id, entry.state);
    }

    return () => {
      if (--entry.watchers === 0) {
        entry.stop();
        followed.delete(id);
      }
    };
  }, [id]);
  return useValue(entry.state);
}

/** Tells of a job what is known already, as by the answer to its submission. @param {any} job */
export function tell(job) {
  entryOf(job.id).state.value = { job };
}

/** Stops a job. @param {string} id */
export async function cancel(id) {
  const job = await call('POST', `/v1/jobs/${id}/cancel`);
  const state = followed.get(id)?.state;
  if (state) {
    state.value = { ...state.peek(), job };
  }
}

/** @param {string} id */
function entryOf(id) {
  let entry = followed.get(id);
  if (!entry) {
    entry = { state: signal(null), watchers: 0, stop: () => {} };
    followed.set(id, entry);
  }

  return entry;
}

/** @param {string} id @param {{ value: Followed | null, peek(): Followed | null }} state @returns {() => void} */
function follow(id, state) {
  /** @param {any} job */
  const take = (job) => {
    state.value = { ...state.peek(), job };
    if (isOver(job)) {
      stop();
    }
  };
  let stopped = false;
  let close = () => {};
  const stop = () => {
    if (!stopped) {
      stopped = true;
      close();
    }
  };
  const known = state.peek()?.job;
  if (known && isOver(known)) {
    return stop;
  }

  if (streams < MOST_STREAMS) {
    streams++;
    const end = listen(`/v1/jobs/${id}/events`, {
      queued: take,
      started: take,
      finished: take,
      progress: ({ step, steps, preview }) => {
        const now = state.peek();
        if (now) {
          state.value = { job: { ...now.job, state: 'running', progress: { step, steps } }, preview: preview ?? now.preview };
        }
      },
    });
    close = () => {
      streams--;
      end();
    };
  } else {
    const poll = async () => {
      while (!stopped) {
        take(await call('GET', `/v1/jobs/${id}`));
        await new Promise((resolve) => setTimeout(resolve, POLL));
      }
    };
    poll().catch(stop);
  }

  return stop;
}
