// The page's words. A language is a file in texts/ that has the same names as texts/en.js.

const LANGUAGES = ['en', 'de'];

/** The language of the page: the first of the browser's that there is. */
export const language = navigator.languages.map((tag) => tag.split('-')[0]).find((tag) => LANGUAGES.includes(tag)) ?? 'en';

/** @type {Record<string, string>} */
let texts = {};

/** Loads the words of the browser's language. */
export async function loadTexts() {
  texts = (await import(`./texts/${language}.js`)).default;
  document.documentElement.lang = language;
}

/**
 * A text, with the values in place of their names in braces.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export const t = (name, values = {}) => (texts[name] ?? name).replace(/\{(\w+)\}/g, (_, value) => String(values[value] ?? ''));

/**
 * What the API says in English, in the page's language where it comes with a code that there is a text for.
 * @param {string} sentence
 * @param {{ code: string, values: Record<string, string> } | undefined} notice
 */
export const said = (sentence, notice) => {
  const { code = '', values = {} } = notice ?? {};
  const field = values.field && has(`fields.${values.field}`) ? t(`fields.${values.field}`) : values.field;
  return has(`notice.${code}`) ? t(`notice.${code}`, { ...values, field }) : sentence;
};

/** Whether there is a text of this name. @param {string} name */
export const has = (name) => name in texts;

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export const number = (value, options) => new Intl.NumberFormat(language, options).format(value);

/** @param {string | number | Date} value */
export const time = (value) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(value));

/** A span of time in words: 3 s, 2 min. @param {number} seconds */
export const span = (seconds) =>
  seconds < 90
    ? number(seconds, { style: 'unit', unit: 'second', maximumFractionDigits: seconds < 10 ? 1 : 0 })
    : seconds < 5400
      ? number(seconds / 60, { style: 'unit', unit: 'minute', maximumFractionDigits: 0 })
      : number(seconds / 3600, { style: 'unit', unit: 'hour', maximumFractionDigits: 1 });
