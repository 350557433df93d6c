// A table of a list that comes in pages; narrow screens scroll it sideways.
import { html } from '../ui.js';
import { t } from '../texts.js';

/**
 * @param {object} props
 * @param {string} props.name what it lists, for those who do not see it
 * @param {ReturnType<typeof import('./pages.js').usePages>} props.pages
 * @param {{ name: string, of: (row: any) => any }[]} props.columns the first names the row
 * @param {(row: any) => string} [props.keyOf]
 */
export function PagedTable({ name, pages, columns, keyOf = (row) => row.id }) {
  const { rows, more, problem } = pages;
  return html`${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${!rows
      ? !problem && html`<p class="quiet">${t('shell.loading')}</p>`
      : rows.length === 0
        ? html`<p class="quiet">${t('table.none')}</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label=${name}>
            <table>
              <thead><tr>${columns.map((column) => html`<th scope="col">${column.name}</th>`)}</tr></thead>
              <tbody>
                ${rows.map(
                  (row) => html`<tr key=${keyOf(row)}>
                    ${columns.map((column, index) => (index === 0 ? html`<th scope="row">${column.of(row)}</th>` : html`<td>${column.of(row)}</td>`))}
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>`}
    ${more && html`<button type="button" onclick=${more}>${t('table.more')}</button>`}`;
}
