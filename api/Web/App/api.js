// The one place that calls the API. Only what every client may call is called here, by the session's cookie.
import { signal } from './vendor/signals-core/signals-core.module.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const TIME_LIMIT = 60_000;

/** Whether the server answers; where it does not, why, as its problem document says it, or '' where nothing came. */
export const connection = signal({ up: true, reason: '' });

/** Why each call waits that is to be made again. @type {Map<unknown, string>} */
const waiting = new Map();

/** Stands there for those that are not made again, until anything is answered. */
const GIVEN_UP = Symbol('given up');

/** Ends the waits of calls that nothing answered: something was, or the network is back. @type {Set<() => void>} */
const sleepers = new Set();

const wake = () => sleepers.forEach((end) => end());
addEventListener('online', wake);

/** Notes that a call waits, and why. @param {unknown} key @param {string} why */
function noteWait(key, why) {
  waiting.set(key, why);
  tellConnection();
}

/** Notes that a call waits no longer. @param {unknown} key @param {boolean} [isAnswered] */
function noteEnd(key, isAnswered = true) {
  waiting.delete(key);
  if (isAnswered) {
    waiting.delete(GIVEN_UP);
    wake();
  }

  tellConnection();
}

function tellConnection() {
  const [up, reason] = [waiting.size === 0, [...waiting.values()].find((why) => why) ?? ''];
  const before = connection.peek();
  if (before.up !== up || before.reason !== reason) {
    connection.value = { up, reason };
  }
}

/** The server refused a call: its problem document (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{ code?: string, title?: string, detail?: string, errors?: Record<string, string[]> }} document
   * @param {number | null} retryAfter seconds
   */
  constructor(status, document, retryAfter) {
    super(document.detail ?? document.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = document.code ?? `http_${status}`;
    /** For each field at fault what is wrong with it. */
    this.errors = document.errors ?? {};
    this.retryAfter = retryAfter;
  }

  /** Whether the same call may succeed in a moment, with nothing changed. */
  get isPassing() {
    return [502, 503, 504].includes(this.status) && !['kind_unavailable', 'previews_unavailable'].includes(this.code);
  }
}

let whenRefused = () => {};

/** @param {() => void} handler called when a call was refused because the session has ended. */
export const onRefused = (handler) => (whenRefused = handler);

/**
 * Calls the API. While the network or the server is away the call waits and is made again, unless it may not be repeated.
 * @param {string} method
 * @param {string} path
 * @param {{ body?: object | Blob, signal?: AbortSignal, headers?: Record<string, string>, once?: boolean }} [options]
 *   once: the call is not made again; it fails where it cannot be made now.
 * @returns {Promise<any>} the answer's JSON; null where it has none; a picture as a Blob
 * @throws {Problem}
 */
export async function call(method, path, options = {}) {
  const key = {};
  try {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        const answer = await callOnce(method, path, options);
        noteEnd(key);
        return answer;
      } catch (error) {
        if (options.signal?.aborted) {
          throw error;
        }

        const isProblem = error instanceof Problem;
        if (isProblem && !error.isPassing) {
          noteEnd(key);
          if (error.status === 401 && !path.startsWith('/v1/session')) {
            whenRefused();
          }

          throw error;
        }

        noteWait(options.once ? GIVEN_UP : key, isProblem ? error.message : '');
        if (options.once) {
          throw error;
        }

        await still(Math.max(pause, 1000 * ((isProblem && error.retryAfter) || 0)), options.signal, !isProblem);
      }
    }
  } finally {
    noteEnd(key, false);
  }
}

/**
 * Listens to the events of a path until it is told to stop. A connection that is lost is made again.
 * @param {string} path
 * @param {Record<string, (data: any) => void>} handlers by the event's name
 * @returns {() => void} stops listening
 */
export function listen(path, handlers) {
  let stopped = false;
  let pause = FIRST_PAUSE;
  /** @type {EventSource | undefined} */
  let source;
  const open = () => {
    if (stopped) {
      return;
    }

    source = new EventSource(path);
    source.onopen = () => {
      pause = FIRST_PAUSE;
      noteEnd(source);
    };
    // The browser itself comes back after a broken connection, and gives up where it was refused
    source.onerror = async () => {
      if (stopped || source?.readyState !== EventSource.CLOSED) {
        return;
      }

      source.close();
      await still((pause = Math.min(2 * pause, LONGEST_PAUSE)));
      // Says to whoever looks after it why it was refused
      await call('GET', path.replace(/\/events$/, '')).then(open, () => {});
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(/** @type {MessageEvent} */ (event).data)));
    }
  };
  open();
  return () => {
    stopped = true;
    source?.close();
  };
}

/** @param {string} method @param {string} path @param {Parameters<typeof call>[2]} options */
async function callOnce(method, path, { body, signal, headers } = {}) {
  const isFile = body instanceof Blob;
  const limit = AbortSignal.timeout(TIME_LIMIT);
  const answer = await fetch(path, {
    method,
    body: body === undefined || isFile ? body : JSON.stringify(body),
    headers: {
      Accept: 'application/json',
      'X-Generation-Session': '1',
      ...(body === undefined ? {} : { 'Content-Type': isFile ? body.type : 'application/json' }),
      ...headers,
    },
    credentials: 'same-origin',
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  if (answer.ok && answer.headers.get('Content-Type')?.startsWith('image/')) {
    return answer.blob();
  }

  const text = await answer.text();
  const json = /json/.test(answer.headers.get('Content-Type') ?? '') && text ? JSON.parse(text) : null;
  if (!answer.ok) {
    throw new Problem(answer.status, json ?? {}, Number(answer.headers.get('Retry-After')) || null);
  }

  return json;
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @param {boolean} [mayWake] whether the wait ends as soon as anything is answered
 * @returns {Promise<void>}
 */
const still = (milliseconds, signal, mayWake = false) =>
  new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      sleepers.delete(end);
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const abort = () => {
      clearTimeout(timer);
      sleepers.delete(end);
      reject(signal?.reason);
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
    if (mayWake) {
      sleepers.add(end);
    }
  });
