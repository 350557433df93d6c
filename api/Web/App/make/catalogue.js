// What can be made here: models and schedulers as the API lists them, and each kind's fields as the API's description has them.
import { signal } from '../ui.js';
import { call } from '../api.js';

/**
 * @typedef {object} Field a field of a request
 * @property {string} name
 * @property {string} type string, integer, number, boolean, picture, object, list or json
 * @property {boolean} required
 * @property {string} description in English, as the API describes it
 * @property {Field[]} [fields] of an object, or of a list's items
 * @property {number} [most] items of a list
 *
 * @typedef {object} Kind
 * @property {string} name
 * @property {Field[]} fields
 *
 * @typedef {Record<string, any> & { name: string, kinds: string[], available: boolean }} Model as GET /v1/models has it
 */

/** @type {{ value: { models: Model[], schedulers: { name: string }[], kinds: Kind[] } | null, peek(): any }} */
export const catalogue = signal(null);

/** All kinds that the API describes, which do not change while the page is open. @type {Promise<Kind[]> | null} */
let described = null;

/** Anyone may read the description: it is asked for as soon as this module is there, before it is known who is signed in. */
const kindsDescribed = () =>
  (described ??= call('GET', '/openapi/v1.json').then(kindsOf, (error) => {
    described = null;
    throw error;
  }));

kindsDescribed().catch(() => {});

/** Reads the catalogue anew: what it says of models changes while the page is open. */
export async function loadCatalogue() {
  const [models, schedulers, kinds] = await Promise.all([call('GET', '/v1/models'), call('GET', '/v1/schedulers'), kindsDescribed()]);
  const offered = new Set(models.data.flatMap((/** @type {Model} */ model) => model.kinds));
  catalogue.value = {
    models: models.data,
    schedulers: schedulers.data,
    kinds: kinds.filter((kind) => offered.has(kind.name)),
  };
}

/** @param {any} description OpenAPI 3.1 @returns {Kind[]} in the order in which it has them */
function kindsOf(description) {
  const schemas = description.components.schemas;
  return Object.values(description.paths)
    .map((path) => path.post)
    .filter((call) => call && description.paths[`/v1/${call.operationId}/estimate`])
    .map((call) => ({
      name: call.operationId,
      fields: fieldsOf(resolved(call.requestBody.content['application/json'].schema, schemas).schema, schemas),
    }));
}

/** @param {any} schema @param {any} schemas @returns {{ name: string, schema: any, description: string }} */
function resolved(schema, schemas) {
  const part = schema.oneOf?.find((/** @type {any} */ one) => one.type !== 'null') ?? schema;
  const name = part.$ref?.split('/').pop() ?? '';
  return { name, schema: name ? schemas[name] : part, description: part.description ?? schema.description ?? '' };
}

/** @param {any} schema @param {any} schemas @returns {Field[]} */
function fieldsOf(schema, schemas) {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { name: type, schema: found, description } = resolved(property, schemas);
    const item = found.items && resolved(found.items, schemas).schema;
    const types = [found.type].flat();
    return {
      name,
      description,
      required: Boolean(schema.required?.includes(name)),
      most: found.maxItems,
      type:
        type === 'PictureSource'
          ? 'picture'
          : item?.properties
            ? 'list'
            : found.properties
              ? 'object'
              : (['integer', 'number', 'boolean', 'string'].find((known) => types.includes(known)) ?? 'json'),
      fields: item?.properties ? fieldsOf(item, schemas) : found.properties ? fieldsOf(found, schemas) : undefined,
    };
  });
}
